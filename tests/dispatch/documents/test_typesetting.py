"""The same snapshot gives the same bytes, in any process, at any time, and in a forked worker too."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch.documents import KINDS, LANGUAGES, Kind, Language, RenderingFailed, render, typesetting, warm
from tests.dispatch.documents.paper import text
from tests.dispatch.documents.samples import SAMPLES, a_handin, an_invoice

AFRESH = (
    "import hashlib, json, sys; from dispatch.documents import render;"
    "task = json.load(sys.stdin);"
    "print(hashlib.sha256(render(task['kind'], task['snapshot'], task['language'])).hexdigest())"
)
WARMED = """
import hashlib, json, os, signal, sys
from dispatch.documents import render, typesetting, warm
snapshot = json.load(sys.stdin)
warm()
print(len(os.listdir("/proc/self/task")), flush=True)
if not (child := os.fork()):
    signal.alarm(30)
    made = hashlib.sha256(render("invoice", snapshot, "zh")).hexdigest()
    print(typesetting._threads.lost, made, flush=True)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def digest(pdf: bytes) -> str:
    """Sha256 in hex."""
    return hashlib.sha256(pdf).hexdigest()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_snapshot_gives_the_same_bytes(kind: Kind, language: Language) -> None:
    first = render(kind, SAMPLES[kind](), language)
    render(kind, SAMPLES[kind]() | {"number": "X-1"}, language)
    backwards = dict(reversed(SAMPLES[kind]().items()))
    assert digest(render(kind, backwards, language)) == digest(first)


def test_another_process_with_another_zone_and_hash_seed_gives_the_same_bytes() -> None:
    task = json.dumps({"kind": "invoice", "snapshot": an_invoice(), "language": "zh"})
    path = os.pathsep.join(entry for entry in sys.path if entry)
    other = {"TZ": "America/Lima", "PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", AFRESH],
        input=task,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | other,
    )
    assert done.stdout.strip() == digest(render("invoice", an_invoice(), "zh"))


def test_the_document_is_dated_by_its_snapshot() -> None:
    assert b"2026-03-05T03:12:00" in render("invoice", an_invoice(), "en")


def test_another_moment_of_freezing_changes_only_the_date() -> None:
    later = an_invoice(made_at="2026-03-06T03:12:00Z")
    assert render("invoice", later, "en") != render("invoice", an_invoice(), "en")
    assert text(render("invoice", later, "en")) == text(render("invoice", an_invoice(), "en"))


def test_a_process_forked_after_a_document_still_renders_the_same_bytes() -> None:
    expected = digest(render("handin", a_handin(), "zh"))
    reading, writing = os.pipe()
    child = _fork_quietly()
    if child == 0:
        signal.alarm(30)  # a child waiting for threads that no longer exist ends here and fails the test
        os.write(writing, digest(render("handin", a_handin(), "zh")).encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        assert (os.waitstatus_to_exitcode(status), pipe.read().decode()) == (0, expected)


def _fork_quietly() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of exactly what is under test
        return os.fork()


def test_threads_render_side_by_side_without_mixing_documents() -> None:
    numbers = [f"H-{index}" for index in range(8)]
    printed: dict[str, bytes] = {}

    def print_one(number: str) -> None:
        printed[number] = render("handin", a_handin(number=number), "en")

    threads = [threading.Thread(target=print_one, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert all(f"Number {number} " in text(printed[number]) for number in numbers)


def test_a_fault_of_a_template_is_reported_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.typ").write_text("#let x = ")
    monkeypatch.setattr(typesetting, "TEMPLATES", tmp_path)
    with pytest.raises(RenderingFailed, match="broken"):
        typesetting.typeset("broken", {}, datetime(2026, 1, 1, tzinfo=UTC))


def test_warming_prepares_every_template() -> None:
    warm()
    assert typesetting._compiler.cache_info().currsize >= len(KINDS)


def test_a_warmed_process_may_fork_and_its_children_typeset_themselves() -> None:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", WARMED],
        input=json.dumps(an_invoice()),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.stdout.split() == ["1", "False", digest(render("invoice", an_invoice(), "zh")), "0"]
