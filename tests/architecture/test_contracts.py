"""The walls stand, and each of them refuses what it is there to refuse."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.tree import ROOT


class Violation(NamedTuple):
    """A deliberate fault: lines added to files, and the contract that must refuse them."""

    name: str
    contract: str
    additions: dict[str, str]


INFRASTRUCTURE = "no-infrastructure-in-features"
VIOLATIONS = (
    Violation("engine_calls_domain", "packages", {"optimizer/plan.py": "import dispatch.money"}),
    Violation("domain_calls_web", "packages", {"dispatch/clock.py": "from api import create_app"}),
    Violation(
        "command_reads_flask", "no-http-below-api", {"dispatch/calls/commands.py": "from flask import g"}
    ),
    Violation("engine_uses_marshmallow", "no-http-below-api", {"optimizer/problem.py": "import marshmallow"}),
    Violation("engine_uses_sqlalchemy", "pure-engine", {"optimizer/timing.py": "import sqlalchemy"}),
    Violation("engine_uses_geopy", "pure-engine", {"optimizer/validate.py": "import geopy.distance"}),
    Violation(
        "checker_uses_solver",
        "solver-behind-the-seam",
        {"optimizer/check.py": "from ortools.sat.python import cp_model"},
    ),
    Violation(
        "constraint_uses_solver",
        "solver-behind-the-seam",
        {"optimizer/constraints/skills.py": "from ortools.constraint_solver import pywrapcp"},
    ),
    Violation(
        "timing_reaches_solver_through_a_neighbour",
        "solver-behind-the-seam",
        {
            "optimizer/timing.py": "from optimizer import shortcut",
            "optimizer/shortcut.py": "from ortools.constraint_solver import pywrapcp",
        },
    ),
    Violation(
        "lower_feature_calls_higher",
        "layers",
        {"dispatch/work_orders/commands.py": "from dispatch.planning import commands"},
    ),
    Violation(
        "siblings_call_each_other",
        "layers",
        {"dispatch/customers/model.py": "from dispatch.parts import model"},
    ),
    Violation("package_without_a_layer", "layers", {"dispatch/gossip/model.py": "GOSSIP = 1"}),
    Violation(
        "rule_queries", "pure-rules", {"dispatch/work_orders/rules.py": "from sqlalchemy import select"}
    ),
    Violation(
        "rule_reaches_tables_through_the_model",
        "pure-rules",
        {"dispatch/calls/rules.py": "from dispatch.calls import model"},
    ),
    Violation(
        "life_cycle_uses_db", "pure-rules", {"dispatch/work_orders/lifecycle.py": "import dispatch.db"}
    ),
    Violation("money_uses_sqlalchemy", "pure-rules", {"dispatch/money.py": "import sqlalchemy"}),
    Violation(
        "appraisal_reads_positions",
        "appraisal-reads-no-positions",
        {"dispatch/performance/facts.py": "from dispatch.locations import queries as where"},
    ),
    Violation("command_uses_valkey", INFRASTRUCTURE, {"dispatch/calls/commands.py": "import redis"}),
    Violation(
        "query_uses_geopy",
        INFRASTRUCTURE,
        {"dispatch/travel/queries.py": "import geopy.distance"},
    ),
    Violation("web_uses_model", "api-uses-the-doors", {"api/calls.py": "from dispatch.calls import model"}),
    Violation(
        "web_uses_job", "api-uses-the-doors", {"api/planning.py": "from dispatch.planning import jobs"}
    ),
    Violation("web_queries", "api-uses-the-doors", {"api/calls.py": "import sqlalchemy"}),
    Violation("web_uses_engine", "api-uses-the-doors", {"api/planning.py": "from optimizer import plan"}),
    Violation(
        "two_siblings_in_a_ring",
        "no-cycles",
        {"api/ring_one.py": "from api import ring_two", "api/ring_two.py": "from api import ring_one"},
    ),
    Violation(
        "web_reaches_solver",
        "no-solver-in-the-web",
        {
            "api/planning.py": "from dispatch.planning import shortcut",
            "dispatch/planning/shortcut.py": "from ortools.constraint_solver import pywrapcp",
        },
    ),
    Violation("outbox_knows_rq", "one-queue-door", {"dispatch/outbox.py": "import rq"}),
    Violation("web_knows_valkey", "one-queue-door", {"api/health.py": "import redis"}),
)
NOT_CODE = shutil.ignore_patterns("*.[!p]*", "__pycache__")
PERMITTED = Violation(
    "type_of_the_solver_under_type_checking",
    "solver-behind-the-seam",
    {
        "optimizer/constraints/skills.py": (
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n"
            "    from ortools.constraint_solver import pywrapcp"
        )
    },
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the contracts say of the untouched copy and of each violation in it."""
    room = tmp_path_factory.mktemp("contracts")
    copy = room / "tree"
    for package in ("api", "dispatch", "optimizer"):
        shutil.copytree(ROOT / package, copy / package, ignore=NOT_CODE)
    shutil.copy(ROOT / "pyproject.toml", copy)
    trials: list[dict[str, object]] = [{"name": "untouched", "additions": {}, "only": None}]
    for violation in (*VIOLATIONS, PERMITTED):
        name, contract, additions = violation
        trials.append({"name": name, "additions": additions, "only": contract})
    listed = room / "violations.json"
    listed.write_text(json.dumps(trials), encoding="utf-8")
    script = Path(__file__).with_name("contract_trial.py")
    command = [sys.executable, str(script), str(copy), str(listed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    spoken: dict[str, list[str]] = json.loads(done.stdout.strip().splitlines()[-1])
    return spoken


def test_the_tree_keeps_every_contract(answers: dict[str, list[str]]) -> None:
    assert answers["untouched"] == []


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: violation.name)
def test_a_deliberate_violation_is_caught(violation: Violation, answers: dict[str, list[str]]) -> None:
    assert answers[violation.name] == [violation.contract]


def test_a_type_under_type_checking_is_no_violation(answers: dict[str, list[str]]) -> None:
    assert answers[PERMITTED.name] == []


def test_every_contract_is_tried_by_at_least_one_violation() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = {contract["id"] for contract in configuration["tool"]["importlinter"]["contracts"]}
    assert named == {violation.contract for violation in VIOLATIONS}
    assert len(VIOLATIONS) >= 13
