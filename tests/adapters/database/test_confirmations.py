"""The count of a circular's confirmations, also when all addressees confirm at the same moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest
from sqlmodel import select

from countersign.adapters.database.circulars import CircularWish
from countersign.adapters.database.tables import Alarm, Circular
from countersign.bootstrap import Parts
from countersign.contracts.cases import CaseState, Projection, RecordOrder
from tests.support.company import add_colleague, company

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NUMBERS = ("E2001", "E2002", "E2003", "E2004")


@pytest.fixture
def parts(each_url: str, tmp_path: Path) -> Iterator[Parts]:
    made = company(tmp_path / "data", lambda: NOW, database_url=each_url)
    yield made
    made.database.close()


def circulated(parts: Parts) -> list[str]:
    """Make a circular to everybody of `NUMBERS`; return its cases."""
    for number in NUMBERS:
        add_colleague(parts, number)
    wish = CircularWish("t", "t", NUMBERS)
    made = parts.circulars.create(wish, None, {"role": "hr", "id": "t"}, "key")
    shown = parts.circular_views.read(made.circular_id, None)
    assert shown is not None
    return [one["case"] for one in shown["addressees"]]


def closed(case_id: str, outcome: str, key: str = "1") -> RecordOrder:
    shown = Projection(CaseState.CLOSED, "closed", None, None, outcome)
    return RecordOrder(case_id, key, NOW, shown)


def told(parts: Parts) -> tuple[int, list[str]]:
    """Return the count of the circular and the alarms."""
    with parts.database.reading() as session:
        alarms = [alarm.kind for alarm in session.exec(select(Alarm))]
        return session.exec(select(Circular)).one().confirmed, alarms


def test_of_confirmations_that_come_together_exactly_one_is_the_last(parts: Parts) -> None:
    cases = circulated(parts)
    together = Barrier(len(cases))

    def confirm(case_id: str) -> None:
        together.wait()
        parts.cases.record(closed(case_id, "acknowledged"))

    with ThreadPoolExecutor(len(cases)) as threads:
        list(threads.map(confirm, cases))
    assert told(parts) == (len(NUMBERS), ["circular_complete"])


def test_an_order_that_is_repeated_or_written_after_the_end_counts_once(parts: Parts) -> None:
    first, *_ = circulated(parts)
    for key in ("1", "1", "2"):
        parts.cases.record(closed(first, "acknowledged", key))
    assert told(parts) == (1, [])


def test_a_case_that_ends_otherwise_is_no_confirmation(parts: Parts) -> None:
    *others, last = circulated(parts)
    for case_id in others:
        parts.cases.record(closed(case_id, "acknowledged"))
    parts.cases.record(closed(last, "exhausted"))
    assert told(parts) == (len(others), [])
