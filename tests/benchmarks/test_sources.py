"""What names the state of the judged engines: every module that a campaign loads, and none besides."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.sources import ROOT, Sources

CAMPAIGN = Path("benchmarks/fuzzed_days.py")
JUDGED = """
import sys, types
sys.modules["benchmarks.runs"] = types.SimpleNamespace(tail=dict)  # the machinery of measuring, not followed
from benchmarks.fuzzed_days import Effort, day_number, faults
for number in (5, 13):
    for engine in ("ruin", "routing"):
        assert faults(day_number(number, most_visits=12), engine, Effort(200, None), number=number)[0] == []
names = ("optimizer", "tests.optimizer")
print(*(m.__file__ for n, m in sys.modules.items() if n.startswith(names) and getattr(m, "__file__", None)))
"""


@pytest.fixture(scope="module")
def covered() -> set[str]:
    """Files that the campaign's digest covers."""
    return {path.relative_to(ROOT).as_posix() for path in Sources().needed_by(ROOT / CAMPAIGN)}


@pytest.mark.slow
def test_all_that_a_campaign_loads_is_in_its_digest() -> None:
    ran = subprocess.run([sys.executable, "-c", JUDGED], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {Path(name) for name in ran.stdout.split()}
    assert len(loaded) > 80
    known = set(Sources().needed_by(ROOT / CAMPAIGN))
    assert {path for path in loaded - known if path.read_text(encoding="utf-8").count("\n") > 1} == set()


@pytest.mark.parametrize(
    "name",
    [
        "optimizer/timing.py",
        "optimizer/constraints/team.py",
        "optimizer/objectives/travel.py",
        "optimizer/engines/routing.py",
        "optimizer/engines/ruin/inserting.py",
        "optimizer/engines/ruin/child.py",
        "optimizer/explain.py",
        "optimizer/oracle.py",
        "tests/optimizer/rich_days.py",
        "benchmarks/fuzzed_days.py",
    ],
)
def test_what_searches_and_judges_is_covered(covered: set[str], name: str) -> None:
    assert name in covered


@pytest.mark.parametrize(
    "name",
    [
        "optimizer/engines/ruin/quoting.py",
        "optimizer/engines/ruin/booking.py",
        "optimizer/offers.py",
        "optimizer/readers/vroom.py",
        "optimizer/schema.py",
        "tests/optimizer/test_oracle.py",
        "benchmarks/runs.py",
    ],
)
def test_what_no_judged_day_runs_is_not(covered: set[str], name: str) -> None:
    assert (ROOT / name).exists()
    assert name not in covered


def test_only_a_change_of_what_is_covered_is_another_state(tmp_path: Path) -> None:
    for name, text in (("box/one.py", ""), ("box/two.py", ""), ("begin.py", "import box.one\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    begun = Sources(tmp_path, ["box"]).digest_for(tmp_path / "begin.py")
    (tmp_path / "box" / "two.py").write_text("X = 1\n", encoding="utf-8")
    assert Sources(tmp_path, ["box"]).digest_for(tmp_path / "begin.py") == begun
    (tmp_path / "box" / "one.py").write_text("X = 1\n", encoding="utf-8")
    assert Sources(tmp_path, ["box"]).digest_for(tmp_path / "begin.py") != begun


def test_what_a_package_passes_on_is_sought_where_it_is_defined(tmp_path: Path) -> None:
    package = tmp_path / "box"
    package.mkdir()
    files = {
        "__init__.py": "from box.one import ours\nfrom box.two import theirs\n",
        "one.py": "if TYPE_CHECKING:\n    from box import two\nNAMED = 'box.three:Engine'\n",
        "two.py": "",
        "three.py": "def late():\n    import box.four\n",
        "four.py": "",
    }
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    begin = tmp_path / "begin.py"
    begin.write_text("from box import ours\n", encoding="utf-8")
    found = Sources(tmp_path, ["box"]).needed_by(begin)
    assert [path.name for path in found] == ["begin.py", "four.py", "one.py", "three.py"]
