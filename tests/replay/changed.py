"""Changes of the leave-return process as somebody could make them, with and without thinking of old cases.

They stand apart from the test because the workflow sandbox imports their module anew.
"""

from datetime import timedelta

from temporalio import workflow

from workflows.leave_return import LeaveReturnWorkflow

with workflow.unsafe.imports_passed_through():
    from countersign.contracts.leave_return import LeaveReturnInput, LeaveReturnResult


@workflow.defn(name="LeaveReturn")
class WaitsBeforeItReminds(LeaveReturnWorkflow):
    """A wait more, as if it had always been there: cases that run cannot go on."""

    @workflow.init
    def __init__(self, case: LeaveReturnInput) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: LeaveReturnInput) -> LeaveReturnResult:
        return await super().run(case)

    async def remind_before_the_end(self) -> None:
        await workflow.sleep(timedelta(minutes=5))
        await super().remind_before_the_end()


@workflow.defn(name="LeaveReturn")
class RecordsNoOverdueSteps(LeaveReturnWorkflow):
    """A record less."""

    @workflow.init
    def __init__(self, case: LeaveReturnInput) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: LeaveReturnInput) -> LeaveReturnResult:
        return await super().run(case)

    async def decide_overdue_steps(self) -> None:
        return


@workflow.defn(name="LeaveReturn")
class WaitsBeforeItRemindsWhenPatched(LeaveReturnWorkflow):
    """The same wait more, for new cases only."""

    @workflow.init
    def __init__(self, case: LeaveReturnInput) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: LeaveReturnInput) -> LeaveReturnResult:
        return await super().run(case)

    async def remind_before_the_end(self) -> None:
        if workflow.patched("wait-before-reminding"):
            await workflow.sleep(timedelta(minutes=5))
        await super().remind_before_the_end()
