"""The dispatcher's drain: an errand that nobody answers holds up no other."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError

from countersign.adapters import dispatch
from countersign.adapters.database.outbox import Errand

YEAR = {"year": 2027}


class Books:
    """An outbox with a calendar for a case whose process does not answer, and a release behind it."""

    def __init__(self) -> None:
        self.settled: list[str] = []
        self.put_off: list[tuple[str, str]] = []

    def due(self) -> list[Errand]:
        return [
            Errand("first", "adopt_calendar", {"case": "C", "year": YEAR}, 0),
            Errand("second", "tell_released", {"case": "C"}, 0),
        ]

    def done(self, errand_id: str) -> None:
        self.settled.append(errand_id)

    def failed(self, errand_id: str, error: str, *, for_good: bool = False) -> None:
        assert not for_good, error
        self.put_off.append((errand_id, error))

    def workflow_id(self, _case_id: str) -> str:
        return "ladder/C"


class Handle:
    """A process whose worker is away: it takes signals and answers no update."""

    async def execute_update(self, *_: Any, **__: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            # As the client does it, instead of passing the cancellation on.
            raise WorkflowUpdateRPCTimeoutOrCancelledError from error

    async def signal(self, *_: Any, **__: Any) -> None:
        return None


async def test_an_update_that_no_worker_answers_does_not_hold_up_the_errands_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch, "_PATIENCE", timedelta(seconds=0.05))
    monkeypatch.setattr(dispatch, "_YEAR", SimpleNamespace(validate_python=lambda body: body))
    books: Any = Books()

    async def connect() -> Any:
        return SimpleNamespace(get_workflow_handle=lambda _: Handle())

    unused: Any = None
    carrier = dispatch.Dispatcher(connect, "queue", books, unused, unused, lambda: datetime.now(UTC))
    await carrier.drain_outbox()
    assert books.settled == ["second"]
    assert books.put_off == [("first", "WorkflowUpdateRPCTimeoutOrCancelledError")]


class ManyLooks(Books):
    """An outbox in which two cases are told to look, one of them three times."""

    def due(self) -> list[Errand]:
        return [Errand(f"{number}{case}", "look", {"case": case}, 0) for number in range(3) for case in "AB"][
            :5
        ]

    def workflow_id(self, case_id: str) -> str:
        return case_id


async def test_a_case_that_is_to_look_many_times_is_told_once_for_all() -> None:
    books: Any = ManyLooks()
    told: list[str] = []

    def handle(workflow_id: str) -> Any:
        async def signal(name: str, **_: Any) -> None:
            told.append(f"{name} {workflow_id}")

        return SimpleNamespace(signal=signal)

    async def connect() -> Any:
        return SimpleNamespace(get_workflow_handle=handle)

    unused: Any = None
    carrier = dispatch.Dispatcher(connect, "queue", books, unused, unused, lambda: datetime.now(UTC))
    await carrier.drain_outbox()
    assert told == ["look A", "look B"]
    assert books.settled == ["0A", "0B", "1A", "1B", "2A"]
