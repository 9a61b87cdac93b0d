"""Requests are counted per caller, in Valkey and without it (S9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from api import create_app, limits
from api.errors import RangeTooLong
from api.schemas import check_days
from dispatch.access.rules import Role
from tests.api.company import Client, ClientFor, Company, settings_of_tests
from tests.api.phone import Phone

Served = Callable[..., Company]


@pytest.fixture
def limited(company: Company) -> Served:
    """Makes the company with small limits, counted where the address says."""

    def make(redis_url: str | None = None, **variables: str) -> Company:
        settings = replace(settings_of_tests(**variables), redis_url=redis_url)
        return company.with_settings(create_app(settings))

    return make


def statuses(client: Client, times: int, path: str = "/v1/auth/me") -> list[int]:
    return [client.get(path).status_code for _ in range(times)]


def check_limit(client: Client, limit: int, answer: int = 200) -> None:
    """So many are answered, the next is refused; the turn of a minute may let one more through."""
    found = statuses(client, limit + 2)
    assert found in ([answer] * limit + [429] * 2, [answer] * (limit + 1) + [429]), found


def signed_in(served: Company, client: Client) -> Client:
    other = served.anybody()
    other.take(client.__dict__)
    return other


@pytest.mark.parametrize("where", ["valkey", "memory", "valkey that went away"])
def test_the_request_beyond_the_limit_is_429_with_retry_after(
    limited: Served, client_for: ClientFor, redis_url: str, where: str
) -> None:
    addresses = {"valkey": redis_url, "memory": None, "valkey that went away": "redis://127.0.0.1:1/0"}
    served = limited(addresses[where], TRUCKROLL_REQUESTS_PER_MINUTE_USER="5")
    client = signed_in(served, client_for(Role.DISPATCHER))
    check_limit(client, 5)
    refused = client.get("/v1/auth/me")
    assert refused.get_json()["code"] == "TOO_MANY_REQUESTS"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    other = signed_in(served, client_for(Role.DISPATCHER))
    assert statuses(other, 5) == [200] * 5, "somebody else is not held up"


def test_devices_users_and_addresses_have_limits_of_their_own(limited: Served, client_for: ClientFor) -> None:
    served = limited(
        TRUCKROLL_REQUESTS_PER_MINUTE_USER="6",
        TRUCKROLL_REQUESTS_PER_MINUTE_DEVICE="4",
        TRUCKROLL_REQUESTS_PER_MINUTE_ADDRESS="3",
    )
    phone = Phone(client_for(Role.TECHNICIAN))
    assert phone.register().status_code == 201
    check_limit(signed_in(served, phone.client), 4)
    check_limit(signed_in(served, client_for(Role.FINANCE)), 6)
    check_limit(served.anybody(), 3, answer=401)


def test_probes_are_never_refused(limited: Served) -> None:
    served = limited(TRUCKROLL_REQUESTS_PER_MINUTE_ADDRESS="2")
    assert statuses(served.anybody(), 10, "/healthz") == [200] * 10


def test_a_socket_address_of_valkey_is_understood() -> None:
    assert limits.storage_uri("unix:///run/valkey.sock?db=0") == "redis+unix:///run/valkey.sock?db=0"
    assert limits.storage_uri(None) == "memory://"


def test_a_range_of_days_has_a_longest_length() -> None:
    first = date(2026, 3, 2)
    check_days(first, first)
    check_days(first, first + timedelta(days=30))
    for last in (first + timedelta(days=31), first - timedelta(days=1)):
        with pytest.raises(RangeTooLong):
            check_days(first, last)


def test_a_page_has_at_most_two_hundred_items(client_for: ClientFor) -> None:
    admin = client_for(Role.ADMIN)
    assert admin.get("/v1/users?limit=200").status_code == 200
    assert admin.get("/v1/users?limit=201").status_code == 422
