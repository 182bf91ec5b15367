"""Legal holds and terms: what may be erased when, and that a hold wins whoever comes at the same time."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from countersign.adapters.database.erasure import CannotErase, Eraser
from countersign.adapters.database.retention import CannotHold, held
from countersign.adapters.database.tables import Case, DisclosureRow
from countersign.domain.retention import Keeps
from tests.support.outgoing import HR, Outgoing, outgoing

CLOSED = datetime(2026, 3, 2, 17, tzinfo=UTC)
"""The 3rd of March, one in the morning, in the branch."""

LAST_DAY = datetime(2031, 3, 3, 15, 59, tzinfo=UTC)
DUE = datetime(2031, 3, 3, 16, tzinfo=UTC)
"""Midnight in the branch after the last day of five years."""


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path) as made:
        close(made)
        yield made


def close(out: Outgoing, case_id: str = "", when: datetime = CLOSED) -> None:
    out.change(Case, case_id or out.case_id, state="closed", stage="closed", outcome="back", closed_at=when)


def values(out: Outgoing, case_id: str = "") -> int:
    """Return how many sealed values of a case can still be opened, reasons of holds and erasures apart."""
    with out.parts.database.reading() as session:
        found = session.exec(select(DisclosureRow).where(DisclosureRow.case_id == (case_id or out.case_id)))
        return sum(1 for row in found if row.path != "/body/reason")


def keeps(out: Outgoing) -> dict[str, tuple[Keeps, ...]]:
    return {one.case_id: one.keeps for one in out.parts.retention.closed()}


def is_held(out: Outgoing, case_id: str) -> bool:
    with out.parts.database.reading() as session:
        return held(session, case_id)


def test_a_case_is_kept_to_the_end_of_its_last_day_and_due_from_midnight_in_the_branch(out: Outgoing) -> None:
    out.now = LAST_DAY
    (one,) = out.parts.retention.closed()
    assert (str(one.closed_on), str(one.kept_until), one.keeps) == ("2026-03-03", "2031-03-03", (Keeps.TERM,))
    assert out.parts.retention.erase_due(HR) == {}
    out.now = DUE
    assert keeps(out) == {out.case_id: ()}
    assert list(out.parts.retention.erase_due(HR)) == [out.case_id]
    assert values(out) == 0
    assert keeps(out) == {}, "what is erased is not listed again"
    assert out.parts.retention.erase_due(HR) == {}
    (told,) = out.events("disclosure.erased")
    assert "sealed" in told["reason"]


def test_an_open_case_is_never_due(tmp_path: Path) -> None:
    with outgoing(tmp_path) as out:
        out.now = DUE
        assert out.parts.retention.closed() == []
        assert out.parts.retention.erase_due(HR) == {}


def test_the_company_can_shorten_the_term_of_a_kind(tmp_path: Path) -> None:
    with outgoing(tmp_path, retention_years={"leave_return": 2}) as out:
        close(out)
        out.now = datetime(2028, 3, 3, 16, tzinfo=UTC)
        assert keeps(out) == {out.case_id: ()}


def test_a_hold_beats_erasure_until_it_is_released(out: Outgoing) -> None:
    first = out.parts.holds.place(out.case_id, "arbitration 12/2026", HR)
    second = out.parts.holds.place(out.case_id, "a letter of the union", HR)
    out.now = DUE
    assert keeps(out) == {out.case_id: (Keeps.HOLD,)}
    assert out.parts.retention.erase_due(HR) == {}
    with pytest.raises(CannotErase, match="legal hold"):
        out.parts.eraser.erase(out.case_id, HR, "tidy")
    assert out.parts.holds.release(out.case_id, first.id, "settled", HR) is not None
    assert is_held(out, out.case_id), "the other one still holds"
    released = out.parts.holds.release(out.case_id, second.id, "settled", HR)
    assert released is not None
    assert (released.released_at, released.released_by) == (DUE, "hr token:test")
    assert out.parts.holds.release(out.case_id, second.id, "again", HR) == released
    assert not is_held(out, out.case_id)
    assert list(out.parts.retention.erase_due(HR)) == [out.case_id]
    assert [hold.reason for hold in out.parts.holds.of_case(out.case_id)] == [None, None]


def test_the_chain_tells_of_a_hold_and_seals_why(out: Outgoing) -> None:
    hold = out.parts.holds.place(out.case_id, "arbitration of 张标记伟", HR)
    out.later(days=1)
    out.parts.holds.release(out.case_id, hold.id, "settled with 张标记伟", HR)
    for kind in ("hold.placed", "hold.released"):
        (told,) = out.events(kind)
        assert (told["hold"], set(told["reason"])) == (hold.id, {"sealed"})
    (shown,) = out.parts.holds.of_case(out.case_id)
    assert (shown.reason, shown.placed_by) == ("arbitration of 张标记伟", "hr token:test")
    assert "张标记伟" not in repr(shown)
    assert out.parts.holds.release("0" * 26, hold.id, "another case's", HR) is None


def test_an_heir_keeps_what_it_has_inherited(out: Outgoing) -> None:
    heir, grandchild = out.second_case(10), out.second_case(11)
    out.parts.case_links.link(heir, out.case_id, "same absence", HR)
    out.parts.case_links.link(grandchild, heir, "same absence", HR)
    out.now = DUE
    assert keeps(out) == {out.case_id: (Keeps.HEIR_OPEN,)}
    hold = out.parts.holds.place(grandchild, "arbitration", HR)
    assert is_held(out, out.case_id)
    with pytest.raises(CannotErase, match="legal hold"):
        out.parts.eraser.erase(out.case_id, HR, "tidy")
    close(out, heir, CLOSED)
    close(out, grandchild, out.now)
    assert keeps(out) == {
        out.case_id: (Keeps.HOLD, Keeps.HEIR_TERM),
        heir: (Keeps.HOLD, Keeps.HEIR_TERM),
        grandchild: (Keeps.TERM, Keeps.HOLD),
    }
    out.parts.holds.release(grandchild, hold.id, "settled", HR)
    assert keeps(out)[out.case_id] == (Keeps.HEIR_TERM,)
    out.later(days=5 * 366)
    assert set(out.parts.retention.erase_due(HR)) == {out.case_id, heir, grandchild}


def test_a_case_whose_heir_still_needs_it_is_not_erased_by_hand_either(out: Outgoing) -> None:
    heir = out.second_case()
    out.parts.case_links.link(heir, out.case_id, "same absence", HR)
    with pytest.raises(CannotErase, match="an open case inherits"):
        out.parts.eraser.erase(out.case_id, HR, "asked for")
    close(out, heir)
    with pytest.raises(CannotErase, match="erase that case first"):
        out.parts.eraser.erase(out.case_id, HR, "asked for")
    assert values(out) > 0
    out.parts.eraser.erase(heir, HR, "asked for")
    assert keeps(out) == {out.case_id: (Keeps.TERM,)}
    out.parts.eraser.erase(out.case_id, HR, "asked for")
    assert values(out) == 0


def test_an_erased_case_can_be_held_for_what_it_has_inherited(out: Outgoing) -> None:
    heir = out.second_case()
    out.parts.case_links.link(heir, out.case_id, "same absence", HR)
    close(out, heir)
    out.parts.eraser.erase(heir, HR, "asked for")
    out.parts.holds.place(heir, "arbitration", HR)
    with pytest.raises(CannotErase, match="legal hold"):
        out.parts.eraser.erase(out.case_id, HR, "asked for")


def test_the_hold_of_an_inherited_case_keeps_not_its_heir(out: Outgoing) -> None:
    heir = out.second_case()
    out.parts.case_links.link(heir, out.case_id, "same absence", HR)
    out.parts.holds.place(out.case_id, "arbitration", HR)
    assert not is_held(out, heir)


def test_what_was_erased_cannot_be_held_any_more(out: Outgoing) -> None:
    out.parts.eraser.erase(out.case_id, HR, "asked for")
    with pytest.raises(CannotHold, match="erased before"):
        out.parts.holds.place(out.case_id, "too late", HR)
    assert out.parts.holds.of_case(out.case_id) == []
    assert out.events("hold.placed") == []


# -- at the same time -------------------------------------------------------------------------------------


class Slow:
    """Makes the first transaction that comes to a point wait there, until the other has had time to begin."""

    def __init__(self) -> None:
        self.there, self.go_on, self.calls = threading.Event(), threading.Event(), 0

    def stop_here(self) -> None:
        self.calls += 1
        if self.calls == 1:
            self.there.set()
            assert self.go_on.wait(20)

    def race(self, first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
        """Run `first` up to its point, begin `second`, then let both end; return results or errors."""
        with ThreadPoolExecutor(2) as threads:
            one = threads.submit(first)
            assert self.there.wait(20)
            other = threads.submit(second)
            time.sleep(0.4)
            self.go_on.set()
            return tuple(f.exception() or f.result() for f in (one, other))  # type: ignore[return-value]


def slow_eraser(out: Outgoing, slow: Slow) -> Eraser:
    """Return an eraser that waits after it has seen that no hold keeps the case."""

    kept = out.parts.eraser._kept

    def looks_then_waits(session: Session, case_id: str) -> Keeps | None:
        found = kept(session, case_id)
        slow.stop_here()
        return found

    return Eraser(
        out.parts.database, out.parts.evidence, out.parts.documents, looks_then_waits, out.parts.clock
    )


def test_a_hold_that_comes_while_an_erasure_runs_is_refused_and_erased_is_erased(out: Outgoing) -> None:
    slow = Slow()
    eraser = slow_eraser(out, slow)
    erased, hold = slow.race(
        lambda: eraser.erase(out.case_id, HR, "tidy"),
        lambda: out.parts.holds.place(out.case_id, "arbitration", HR),
    )
    assert erased.disclosures > 0
    assert isinstance(hold, CannotHold)
    assert (values(out), is_held(out, out.case_id)) == (0, False)


@pytest.mark.parametrize("of_the_heir", [False, True], ids=["its own", "of its heir"])
def test_an_erasure_that_comes_while_a_hold_is_placed_is_refused(
    out: Outgoing, monkeypatch: pytest.MonkeyPatch, of_the_heir: bool
) -> None:
    slow, on = Slow(), out.case_id
    if of_the_heir:
        on = out.second_case()
        out.parts.case_links.link(on, out.case_id, "same absence", HR)
    before, tell = values(out), out.parts.holds._tell

    def tells_then_waits(*told: Any) -> None:
        tell(*told)
        slow.stop_here()

    monkeypatch.setattr(out.parts.holds, "_tell", tells_then_waits)
    hold, erased = slow.race(
        lambda: out.parts.holds.place(on, "arbitration", HR),
        lambda: out.parts.eraser.erase(out.case_id, HR, "tidy"),
    )
    assert hold.case_id == on
    assert isinstance(erased, CannotErase)
    assert (values(out), is_held(out, out.case_id)) == (before, True)
