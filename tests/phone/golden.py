"""
The golden corpus: what a phone of each schema ever shipped has sent, kept to be read for ever (Identity 3).

    python -m tests.phone.golden 2

records a day of every operation kind in that schema by the reference client, on a database of its own, and
writes ``golden/schema-2.json``. A schema's file is written once, when the schema is shipped, and never again:
what is replayed later is what phones of that time have on their disks.
"""

from __future__ import annotations

import argparse
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from dispatch import clock, db, outbox
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from dispatch.embedded import services
from dispatch.sync import commands as sync
from dispatch.sync import protocol
from tests.phone.direct import CURRENCY
from tests.phone.golden_company import Company, known_id
from tests.phone.golden_day import batches_of_a_day
from tests.services import migrate, remove_home, settings_for, short_home

FOLDER = Path(__file__).with_name("golden")
STATE: Mapping[str, str] = {
    "visits": "select id::text, state, is_solved, rating from visit where id = any(:visits)",
    "attempts": "select attempt, state from visit where attempt > 1",
    "steps": "select visit_id::text, from_state, to_state, occurred_at from visit_event"
    " where visit_id = any(:visits) and op_id is not null",
    "findings": "select visit_id::text, fault, cause, action, is_tested, touched, voided_by is null"
    " from finding",
    "advice": "select words, is_danger, state, note from advised_work",
    "parts": "select p.sku, u.direction, u.quantity, u.lot, u.voided_by is null from part_use u"
    " join part p on p.id = u.part_id",
    "stock": "select t.number, s.quantity from van_stock s join technician t on t.id = s.technician_id",
    "counts": "select expected, counted from stock_count",
    "approvals": "select amount_minor, currency, approved_by_name, method from approval",
    "payments": "select amount_minor, currency, method, reference from payment",
    "withdrawals": "select subject, reason from withdrawal",
    "consents": "select equipment, signed_by_name from consent",
    "answers": "select code, question, value from checklist_answer",
    "signatures": "select signed_by_name, waiver_reason from service_report",
    "files": "select sha256, size_bytes, media_type, purpose from declared_file",
    "transfers": "select id::text, state, quantity from part_transfer",
    "tools": "select serial, (select number from technician where id = keeper_id) from tool",
    "handovers": "select id::text, state from tool_handover",
    "hand_ins": "select day::text, state, note, stock from hand_in",
    "keepers": "select kind, method, amount_minor from keeper_entry",
    "positions": "select count(*) from position",
    "customers": "select phone from customer",
    "cases": "select visit_id::text, kind from review_case",
    "rejected": "select type from sync_operation where state = 'rejected'",
}


def recorded(schema: int) -> dict[str, Any]:
    """Record a corpus: what was sent, what was answered, and what it has left."""
    batches = batches_of_a_day(schema)
    return {"schema": schema, "batches": masked(batches, _told_ids(batches)), "state": state()}


def state() -> dict[str, list[Any]]:
    """What the day has left, without ids that a server makes."""
    ids = [known_id(100 + number) for number in range(1, 7)]
    found = {}
    with db.transaction() as session:
        for name, question in STATE.items():
            values = {"visits": ids} if ":visits" in question else {}
            rows = session.execute(text(question), values)
            found[name] = json.loads(json.dumps([list(row) for row in rows], default=str))
    return in_order(found)


def in_order(state: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """The same rows in the order of their words: a table has none of its own."""
    return {name: sorted(rows, key=json.dumps) for name, rows in state.items()}


def replayed(corpus: Mapping[str, Any]) -> tuple[list[list[Any]], dict[str, list[Any]]]:
    """Send the recorded batches to a new company; return the receipts of each and what they have left."""
    company, told = Company.founded(), []
    for one in corpus["batches"]:
        moment = datetime.fromisoformat(one["at"])
        clock.set_source(lambda at=moment: at)  # type: ignore[misc]
        by = company.people[one["who"]]
        with db.transaction() as session:
            pushed = sync.push(session, by=by, batch=one["batch"], company_currency=CURRENCY)
        told.append([json.loads(receipt) for receipt in pushed.receipts])
    known = _told_ids(corpus["batches"])
    return [masked(receipts, known) for receipts in told], state()


def is_still_told(kept: Any, now: Any) -> bool:
    """Tell whether everything that was answered then is answered now; more may be told."""
    if isinstance(kept, dict) and isinstance(now, dict):
        return all(name in now and is_still_told(value, now[name]) for name, value in kept.items())
    if isinstance(kept, list) and isinstance(now, list):
        return len(kept) == len(now) and all(map(is_still_told, kept, now))
    return bool(kept == now)


def _told_ids(batches: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Every id that phones named; others were made by a server."""
    return frozenset(_texts([one["batch"] for one in batches]))


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [one for inner in value.values() for one in _texts(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in _texts(inner)]
    return [value] if isinstance(value, str) else []


def masked(value: Any, known: frozenset[str]) -> Any:
    """The same without ids that a server made."""
    if isinstance(value, dict):
        return {name: masked(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, known) for inner in value]
    return "<id>" if isinstance(value, str) and value not in known and _is_id(value) else value


def _is_id(value: str) -> bool:
    try:
        return str(uuid.UUID(value)) == value
    except ValueError:
        return False


def kept() -> dict[int, dict[str, Any]]:
    """Every committed corpus by its schema."""
    found = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("schema-*.json")))
    return {one["schema"]: one | {"state": in_order(one["state"])} for one in found}


def on_a_database_of_its_own(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Start a database, do the work, and take everything away again."""
    home = short_home()
    try:
        with services.start(settings_for(home)) as running:
            migrate(running.database_url)
            engine = db.connect(running.database_url)
            db.configure(db.sessions(engine))
            outbox.register(JOBS, SUBSCRIPTIONS)
            made = work()
            engine.dispose()
            return made
    finally:
        outbox.register((), {})
        clock.set_source(None)
        remove_home(home)


def main() -> None:
    """Record a schema that has no corpus yet."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("schema", type=int, choices=sorted(protocol.PUSH_SCHEMAS))
    schema = reader.parse_args().schema
    page = FOLDER / f"schema-{schema}.json"
    if page.exists():
        raise SystemExit(f"{page.name} was recorded when schema {schema} was shipped; it stays as it is")
    corpus = on_a_database_of_its_own(lambda: recorded(schema))
    FOLDER.mkdir(exist_ok=True)
    page.write_text(json.dumps(corpus, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
