"""Refusals of the domain and of the database as problem+json, and nothing of the inside (S20)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from api import create_app, errors
from api.auth import policy
from api.session import current_session
from dispatch import db
from dispatch.access.rules import Role
from dispatch.errors import Conflict, DispatchError, Invalid, NotFound
from tests.api.addresses import addresses
from tests.api.company import Client, ClientFor, Company, settings_of_tests

CANARY = "canary-4711-李雷"
MEMBERS = {"type", "title", "status", "code", "detail", "remedy", "instance"}


@pytest.fixture(scope="module")
def _probed() -> Flask:
    """An application with one extra address."""
    application = create_app(settings_of_tests())
    application.add_url_rule("/v1/probe", "probe", methods=["POST"])
    return application


@pytest.fixture
def probe(company: Company, _probed: Flask) -> Callable[[Callable[[], Any]], Any]:
    """Ask an application whose one extra address runs the given view."""

    def ask(view: Callable[[], Any]) -> Any:
        _probed.view_functions["probe"] = policy.public(view)
        return company.with_settings(_probed).anybody().post("/v1/probe")

    return ask


def raising(error: BaseException) -> Callable[[], Any]:
    def view() -> Any:
        raise error

    return view


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("no", value=3), 422),
        (NotFound("no"), 404),
        (Conflict("no"), 409),
        (errors.MalformedJson("no", reason="depth"), 400),
        (errors.IfMatchMissing("no"), 428),
    ],
)
def test_a_refusal_says_code_cause_and_remedy(probe: Any, error: DispatchError, status: int) -> None:
    answer = probe(raising(error))
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert set(body) - {"cause"} == MEMBERS
    assert (body["code"], body["remedy"], body["detail"]) == (error.code, error.remedy, "no")
    assert body.get("cause", {}) == error.detail
    assert body["instance"].endswith(answer.headers["X-Request-ID"])


def test_every_kind_of_refusal_in_the_code_has_a_status() -> None:
    waiting, kinds = [DispatchError], set()
    while waiting:
        found = waiting.pop()
        kinds.add(found.kind)
        waiting += found.__subclasses__()
    assert kinds <= set(errors.STATUS_OF_KIND)


def test_an_exception_at_any_address_tells_nothing(
    company: Company, client_for: ClientFor, capfd: pytest.CaptureFixture[str]
) -> None:
    """S20: forced exception at every address: no canary and no stack frame, neither in answer nor in log."""
    application = create_app(settings_of_tests())
    for endpoint, view in list(application.view_functions.items()):

        def broken(*_args: Any, **_kwargs: Any) -> Any:
            raise RuntimeError(f"{CANARY}\r\n forged line")

        broken.policy = view.policy  # type: ignore[attr-defined]
        application.view_functions[endpoint] = broken
    served = company.with_settings(application).anybody()
    users = {role: client_for(role) for role in Role}
    capfd.readouterr()
    for address in addresses(application):
        role = next(iter(address.policy.roles), Role.ADMIN)
        served.take(users[role].__dict__)
        answer = served.open(address.path, method=address.method)
        assert answer.status_code == 500, str(address)
        body = answer.get_data(as_text=True)
        assert answer.get_json()["code"] == "INTERNAL"
        for word in (CANARY, "canary", "Traceback", ".py", "RuntimeError", "broken"):
            assert word not in body
    log = capfd.readouterr().err
    assert "canary" not in log
    assert "forged line" not in log
    lines = [json.loads(line) for line in log.splitlines()]
    told = [line for line in lines if line["event"] == "internal_error"]
    assert len(told) == len(addresses(application))
    assert told[0]["error"] == "builtins.RuntimeError"
    assert told[0]["frames"][-1].startswith("test_errors.py:")


def test_the_log_has_only_listed_fields_and_one_line_per_event(
    client_for: ClientFor, capfd: pytest.CaptureFixture[str]
) -> None:
    admin = client_for(Role.ADMIN)
    capfd.readouterr()
    admin.get(
        "/v1/users?limit=3&forged=%0d%0a%7b%22event%22:%22forged%22%7d", headers={"X-Request-ID": "mine"}
    )
    admin.get("/v1/%0d%0aforged")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    allowed = {"event", "timestamp", "level", "request_id", "method", "route", "status", "code"}
    allowed |= {"milliseconds", "user_id", "device_id"}
    assert [set(line) - allowed for line in lines] == [set(), set()]
    assert [line["route"] for line in lines] == ["/v1/users", ""]
    assert "mine" not in {line["request_id"] for line in lines}


def test_a_database_that_does_not_answer_is_503_with_retry_after(
    company: Company, client_for: ClientFor
) -> None:
    admin = client_for(Role.ADMIN)
    nowhere = db.connect("postgresql+psycopg://nobody@127.0.0.1:1/none")
    db.configure(db.sessions(nowhere))
    answers = [
        admin.get("/v1/users"),
        admin.post("/v1/auth/login", json={"username": "ada", "password": "x" * 20}),
    ]
    nowhere.dispose()
    for answer in answers:
        assert (answer.status_code, answer.get_json()["code"]) == (503, "UNAVAILABLE")
        assert answer.headers["Retry-After"] == "5"
        assert "127.0.0.1" not in answer.get_data(as_text=True)


PROBES = {
    "unique (n) deferrable initially deferred": ("ALREADY_EXISTS", 409, "(1, null), (1, null)"),
    "exclude using gist (r with &&) deferrable initially deferred": (
        "OVERLAPPING",
        409,
        "(1, '[1,5)'), (2, '[4,6)')",
    ),
    "check (n > 0)": ("VALUE_REFUSED", 422, "(-1, null)"),
}


@pytest.mark.parametrize("constraint", PROBES)
def test_a_constraint_that_fails_at_the_commit_is_an_answer_and_nothing_is_written(
    probe: Any, constraint: str
) -> None:
    code, status, rows = PROBES[constraint]
    with db.transaction() as session:
        session.execute(text("drop table if exists probe"))
        session.execute(text(f"create table probe (n int, r int4range, {constraint})"))

    def view() -> Any:
        current_session().execute(text(f"insert into probe values {rows}"))
        return {"done": True}

    answer = probe(view)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert "probe" not in answer.get_data(as_text=True)
    with db.transaction() as session:
        assert session.scalar(text("select count(*) from probe")) == 0


@pytest.mark.parametrize("value", ["99999999999999", "'x'::text::int", "1/0"])
def test_a_value_that_the_database_cannot_take_is_422(probe: Any, value: str) -> None:
    def view() -> Any:
        current_session().execute(text(f"select ({value})::int"))
        return {}

    answer = probe(view)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "VALUE_REFUSED")


def test_a_mistake_in_our_own_statement_is_500(probe: Any) -> None:
    def view() -> Any:
        current_session().execute(text("select no_such_column"))
        return {}

    assert probe(view).status_code == 500


def test_an_answer_of_400_or_more_rolls_back(probe: Any) -> None:
    with db.transaction() as session:
        session.execute(text("drop table if exists probe"))
        session.execute(text("create table probe (n int)"))

    def view() -> Any:
        current_session().execute(text("insert into probe values (1)"))
        return {"sorry": True}, 409

    assert probe(view).status_code == 409
    with db.transaction() as session:
        assert session.scalar(text("select count(*) from probe")) == 0


def test_two_changes_of_one_version_make_one_winner(client_for: ClientFor, company: Company) -> None:
    """S5: a lost race is 412, however close it was."""
    from concurrent.futures import ThreadPoolExecutor

    admin, other = client_for(Role.ADMIN), client_for(Role.DISPATCHER)
    address = f"/v1/users/{other.user_id}"
    etag = admin.get(address).headers["ETag"]

    def change(number: int) -> int:
        client: Client = company.anybody()
        client.take(admin.__dict__)
        body = {"display_name": f"Name {number}"}
        return client.patch(address, json=body, headers={"If-Match": etag}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(change, range(50)))
    assert statuses == [200] + [412] * 49


def test_an_unknown_address_is_404_and_a_wrong_method_names_the_right_ones(
    anybody: Client,
) -> None:
    missing = anybody.get("/v1/nothing")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "ROUTE_UNKNOWN")
    wrong = anybody.delete("/v1/auth/login")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert set(wrong.get_json()) == MEMBERS
