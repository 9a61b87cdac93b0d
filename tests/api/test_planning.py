"""Offers, promises, day plans and locks through the API."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from dispatch import clock, db
from dispatch.access.rules import Role
from dispatch.work_orders.model import Visit
from tests.api.desk import NOWHERE, Desk, code_of, day, local, run_jobs


def test_offers_become_a_promise_and_a_draft(desk: Desk) -> None:
    """R-303, R-309: found by insertion, promised once, kept in the day's draft."""
    assessment = desk.promised()
    order = desk.read(Role.DISPATCHER, f"/v1/work-orders/{assessment['work_order_id']}")
    [promise] = order["promises"]
    assert (promise["ordinal"], promise["channel"], promise["reason"]) == (1, "phone", "first")
    assert order["visits"][0]["window"] == promise["window"]
    view = desk.read(Role.DISPATCHER, f"/v1/territories/{desk.territory}/days/{day()}")
    assert [stop["visit_id"] for stop in view["draft"]["stops"]] == [assessment["visit_id"]]
    told = desk.read(Role.CALL_TAKER, f"/v1/visits/{assessment['visit_id']}/promises")
    assert told["items"] == [promise | {"told": []}]
    run_jobs("messages.write")
    [again] = desk.read(Role.CALL_TAKER, f"/v1/visits/{assessment['visit_id']}/promises")["items"]
    assert [(one["template"], one["channel"], one["state"]) for one in again["told"]] == [
        ("visit_promised", "email", "queued")
    ]


def test_without_anybody_on_duty_there_are_no_windows(desk: Desk) -> None:
    """Bad input: technician without shift."""
    visit = desk.assessment()["visit_id"]
    offers = desk.read(Role.CALL_TAKER, f"/v1/visits/{visit}/offers?first_day={day()}&days=1")
    assert offers["windows"] == []
    body = {"window": {"start": local(9), "end": local(11)}, "channel": "phone"}
    answer = desk.post(Role.CALL_TAKER, f"/v1/visits/{visit}/promise", body)
    assert code_of(answer) == (409, "SLOT_GONE")
    assert answer.get_json()["cause"]["fresh"] == []


def test_nobody_qualified_is_said_per_technician(desk: Desk) -> None:
    desk.skill()
    desk.shift()
    call = desk.call()
    body = {"told": desk.told(), "judgement": {"skills": {"gas": 3}}}
    visit = desk.made(Role.SUPERVISOR, f"/v1/calls/{call['id']}/assessment", body)["visit_id"]
    offers = desk.read(Role.CALL_TAKER, f"/v1/visits/{visit}/offers?first_day={day()}&days=1")
    assert offers["windows"] == []
    assert {refusal["technician_id"] for refusal in offers["refusals"]} == {desk.technician}
    assert all(refusal["sentence"] for refusal in offers["refusals"])


@pytest.mark.parametrize(
    ("window", "refusal"),
    [
        ({"start": local(11), "end": local(9)}, (422, "WINDOW_IMPOSSIBLE")),
        ({"start": local(9, days=-1), "end": local(11, days=-1)}, (422, "WINDOW_IMPOSSIBLE")),
        ({"start": local(1), "end": local(23)}, (422, "WINDOW_IMPOSSIBLE")),
        ({"start": "2026-03-02T08:00:00", "end": local(9)}, (422, "TIME_WITHOUT_ZONE")),
        ({"start": local(9)}, (422, "REQUEST_INVALID")),
    ],
)
def test_an_impossible_window_is_refused_by_name(
    desk: Desk, window: dict[str, Any], refusal: tuple[int, str]
) -> None:
    desk.shift()
    assessment = desk.assessment()
    body = {"window": window, "channel": "phone", "reason": "first"}
    path = f"/v1/visits/{assessment['visit_id']}/promise"
    assert code_of(desk.post(Role.CALL_TAKER, path, body)) == refusal
    order = desk.read(Role.DISPATCHER, f"/v1/work-orders/{assessment['work_order_id']}")
    assert (order["promises"], order["visits"][0]["window"]) == ([], None)


def test_a_day_is_optimised_published_and_never_published_on_an_old_version(desk: Desk) -> None:
    assessment = desk.promised()
    address = f"/v1/territories/{desk.territory}/days/{day()}"
    run = desk.made(Role.DISPATCHER, f"{address}/optimise", {"seconds": 1, "seed": 3}, status=202)
    assert run["state"] == "ready"
    assert run_jobs("planning.optimise_day") == 1
    done = desk.read(Role.DISPATCHER, f"/v1/planning/runs/{run['run_id']}")
    assert (done["state"], done["error"]) == ("done", None)
    view = desk.read(Role.DISPATCHER, address)
    [proposal] = view["proposals"]
    assert proposal["id"] == done["plan_id"]
    assert (proposal["seed"], proposal["unserved"]) == (3, [])
    path = f"/v1/plans/{proposal['id']}/publish"
    stale = desk.of(Role.DISPATCHER).post(path, json={}, headers={"If-Match": '"999"'})
    assert code_of(stale) == (412, "PLAN_STALE")
    published = desk.change(Role.DISPATCHER, "POST", path, {}, view["version"])
    assert (published["revision"], published["published"]["id"]) == (1, proposal["id"])
    [visit] = desk.read(Role.TECHNICIAN, "/v1/visits")["items"]
    assert (visit["id"], visit["state"]) == (assessment["visit_id"], "published")
    assert visit["technician_id"] == desk.technician
    again = desk.of(Role.DISPATCHER).post(path, headers={"If-Match": f'"{published["version"]}"'})
    assert code_of(again) == (409, "PLAN_NOT_PUBLISHABLE")


def test_a_proposal_is_put_aside_once(desk: Desk) -> None:
    desk.promised()
    address = f"/v1/territories/{desk.territory}/days/{day()}"
    desk.made(Role.DISPATCHER, f"{address}/optimise", {"seconds": 1}, status=202)
    run_jobs("planning.optimise_day")
    view = desk.read(Role.DISPATCHER, address)
    [proposal] = view["proposals"]
    path, seen = f"/v1/plans/{proposal['id']}/reject", {"If-Match": f'"{view["version"]}"'}
    dispatcher = desk.of(Role.DISPATCHER)
    assert code_of(dispatcher.post(path)) == (428, "IF_MATCH_MISSING")
    assert code_of(dispatcher.post(path, headers={"If-Match": '"999"'})) == (412, "PLAN_STALE")
    rejected = dispatcher.post(path, headers=seen)
    assert (rejected.status_code, rejected.get_json()["state"]) == (200, "rejected")
    assert desk.read(Role.DISPATCHER, address)["proposals"] == []
    assert code_of(dispatcher.post(path, headers=seen)) == (409, "PLAN_NOT_PUBLISHABLE")


def test_an_optimisation_is_called_off_by_whoever_plans(desk: Desk) -> None:
    desk.promised()
    address = f"/v1/territories/{desk.territory}/days/{day()}"
    run = desk.made(Role.DISPATCHER, f"{address}/optimise", {"seconds": 1}, status=202)["run_id"]
    path = f"/v1/planning/runs/{run}"
    waiting = desk.read(Role.CALL_TAKER, path)
    assert (waiting["state"], waiting["is_called_off"], waiting["progress"]) == ("ready", False, None)
    assert desk.of(Role.CALL_TAKER).post(f"{path}/cancel").status_code == 403
    for _ in range(2):
        answer = desk.of(Role.DISPATCHER).post(f"{path}/cancel")
        assert (answer.status_code, answer.get_json()["state"]) == (200, "cancelled")
    assert answer.get_json() == desk.read(Role.DISPATCHER, path)
    assert run_jobs("planning.optimise_day") == 0
    assert desk.read(Role.DISPATCHER, address)["proposals"] == []


def test_an_optimisation_that_is_done_says_what_it_found_and_is_not_called_off(desk: Desk) -> None:
    desk.promised()
    address = f"/v1/territories/{desk.territory}/days/{day()}"
    run = desk.made(Role.DISPATCHER, f"{address}/optimise", {"seconds": 1}, status=202)["run_id"]
    assert run_jobs("planning.optimise_day") == 1
    path = f"/v1/planning/runs/{run}"
    assert set(desk.read(Role.DISPATCHER, path)["progress"]) == {
        "seconds",
        "iterations",
        "cost_minor",
        "unserved",
    }
    assert code_of(desk.of(Role.DISPATCHER).post(f"{path}/cancel")) == (409, "RUN_NOT_CANCELLABLE")


def test_an_optimisation_is_limited_in_time(desk: Desk) -> None:
    """S9: nobody lets the engine think for an hour."""
    path = f"/v1/territories/{desk.territory}/days/{day()}/optimise"
    answer = desk.post(Role.DISPATCHER, path, {"seconds": 3600})
    assert code_of(answer) == (422, "REQUEST_INVALID")
    assert "seconds" in answer.get_json()["errors"]


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "0001-01-01", "2026-3-2"])
def test_a_day_that_is_none_is_named(desk: Desk, text: str) -> None:
    answer = desk.of(Role.DISPATCHER).get(f"/v1/territories/{desk.territory}/days/{text}")
    assert code_of(answer) == (422, "REQUEST_INVALID")
    assert "day" in answer.get_json()["errors"]


def test_a_visit_is_pinned_and_let_go(desk: Desk) -> None:
    visit = desk.promised()["visit_id"]
    address = f"/v1/territories/{desk.territory}/days/{day()}"
    before = desk.read(Role.DISPATCHER, address)["version"]
    path = f"/v1/visits/{visit}/lock"
    body = {"technician_id": desk.technician, "reason": "knows the house"}
    dispatcher = desk.of(Role.DISPATCHER)
    seen = {"If-Match": dispatcher.get(f"/v1/visits/{visit}").headers["ETag"]}
    assert code_of(dispatcher.put(path, json=body)) == (428, "IF_MATCH_MISSING")
    locked = dispatcher.put(path, json=body, headers=seen)
    assert (locked.status_code, locked.get_json()["technician_id"]) == (200, desk.technician)
    assert desk.read(Role.DISPATCHER, address)["version"] > before
    assert code_of(dispatcher.delete(path)) == (428, "IF_MATCH_MISSING")
    for late in (dispatcher.put(path, json=body, headers=seen), dispatcher.delete(path, headers=seen)):
        assert code_of(late) == (412, "STALE")
    newest = {"If-Match": locked.headers["ETag"]}
    assert dispatcher.delete(path, headers=newest).status_code == 204
    assert code_of(dispatcher.delete(path, headers=newest)) == (412, "STALE")
    now = {"If-Match": dispatcher.get(f"/v1/visits/{visit}").headers["ETag"]}
    for wrong, refusal in (
        ({"technician_id": NOWHERE}, (404, "NOT_FOUND")),
        ({"start": local(9, days=-2)}, (422, "WINDOW_IMPOSSIBLE")),
        ({"start": "2026-03-02T08:00:00"}, (422, "TIME_WITHOUT_ZONE")),
    ):
        assert code_of(dispatcher.put(path, json=wrong, headers=now)) == refusal
    nothing = dispatcher.put(path, json={}, headers=now)
    assert nothing.status_code == 422


def test_a_visit_under_way_is_not_offered_again(desk: Desk) -> None:
    visit = desk.worked()["visit_id"]
    offers = desk.of(Role.CALL_TAKER).get(f"/v1/visits/{visit}/offers")
    assert code_of(offers) == (409, "VISIT_NOT_PLANNABLE")
    version = desk.read(Role.DISPATCHER, f"/v1/visits/{visit}")["version"]
    locked = desk.of(Role.DISPATCHER).put(
        f"/v1/visits/{visit}/lock",
        json={"technician_id": desk.technician},
        headers={"If-Match": f'"{version}"'},
    )
    assert code_of(locked) == (409, "VISIT_NOT_PLANNABLE")


def test_what_a_technician_says_by_telephone_is_kept_while_work_goes_on(desk: Desk) -> None:
    """R-503: only between arrival and finish, with the version seen."""
    visit, at_work = desk.published()["visit_id"], desk.of(Role.DISPATCHER)
    address = f"/v1/visits/{visit}/expected-end"

    def say(minutes: int) -> Any:
        seen = {"If-Match": at_work.get(f"/v1/visits/{visit}").headers["ETag"]}
        return at_work.put(address, json={"remaining_minutes": minutes}, headers=seen)

    assert code_of(say(30)) == (409, "NOT_UNDER_WAY")
    with db.transaction() as session:
        found = session.get_one(Visit, uuid.UUID(visit))
        for state in ("travelling", "on_site", "working"):
            found.state = state
            session.flush()
    assert say(0).status_code == 422
    answer = say(30)
    assert answer.status_code == 200
    told = datetime.fromisoformat(answer.json["expected_end_at"])
    assert timedelta(minutes=29) < told - clock.now() <= timedelta(minutes=30)
    assert code_of(at_work.put(address, json={"remaining_minutes": 5})) == (428, "IF_MATCH_MISSING")


def test_a_proposal_says_what_it_changes(desk: Desk) -> None:
    assessment = desk.promised()
    address = f"/v1/territories/{desk.territory}/days/{day()}"
    desk.made(Role.DISPATCHER, f"{address}/optimise", {"seconds": 1, "seed": 3}, status=202)
    run_jobs("planning.optimise_day")
    [proposal] = desk.read(Role.DISPATCHER, address)["proposals"]
    found = desk.read(Role.DISPATCHER, f"/v1/plans/{proposal['id']}/differences")
    assert (found["plan_id"], found["against_plan_id"] is None) == (proposal["id"], False)
    assert {row["visit_id"] for row in found["rows"]} <= {assessment["visit_id"]}
    assert set(found["cost_after"]) >= {"travel", "unserved"}


def test_a_lock_against_a_rule_is_kept_and_the_plan_says_so_in_both_languages(desk: Desk) -> None:
    """R-309: a lock to the evening lengthens the shift; plan and differences name rule, visit and person."""
    visit = desk.promised()["visit_id"]
    address = f"/v1/territories/{desk.territory}/days/{day()}"
    dispatcher = desk.of(Role.DISPATCHER)
    seen = {"If-Match": dispatcher.get(f"/v1/visits/{visit}").headers["ETag"]}
    body = {"technician_id": desk.technician, "start": local(22)}
    assert dispatcher.put(f"/v1/visits/{visit}/lock", json=body, headers=seen).status_code == 200
    desk.made(Role.DISPATCHER, f"{address}/optimise", {"seconds": 1, "seed": 3}, status=202)
    run_jobs("planning.optimise_day")
    [proposal] = desk.read(Role.DISPATCHER, address)["proposals"]
    assert [stop["visit_id"] for stop in proposal["stops"]] == [visit]
    against = [(row["code"], row["rule"], row["visit_id"]) for row in proposal["doubts"]]
    assert against == [("LOCK_AGAINST_RULE", "SHIFT", visit), ("LOCK_OUTSIDE_WINDOW", None, visit)]
    shift = proposal["doubts"][0]
    assert shift["technician_id"] == desk.technician
    name = desk.read(Role.DISPATCHER, f"/v1/technicians/{desk.technician}")["name"]
    assert name in shift["sentence_en"]
    assert name in shift["sentence_zh"]
    assert "班次" in shift["sentence_zh"]
    assert desk.technician not in shift["cause"]
    plan = desk.read(Role.DISPATCHER, f"/v1/plans/{proposal['id']}")
    found = desk.read(Role.DISPATCHER, f"/v1/plans/{proposal['id']}/differences")
    assert plan["doubts"] == found["doubts"] == proposal["doubts"]
    published = desk.change(
        Role.DISPATCHER,
        "POST",
        f"/v1/plans/{proposal['id']}/publish",
        {},
        desk.read(Role.DISPATCHER, address)["version"],
    )
    assert published["published"]["doubts"] == proposal["doubts"]
