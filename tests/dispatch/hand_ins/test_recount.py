"""
Whatever comes in whatever order: money collected = handed in + vouchers + differences + in custody (R-603).

The books are judged by an independent recount, which knows the story alone and none of the code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.access.rules import Principal, Role
from dispatch.errors import DispatchError
from dispatch.hand_ins import account, receiving
from dispatch.hand_ins.commands import hand_in
from dispatch.hand_ins.model import HandIn
from dispatch.hand_ins.rules import Signature, Voucher
from dispatch.money import Money
from dispatch.technicians.model import Technician
from tests.builders import DAY, a_principal, a_technician, a_user, a_visit, at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.hand_ins.test_both_sides import SIGNED, STROKES, collect
from tests.planning_world import register_kinds

METHODS = ("cash", "card")
Step = tuple[str, str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("collect", "collect", "pay", "hand_in", "receive", "accept", "dispute", "decide", "settle")
        ),
        st.sampled_from(METHODS),
        st.integers(-30, 300),
    ),
    min_size=4,
    max_size=14,
)


@dataclass
class Story:
    """What happened, as somebody would note it on paper; amounts by method."""

    collected: Counter[str] = field(default_factory=Counter)
    pocket: Counter[str] = field(default_factory=Counter)
    """Collected since the last hand-in."""
    receipts: list[int] = field(default_factory=list)
    """What was paid in cash since the last hand-in, with a receipt each."""
    taken: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    """Paid on the way with a receipt that was there."""


@pytest.fixture
def people(session: Session, now: MovableClock) -> Iterator[tuple[Technician, Principal, Principal]]:
    """A technician, a cashier, and a supervisor at the end of the test day."""
    register_kinds()
    now.set(at(17))
    cashier = a_principal(Role.FINANCE, user_id=a_user(session, Role.FINANCE).id)
    yield a_technician(session), cashier, a_principal(Role.SUPERVISOR)
    outbox.register((), {})


class Books:
    """Tells the product a story step by step; what it refuses did not happen in the story either."""

    def __init__(self, session: Session, people: tuple[Technician, Principal, Principal]) -> None:
        _, self.cashier, self.judge = people
        self.session, self.story = session, Story()
        self.who = a_technician(session)
        self.visit = a_visit(session, technician=self.who, state="done")
        self.open: HandIn | None = None
        self.counts: dict[str, Counter[str]] = {}
        self.receipts: dict[str, int] = {}
        """Of the hand-in that is open, by number."""
        self.lost: set[str] = set()
        self.serial = 0

    def take(self, step: Step) -> None:
        """Take one step, or be refused."""
        name, method, amount = step
        getattr(self, f"_{name}")(method, amount)

    def _collect(self, method: str, amount: int) -> None:
        cents = abs(amount) + 1
        collect(self.session, self.who, self.visit, cents, method)
        self.story.collected[method] += cents
        self.story.pocket[method] += cents

    def _pay(self, method: str, amount: int) -> None:
        self.story.receipts.append(abs(amount))

    def _hand_in(self, method: str, amount: int) -> None:
        if self.open is not None:
            return
        pocket = Counter(self.story.pocket)
        counted = Counter({one: max(0, pocket[one] + (amount if one == method else 0)) for one in pocket})
        receipts = {f"R-{self.serial + at}": paid for at, paid in enumerate(self.story.receipts)}
        try:
            with self.session.begin_nested():
                self.open = hand_in(
                    self.session,
                    by=None,
                    technician=self.who,
                    day=DAY,
                    sheets=[self.visit.number],
                    reasons={},
                    counted_minor=dict(counted),
                    currency="EUR",
                    vouchers=[Voucher(number, "parking", paid) for number, paid in receipts.items()],
                    signature=SIGNED if amount % 2 else None,
                )
        except DispatchError as why:
            assert why.code == "ALREADY_HANDED_IN"  # noqa: PT017 - only nothing new is refused
            assert not pocket
            assert not receipts
            return
        self.receipts, self.lost, self.serial = receipts, set(), self.serial + len(receipts)
        self.story.receipts.clear()
        self.counts = {"pocket": pocket, "technician": counted}
        self.story.pocket.clear()

    def _receive(self, method: str, amount: int) -> None:
        if self.open is None or self.open.state != "handed_in":
            return
        own = self.counts["technician"]
        again = Counter({one: max(0, own[one] + (amount if one == method else 0)) for one in own})
        self.counts["cashier"] = again
        self.lost = {number for number in self.receipts if amount % 3 == 0}
        receiving.receive(
            self.session,
            by=self.cashier,
            hand_in=self.open,
            counted_minor=dict(again),
            currency="EUR",
            missing=dict.fromkeys(self.lost, "not there"),
            note="counted",
        )
        self._closed("cashier")

    def _accept(self, method: str, amount: int) -> None:
        self._answer(accepts=True)

    def _dispute(self, method: str, amount: int) -> None:
        self._answer(accepts=False)

    def _answer(self, *, accepts: bool) -> None:
        if self.open is None or self.open.state != "received":
            return
        receipt = receiving.queries.receipt_of(self.session, self.open)
        assert receipt is not None
        signature = Signature("Ada", STROKES, receipt.shown_sha256)
        receiving.answer(
            self.session,
            by=self.judge,
            hand_in=self.open,
            accepts=accepts,
            signature=signature,
            reason="said",
        )
        self._closed("cashier")

    def _decide(self, method: str, amount: int) -> None:
        if self.open is None or self.open.state == "handed_in":
            return
        stands = "cashier" if amount % 2 else "technician"
        receiving.decide(self.session, by=self.judge, hand_in=self.open, stands=stands, reason="said")
        self._closed(stands)

    def _settle(self, method: str, amount: int) -> None:
        owed = self.story.missing[method]
        if owed:
            part = Money(1 if owed > 0 else -1, "EUR")
            account.settle(
                self.session,
                by=self.cashier,
                technician=self.who,
                method=method,
                amount=part,
                how="paid",
                note="paid in",
            )
            self.story.missing[method] -= part.minor
            self.story.taken[method] += part.minor

    def _closed(self, stands: str) -> None:
        if self.open is None or self.open.state != "closed":
            return
        there = self.receipts.keys() - (self.lost if stands == "cashier" else set())
        paid = Counter({"cash": sum(self.receipts[number] for number in there)})
        for method in METHODS:
            counted = self.counts[stands][method]
            self.story.taken[method] += counted
            self.story.shown[method] += paid[method]
            self.story.missing[method] += self.counts["pocket"][method] - counted - paid[method]
        self.open, self.counts, self.receipts = None, {}, {}


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_collected_money_is_handed_in_owed_or_in_custody(
    session: Session, people: tuple[Technician, Principal, Principal], steps: list[Step]
) -> None:
    """R-603: Σ collected = Σ handed in + Σ vouchers + Σ open differences + in custody, per method, always."""
    books = Books(session, people)
    for step in steps:
        books.take(step)
        story = books.story
        for method in METHODS:
            balance = next(
                (one for one in account.balances(session, books.who.id) if one.method == method), None
            )
            collected = story.collected[method]
            if balance is None:
                assert collected == 0
                assert not story.shown[method]
                continue
            in_custody = story.pocket[method] + books.counts.get("pocket", Counter())[method]
            assert balance.collected_minor == collected
            assert balance.custody_minor == in_custody
            assert balance.owed_minor == story.missing[method]
            assert balance.handed_in_minor + balance.settled_minor == story.taken[method]
            assert balance.voucher_minor == story.shown[method]
            assert collected == sum(
                (story.taken[method], story.shown[method], story.missing[method], in_custody)
            )
