"""Workflows that only wait, for tests of the servers themselves.

They stand apart from the tests because the workflow sandbox imports their module anew.
"""

from datetime import UTC, datetime, timedelta

from temporalio import workflow

from countersign.search_attributes import DUE_AT, STAGE

DUE = datetime(2026, 2, 24, 18, 0, tzinfo=UTC)
THREE_DAYS = timedelta(days=3)


@workflow.defn
class WaitForWord:
    """Marks itself as waiting and ends with the word it is given."""

    def __init__(self) -> None:
        self._word: str | None = None

    @workflow.run
    async def run(self) -> str:
        workflow.upsert_search_attributes([STAGE.value_set("waiting"), DUE_AT.value_set(DUE)])
        await workflow.wait_condition(lambda: self._word is not None)
        return self._word or ""

    @workflow.signal
    def say(self, word: str) -> None:
        self._word = word


@workflow.defn
class ThreeDayWait:
    """Marks itself as waiting and ends after three days with the instant at which it ended."""

    @workflow.run
    async def run(self) -> datetime:
        workflow.upsert_search_attributes(
            [STAGE.value_set("waiting"), DUE_AT.value_set(workflow.now() + THREE_DAYS)]
        )
        await workflow.sleep(THREE_DAYS)
        return workflow.now()
