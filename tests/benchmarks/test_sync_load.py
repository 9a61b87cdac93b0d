"""The load of phones and its naive baseline, very small: what they count is right, and faults do happen."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from benchmarks import blackouts, naive_queue, naive_sync, office, sync, sync_page
from benchmarks.field_phones import EFFECTS, PHOTO_SIDE, effects_of
from benchmarks.office import Told
from benchmarks.page import ASIDE, PAGE, NoMarks
from benchmarks.sync import Load
from dispatch import db
from dispatch.simulation.fault_proxy import Weather
from dispatch.work_orders.model import Visit
from tests import builders

ROUGH = Weather(lost=0.3, repeated=0.1, cut=0.3)
SLOW = Weather(late=1.0, late_seconds=(0.02, 0.05))
SMALL = Load(
    phones=2,
    minutes=0.02,
    rate=40,
    operations=12,
    photos=2,
    heal_minutes=0.01,
    most_minutes=1,
    storm=ROUGH,
    healed=ROUGH,
    photo_side=64,
)


def test_a_small_load_loses_and_doubles_nothing_and_losses_would_be_seen(server: str, tmp_path: Path) -> None:
    row = sync.run(SMALL, server, tmp_path)
    assert (row["made"], row["decided"], row["visits"], row["photos"]) == (74, 74, 7, 4)
    for name in ("lost", "undecided", "invented", "disagreeing", "contradicted", "undrained_phones"):
        assert row[name] == 0
    for name in ("effects_lost", "effects_doubled", "photos_lost", "photos_doubled", "overwritten", "untold"):
        assert row[name] == 0
    assert row["office_changes"] > 0
    assert row["push_at_phone"]["count"] == 1
    assert row["faults"]["lost"] > 0
    assert effects_of(8, 5) == {
        "effects_lost": len(EFFECTS),
        "effects_doubled": 0,
        "photos_lost": 1,
        "photos_doubled": 0,
    }
    with db.transaction() as session:
        session.execute(text("create temp table again on commit drop as select * from part_use limit 1"))
        session.execute(text("update again set id = gen_random_uuid(), op_id = null"))
        session.execute(text("insert into part_use select * from again"))
    assert effects_of(7, 4)["effects_doubled"] == 1


def test_the_naive_baseline_doubles_and_overwrites_under_the_same_faults(
    database_url: str, redis_url: str
) -> None:
    """Faults 2 and 16: answers lost, bodies cut."""
    row = naive_sync.run(replace(SMALL, phones=3, operations=52), database_url, redis_url, every=60)
    assert row["doubled"] > 0
    assert row["overwritten"] == row["office_changes"] == 5
    assert row["lost"] <= row["given_up"]
    assert (row["killed"], "dark" in row["faults"]) == (0, False)


def test_the_naive_baseline_meets_blackouts_and_killed_workers(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults 18 and 29: what was given up in the dark is lost, and what a dead worker had in hand."""
    monkeypatch.setattr(blackouts, "DARK_EVERY", 0.05)
    monkeypatch.setattr(blackouts, "DARK_SECONDS", 0.05)
    load = replace(SMALL, storm=SLOW, healed=SLOW, photos=4)
    row = naive_sync.run(load, database_url, redis_url, every=0.3)
    assert row["faults"]["dark"] > 0
    assert row["killed"] > 0
    assert row["given_up"] >= row["lost"]


def test_a_worker_of_the_baseline_puts_photographs_away_also_after_it_was_killed(
    database_url: str, redis_url: str
) -> None:
    """Fault 18: plain RQ."""
    plain = database_url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(naive_sync.SCHEMA)
        with naive_queue.background(redis_url, seed=1, every=60) as works:
            works.take(plain, "kept")
            works.drain()
            works.stop()
            works.take(plain, "waits for ever")
            works.kill(random.Random(1))
            assert works.killed == ["worker"]
            works.drain()
        kept = connection.execute("select marker from naive.photo order by id").fetchall()
    assert kept == [("kept",), ("waits for ever",)]


def test_the_naive_baseline_loses_what_it_gives_up(database_url: str, redis_url: str) -> None:
    load = replace(SMALL, storm=Weather(dropped=0.7), healed=Weather(dropped=0.7))
    row = naive_sync.run(load, database_url, redis_url, every=60)
    assert row["given_up"] >= row["lost"] > 0
    assert row["doubled"] == 0


def test_rows_of_phones_stay_off_the_page_of_contests() -> None:
    assert "sync under load" in ASIDE


def a_row(**fields: object) -> dict[str, object]:
    full = Load().told()
    zeros = dict.fromkeys((*sync_page.LOST, *sync_page.DOUBLED, *sync_page.UNDECIDED, "server_errors"), 0)
    times = {"push_at_server": {"p95": 1200}, "pull_at_server": {"p95": 100}, "drained_seconds": 500.0}
    told = {
        "made": 72000,
        "photos": 6000,
        "killed": 90,
        "overwritten": 0,
        "office_changes": 400,
        "doubled": 0,
    }
    where = {"at": "2026-12-01T00:00:00", "load": [3], "machine": {"processor": "P", "cores": 2}}
    head = {"measure": "sync under load", "side": "truckroll", "seed": 1}
    return head | full | zeros | times | told | where | fields


@pytest.mark.parametrize(
    "milder",
    [{"storm": {}}, {"healed": {}}, {"heal_minutes": 0.1}, {"most_minutes": 300.0}, {"photo_side": 8}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_run_with_other_faults_has_no_place_on_the_page(milder: dict[str, object]) -> None:
    assert sync_page.is_official(json.loads(json.dumps(a_row())))
    assert not sync_page.is_official(a_row(**milder))


def test_what_the_office_wrote_is_compared_with_what_stands(server: str) -> None:
    """An office change that somebody overwrites is counted, each kind of it."""
    with db.transaction() as session:
        skill = builders.a_skill(session)
        ids = [builders.a_visit(session, state="published", skills={skill.code: 2}).id for _ in range(4)]
        told = [
            Told(visit_id, session.get_one(Visit, visit_id).duration_minutes, {skill.code: 2}, 3)
            for visit_id in ids
        ]
        for visit_id in ids:
            session.get_one(Visit, visit_id).work_order.priority = 3
    assert office.standing(told, []) == {"office_changes": 4, "overwritten": 0, "untold": 4}
    with db.transaction() as session:
        session.get_one(Visit, ids[0]).duration_minutes += 1
        session.get_one(Visit, ids[1]).skills = {}
        session.get_one(Visit, ids[2]).work_order.priority = 4
    assert office.standing(told, [])["overwritten"] == 3


def test_the_page_tells_only_of_runs_of_full_size() -> None:
    small = a_row(phones=30)
    assert sync_page.text_of([small]) == "Not yet measured at full size.\n"
    naive = a_row(side="naive", lost=7, doubled=900, overwritten=399)
    told = sync_page.text_of([small, a_row(photos_doubled=1), naive])
    assert "| p95 of a push of 50 operations, at the server | ≤ 1,000 ms | 1,200 | – | *not met* |" in told
    assert "| doubled | 0 | 1 | 900 | *not met* |" in told
    assert "| operations lost, photographs and effects included | 0 | 0 | 7 | *met* |" in told
    assert "| changes of the office overwritten | 0 | 0 of 400 | 399 of 400 | *met* |" in told


def test_the_page_tells_of_faults_done_as_often_as_asked_and_of_long_stories() -> None:
    fault = {"row": 4, "what": "gaps", "cases": 500, "wrong": 0, "seconds": 61.2}
    rare, again = fault | {"row": 6, "cases": 999}, fault | {"wrong": 2}
    assert sync_page.faults_of([rare]) == "Faults: not yet done as often as the design asks.\n"
    assert sync_page.faults_of([fault, rare, again]).splitlines()[2:] == ["| 4 | gaps | 500 | 2 | 61 |"]
    story = {"steps": 100, "version": "new", "failed_portions": [], "at": "2026-11-30T08:00:00+00:00"}
    old, short = story | {"version": "old", "stories": 9_000}, story | {"steps": 50, "stories": 9_000}
    parts = [story | {"first": first, "stories": 50} for first in (0, 50)]
    grown = story | {"first": 0, "stories": 100, "failed_portions": [1]}
    assert sync_page.stories_of([short]) == "Stories of 100 steps: none yet.\n"
    assert sync_page.stories_of([old, *parts]).startswith("100 of 5,000 stories of 100 steps (sources new")
    assert sync_page.stories_of([*parts, grown]).endswith("faults in portions 1.\n")
    assert "150 of 5,000" in sync_page.stories_of([*parts, grown])


def test_the_page_tells_of_the_month_without_contact() -> None:
    month: dict[str, object] = {"row": 15, "cases": 5_000, "photos": 400, "seconds": 200.4, "wrong": 0}
    month |= {"others": 20, "minutes": 3.0, "pushes_a_minute": 30.0, "photo_side": PHOTO_SIDE}
    month |= {"push_before": {"p95": 500}, "pull_before": {"p95": 100}, "pull_beside": {"p95": 110}}
    month |= {"push_beside": {"p95": 600}, "push_slower_percent": 20, "pull_slower_percent": 10}
    less = [{"cases": 4_999}, {"photos": 0}, {"others": 1}, {"minutes": 0.2}, {"photo_side": 8}, {"row": 14}]
    assert "not yet" in sync_page.month_of([month | one for one in less])
    told = sync_page.month_of([month])
    assert "push p95 500 → 600 ms (+20 %), pull p95 100 → 110 ms (+10 %)" in told
    assert told.endswith("wanted: *met*.\n")
    silent = {"push_slower_percent": None, "push_beside": {"count": 0}}
    for worse in ({"push_slower_percent": 21}, silent, {"wrong": 1}):
        assert sync_page.month_of([month | worse]).endswith("*not met*.\n")


def test_the_page_tells_of_runs_with_processes() -> None:
    run = {"version": "new", "steps": 40, "operations": 9_000, "killed": {"web": 70}, "failed": []}
    run |= {"at": "2026-12-01T08:00:00+00:00"}

    def part(first: int, runs: int, **fields: object) -> dict[str, object]:
        return run | {"first": first, "runs": runs, **fields}

    none = "Runs with processes that are killed: none yet.\n"
    assert sync_page.processes_of([]) == none
    assert sync_page.processes_of([part(0, 200, steps=3), part(0, 200, killed={})]) == none
    told = sync_page.processes_of([part(0, 9, version="old"), part(0, 150), part(140, 50, failed=[160])])
    assert told.startswith("190 of 200 runs in threads")
    assert told.endswith("18,000 operations, 140 kills): faults in runs 160.\n")


def test_the_page_has_a_place_for_phones() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "Not yet measured at full size." in sync_page.written(page, [])
    with pytest.raises(NoMarks):
        sync_page.written("# Another page\n", [])


def test_the_page_reads_both_sides_of_a_file_whatever_small_run_came_later(tmp_path: Path) -> None:
    page, rows = tmp_path / "page.md", tmp_path / "rows.jsonl"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    both = (a_row(), a_row(side="naive", lost=7, doubled=900, overwritten=399))
    later = (a_row(phones=30), a_row(minutes=1.0))
    rows.write_text("".join(f"{json.dumps(row)}\n" for row in (*both, *later)), encoding="utf-8")
    sync_page.main(["--rows", str(rows), "--page", str(page)])
    told = page.read_text(encoding="utf-8")
    assert "| doubled | 0 | 0 | 900 | *met* |" in told
    assert sync_page.text_of(both) in told
