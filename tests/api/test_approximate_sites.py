"""Sites that are entered approximately, listed, and put where they are, through the API."""

from __future__ import annotations

from typing import Any

from dispatch.access.rules import Role
from tests.api.desk import INSIDE, Desk, code_of


def customer(desk: Desk) -> str:
    """The id of a new customer."""
    made: dict[str, Any] = desk.made(Role.CALL_TAKER, "/v1/customers", {"name": "Ada"})
    return str(made["id"])


def test_a_site_nobody_can_locate_is_entered_listed_and_put_where_it_is(desk: Desk) -> None:
    """Never a silent zero: refused by name, or the territory's middle with its flag."""
    path = f"/v1/customers/{customer(desk)}/sites"
    unknown = {"address": "No such street 1, Nowhere"}
    assert code_of(desk.post(Role.CALL_TAKER, path, unknown))[1] == "ADDRESS_UNKNOWN"
    assert code_of(desk.post(Role.CALL_TAKER, path, unknown | {"approximate": True}))[1] == "ADDRESS_UNKNOWN"
    about = unknown | {"approximate": True, "territory_id": desk.territory}
    site = desk.made(Role.CALL_TAKER, path, about)
    assert (site["position_quality"], site["territory_id"]) == ("territory", desk.territory)
    listing = f"/v1/territories/{desk.territory}/approximate-sites"
    assert [one["id"] for one in desk.read(Role.CALL_TAKER, listing)["items"]] == [site["id"]]
    where = {"position": INSIDE}
    address = f"/v1/sites/{site['id']}/position"
    after = desk.change(Role.CALL_TAKER, "PUT", address, where, site["version"])
    assert (after["position_quality"], after["position"]) == ("exact", where["position"])
    assert desk.read(Role.CALL_TAKER, listing)["items"] == []
    again = desk.of(Role.CALL_TAKER).put(address, json=where, headers={"If-Match": f'"{after["version"]}"'})
    assert code_of(again) == (409, "POSITION_EXACT")


def test_a_call_is_taken_at_an_approximate_place(desk: Desk) -> None:
    """R-103: the caller is not sent away because the address is odd."""
    place = {"address": "???", "approximate": True, "territory_id": desk.territory}
    call = desk.call(place=place)
    site = desk.read(Role.DISPATCHER, f"/v1/sites/{call['site_id']}")
    assert (site["position_quality"], call["territory_id"]) == ("territory", desk.territory)
