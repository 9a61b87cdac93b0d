"""Phones behind a bad network: what the proxy does to requests of a real server, and what is counted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dispatch.access.rules import Role
from dispatch.simulation.fault_proxy import CUT, DARK, DROPPED, LOST, REPEATED, FaultProxy, Lot, Weather
from dispatch.simulation.phone import PhoneClient
from dispatch.simulation.photos import a_photo
from dispatch.simulation.traffic import OperationCount, compared, faults
from tests.api.company import NORTH, Company
from tests.api.in_the_field import Login, a_part, a_visit, asked, work
from tests.serving import on_a_socket

STORM = Weather(dropped=0.15, lost=0.2, repeated=0.2, cut=0.3, late=0.2, late_seconds=(0.0, 0.002))
SEED = 3


@pytest.fixture
def server(company: Company) -> Iterator[str]:
    """The application on a socket."""
    with on_a_socket(company.app) as address:
        yield address


def decided() -> dict[str, str]:
    return {str(op_id): state for op_id, state in asked("select op_id, state from sync_operation")}


def phone_behind(line: FaultProxy, company: Company, store: Path) -> PhoneClient:
    made = PhoneClient(line.url, Login(company.user(Role.TECHNICIAN, NORTH)), store)
    made.sign_in()
    return made


def test_a_day_in_a_storm_loses_and_doubles_nothing(company: Company, server: str, tmp_path: Path) -> None:
    """Row 2: answers lost after the commit, requests sent twice; each operation has one effect."""
    count, chance = OperationCount(), random.Random(SEED)
    sku = a_part()
    with FaultProxy(server, STORM, seed=SEED, traffic=count) as line:
        phone = phone_behind(line, company, tmp_path / "phone.sqlite")
        for hours in (1, 3, 5):
            visit_id = a_visit(company, hours=hours)
            phone.pull()
            phone.attach(visit_id, a_photo(chance), "image/jpeg", purpose="before")
            work(phone, visit_id, sku)
            phone.push()
            while phone.store.files_to_send():
                phone.send_files()
        phone.pull()
        assert {DROPPED, LOST, REPEATED, CUT} <= line.fates.keys()
    told = compared([phone], decided())
    phone.close()
    assert (told["made"], told["decided"], told["rejected"]) == (33, 33, 0)
    assert list(faults(told | count.told())) == []
    assert count.counts["sent"] > 33
    assert count.counts["duplicated"] == count.counts["replayed"] > 0
    assert asked("select count(*), sum(quantity) from part_use") == [(3, 6)]
    assert asked("select count(*), count(attachment_id) from declared_file") == [(3, 3)]
    assert asked("select count(*) from payment") == [(3,)]


def test_what_is_missing_on_either_side_is_seen(company: Company, server: str, tmp_path: Path) -> None:
    with FaultProxy(server, Weather(), seed=SEED) as line:
        phone = phone_behind(line, company, tmp_path / "phone.sqlite")
        visit_id = a_visit(company)
        phone.pull()
        work(phone, visit_id, a_part())
        phone.push()
    whole = decided()
    first, second, *_ = whole
    held = whole | {first: "held"}
    other = whole | {first: "rejected"}
    assert compared([phone], {op: state for op, state in whole.items() if op != first})["lost"] == 1
    assert compared([phone], held)["undecided"] == 1
    assert compared([phone], other)["disagreeing"] == 1
    assert compared([], whole)["invented"] == len(whole)
    assert list(faults(compared([phone], other) | {"contradicted": 0})) == [
        "1 operations of phones are disagreeing"
    ]
    assert second in whole
    phone.close()


def test_no_network_is_no_answer(server: str) -> None:
    with FaultProxy(server, Weather(), seed=SEED) as line:
        assert httpx.get(f"{line.url}/healthz").status_code == 200
        line.darken(60)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{line.url}/healthz")
        assert line.fates == {"good": 1, DARK: 1}


def test_a_dead_server_is_no_answer() -> None:
    with FaultProxy("http://127.0.0.1:9", Weather(), seed=SEED) as line, pytest.raises(httpx.TransportError):
        httpx.get(f"{line.url}/healthz")


def test_fates_follow_from_the_seed_in_the_stated_shares() -> None:
    def drawn(seed: int) -> list[str]:
        return [STORM.fate(Lot.drawn(seed, number), 2000) for number in range(4000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert drawn(1).count(CUT) == pytest.approx(0.3 * 4000, rel=0.1)
    assert drawn(1).count(LOST) == pytest.approx(0.7 * 0.2 * 4000, rel=0.1)


def test_what_a_request_draws_does_not_depend_on_the_size_of_its_body() -> None:
    """A body that is too short to be cut meets the fate that a longer one would, and waits as long."""
    lots = [Lot.drawn(SEED, number) for number in range(1000)]
    pairs = [(STORM.fate(lot, 2000), STORM.fate(lot, 20)) for lot in lots]
    assert {long for long, short in pairs if long != short} == {CUT}
    assert [STORM.delay(lot, 2000) for lot in lots] == [STORM.delay(lot, 20) for lot in lots]
    assert {short for long, short in pairs if long == CUT} == {"good", DROPPED, LOST, REPEATED}
