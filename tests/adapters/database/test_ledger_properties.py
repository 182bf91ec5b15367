"""The ledger in the database, whatever is tried on it: it holds what a plain list of bookings says."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.ledger_views import all_balances
from countersign.adapters.database.tables import Employment, Entry, Posting
from countersign.bootstrap import Parts
from countersign.domain.ledger import (
    FIXED,
    PAYABLES,
    RECEIVABLES,
    AccountKind,
    Booking,
    PostingKind,
    Voucher,
    booking,
)
from countersign.domain.refusal import Refusal
from countersign.ids import new_id
from tests.support.company import add_colleague, company

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
TODAY = date(2026, 3, 10)

CHOICES = st.one_of(
    st.sampled_from([(kind, None) for kind in FIXED]),
    st.tuples(
        st.sampled_from([PostingKind.DEDUCTION, PostingKind.REPAYMENT, PostingKind.WRITE_OFF]),
        st.sampled_from(RECEIVABLES),
    ),
    st.tuples(
        st.just(PostingKind.WITHHOLDING),
        st.sampled_from([AccountKind.WAGE_PAYABLE, AccountKind.LEAVE_PAYABLE]),
    ),
)
BOOKS = st.tuples(CHOICES, st.sampled_from([1, 99, 100, 1_053_00]), st.integers(-40, 40), st.integers(0, 12))
STEPS = st.lists(st.one_of(BOOKS, st.tuples(st.integers(0, 12), st.integers(-5, 45))), max_size=16)
"""Bookings of any kind, also for days ahead, under keys that come again; reversals, also of reversals."""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    made = company(Path(tmp_path_factory.mktemp("ledger")), lambda: NOW)
    yield made
    made.database.close()


class Model:
    """What the books should hold: postings by key, and which of them are undone."""

    def __init__(self) -> None:
        self.made: dict[str, Booking] = {}
        self.undone: dict[str, str] = {}

    def balances(self, on: date | None = None) -> Counter[AccountKind]:
        found: Counter[AccountKind] = Counter()
        for one in self.made.values():
            if on is None or one.voucher.booked_on <= on:
                found.update({line.account: line.amount_fen for line in one.lines})
        return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_tried_the_books_hold_what_a_list_of_bookings_says(
    parts: Parts, steps: list[Any]
) -> None:
    person_id = somebody(parts)
    with parts.database.transaction() as session:
        owner = Employment(id=new_id(), person_id=person_id, hired_on=date(2020, 1, 1))
        session.add(owner)
        employment = owner.id
    model = Model()
    ids: dict[str, str] = {}
    for step in steps:
        if len(step) == 4:
            (kind, account), fen, day, key = step
            voucher = Voucher(f"{employment}/{key}", employment, TODAY + timedelta(days=day), "test")
            wanted = booking(kind, voucher, fen, account)
            first = model.made.get(voucher.key)
            posting = tried(parts, lambda session, wanted=wanted: parts.ledger.book(session, wanted))
            if first is not None:
                # The same again is the first one, anything else under its key is refused.
                assert posting == (ids[voucher.key] if first == wanted else None)
            elif posting is not None:
                model.made[voucher.key], ids[voucher.key] = wanted, posting
        else:
            place, day = step
            if place >= len(ids):
                continue
            key = list(ids)[place]
            undo, on = f"undo/{key}", TODAY + timedelta(days=day)
            posting = tried(
                parts,
                lambda session, key=key, undo=undo, on=on: parts.ledger.reverse(
                    session, ids[key], undo, "test", booked_on=on
                ),
            )
            if key.startswith("undo/"):
                assert posting is None, "a reversal is never reversed"
            elif key in model.undone:
                assert posting == ids[undo], "the same reversal again is the first one"
            elif posting is not None:
                undone = model.made[key]
                voucher = Voucher(undo, employment, max(on, undone.voucher.booked_on), "test")
                lines = tuple(type(one)(one.account, -one.amount_fen) for one in undone.lines)
                model.made[undo] = Booking(PostingKind.REVERSAL, voucher, lines, ids[key])
                model.undone[key], ids[undo] = undo, posting
        held = model.balances()
        assert all(held[kind] >= 0 for kind in RECEIVABLES)
        assert all(held[kind] <= 0 for kind in PAYABLES)
    with parts.database.reading() as session:
        rows = session.exec(select(Posting).where(Posting.employment_id == employment)).all()
        assert {one.id for one in rows} == set(ids.values())
        sums = session.exec(
            select(func.sum(Entry.amount_fen))
            .where(col(Entry.posting_id).in_([one.id for one in rows]))
            .group_by(col(Entry.posting_id))
        ).all()
        assert set(sums) <= {0}
        for day in (-41, -3, 0, 17, 90):
            on = TODAY + timedelta(days=day)
            held = model.balances(on)
            told = parts.ledger.balances(session, employment, on)
            assert told == {kind: held[kind] for kind in RECEIVABLES + PAYABLES}
        assert all_balances(session, [employment])[employment] == parts.ledger.balances(session, employment)


def somebody(parts: Parts) -> str:
    return add_colleague(parts, f"E{new_id()[-9:]}", phone=None, email=None)


def tried(parts: Parts, work: Any) -> str | None:
    """Return what was booked; None where it was refused, and then nothing at all is written."""

    def counted(session: Session) -> int:
        return session.exec(select(func.count()).select_from(Entry)).one()

    with parts.database.reading() as session:
        before = counted(session)
    try:
        return str(parts.database.write(work))
    except Refusal:
        with parts.database.reading() as session:
            assert counted(session) == before
        return None
