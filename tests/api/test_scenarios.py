"""Scenarios, impact, explanations, rows of proposals and policies of publishing, as the office uses them."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.access.rules import Role
from tests.api.desk import Desk, code_of, day, local, run_jobs


@pytest.fixture
def booked(desk: Desk) -> str:
    """A visit promised and published for tomorrow; its id."""
    visit: str = desk.promised()["visit_id"]
    view = desk.read(Role.DISPATCHER, address(desk))
    desk.change(Role.DISPATCHER, "POST", f"/v1/plans/{view['draft']['id']}/publish", {}, view["version"])
    return visit


def address(desk: Desk) -> str:
    """The day."""
    return f"/v1/territories/{desk.territory}/days/{day()}"


def ill(desk: Desk) -> dict[str, Any]:
    """The technician is away all day."""
    return {"absences": [{"technician_id": desk.technician, "starts_at": local(8), "ends_at": local(20)}]}


def test_an_absence_shows_what_it_endangers_before_anybody_writes_it(desk: Desk, booked: str) -> None:
    found = desk.of(Role.DISPATCHER).post(f"{address(desk)}/impact", json=ill(desk)).get_json()
    [row] = found["items"]
    assert (row["visit_id"], row["danger_now"], row["danger"]) == (booked, "safe", "breaking")
    assert (row["expected_arrival"], row["repair"]) == (None, None)
    assert row["sentence"]


def test_a_scenario_is_made_planned_read_listed_and_compared(desk: Desk, booked: str) -> None:
    body = ill(desk) | {"title": "Ill at ten", "seconds": 0.3}
    made = desk.made(Role.DISPATCHER, f"{address(desk)}/scenarios", body, status=202)
    assert (made["state"], made["plan_id"], made["outcome"]) == ("ready", None, None)
    other = desk.made(
        Role.DISPATCHER,
        f"{address(desk)}/scenarios",
        {
            "title": "One more",
            "seconds": 0.3,
            "emergencies": [{"starts_at": local(12)}],
            "closed_areas": [{"latitude": 43.7, "longitude": 7.4, "radius_metres": 50}],
        },
        status=202,
    )
    assert run_jobs("planning.what_if") == 2
    done = desk.read(Role.SUPERVISOR, f"/v1/scenarios/{made['id']}")
    assert (done["state"], done["is_stale"]) == ("done", False)
    assert (done["outcome"]["served"], done["outcome"]["left_out"]) == (0, 1)
    plan = desk.read(Role.DISPATCHER, f"/v1/plans/{done['plan_id']}")
    assert (plan["state"], [left["visit_id"] for left in plan["unserved"]]) == ("what_if", [booked])
    told = desk.read(Role.DISPATCHER, f"/v1/plans/{done['plan_id']}/visits/{booked}/explanation")
    assert (told["technician_id"], told["choices"]) == (None, [])
    listed = desk.read(Role.DISPATCHER, f"{address(desk)}/scenarios")
    assert [row["title"] for row in listed["items"]] == ["One more", "Ill at ten"]
    rows = desk.read(Role.DISPATCHER, f"/v1/scenarios/{made['id']}/differences/{other['id']}")["rows"]
    assert [(row["visit_id"], row["change"]) for row in rows] == [(booked, "added")]
    version = desk.read(Role.DISPATCHER, address(desk))["version"]
    path = f"/v1/plans/{done['plan_id']}/publish"
    refused = desk.of(Role.DISPATCHER).post(path, headers={"If-Match": f'"{version}"'})
    assert code_of(refused) == (409, "PLAN_NOT_PUBLISHABLE")


def test_a_scenario_without_assumptions_is_refused(desk: Desk) -> None:
    answer = desk.post(Role.DISPATCHER, f"{address(desk)}/scenarios", {"title": "Nothing"})
    assert code_of(answer) == (422, "ASSUMPTION_INVALID")


def test_a_planned_visit_is_explained_by_the_engine(desk: Desk, booked: str) -> None:
    plan = desk.read(Role.DISPATCHER, address(desk))["published"]["id"]
    told = desk.read(Role.DISPATCHER, f"/v1/plans/{plan}/visits/{booked}/explanation")
    assert told["technician_id"] == desk.technician
    [choice] = told["choices"]
    assert (choice["technician_id"], choice["is_planned"], choice["more_than_best_minor"]) == (
        desk.technician,
        True,
        0,
    )
    assert sum(choice["by_term"].values()) == choice["extra_minor"]
    assert (told["obstacles"], told["relaxations"]) == ([], [])


def test_a_visit_left_out_is_explained_by_rules_and_what_would_let_it_in(desk: Desk, booked: str) -> None:
    """R-501: nobody holds the skill; the skill is the rule, and it is what to loosen."""
    desk.skill()
    call = desk.call()
    body = {"told": desk.told(), "judgement": {"skills": {"gas": 3}}}
    visit = desk.made(Role.SUPERVISOR, f"/v1/calls/{call['id']}/assessment", body)["visit_id"]
    plan = desk.read(Role.DISPATCHER, address(desk))["published"]["id"]
    told = desk.read(Role.DISPATCHER, f"/v1/plans/{plan}/visits/{visit}/explanation")
    assert (told["technician_id"], told["choices"]) == (None, [])
    assert [(row["technician_id"], row["code"]) for row in told["obstacles"]] == [(desk.technician, "SKILL")]
    assert [row["rule"] for row in told["relaxations"]] == ["SKILL"]
    assert booked != visit


def test_rows_of_a_proposal_are_accepted_on_the_version_that_was_read(desk: Desk, booked: str) -> None:
    desk.made(Role.DISPATCHER, f"{address(desk)}/optimise", {"seconds": 0.3}, status=202)
    run_jobs("planning.optimise_day")
    view = desk.read(Role.DISPATCHER, address(desk))
    [proposal] = view["proposals"]
    path = f"/v1/plans/{proposal['id']}/accept-rows"
    rows = desk.read(Role.DISPATCHER, f"/v1/plans/{proposal['id']}/differences")["rows"]
    named = [row["visit_id"] for row in rows] or [booked]
    answer = desk.of(Role.DISPATCHER).post(
        path, json={"visit_ids": named}, headers={"If-Match": f'"{view["version"]}"'}
    )
    expected = (200, "") if rows else (422, "ROW_UNKNOWN")
    assert code_of(answer) == expected
    stale = desk.of(Role.DISPATCHER).post(path, json={"visit_ids": named}, headers={"If-Match": '"999"'})
    assert code_of(stale) == (412, "PLAN_STALE")


def test_a_territory_says_what_may_be_published_without_a_person(desk: Desk) -> None:
    path = f"/v1/territories/{desk.territory}"
    before = desk.read(Role.ADMIN, path)
    assert before["auto_publish"] == {"reasons": [], "told_most": 0, "technicians_most": 0}
    wanted = {"reasons": ["absence"], "told_most": 3, "technicians_most": 2}
    changed = desk.change(Role.ADMIN, "PATCH", path, {"auto_publish": wanted}, before["version"])
    assert changed["auto_publish"] == wanted
    wrong = desk.of(Role.ADMIN).patch(
        path, json={"auto_publish": {"reasons": ["mood"]}}, headers={"If-Match": f'"{changed["version"]}"'}
    )
    assert code_of(wrong) == (422, "REQUEST_INVALID")
