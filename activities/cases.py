"""What a case asks of its books: one recorder for events, tasks, fates of acts and the projection."""

from temporalio import activity

from countersign.contracts.cases import RecordOrder
from countersign.ports import CaseRecorder


class CaseActivities:
    """Book-keeping of running cases. Synchronous: short writes to our own database."""

    def __init__(self, recorder: CaseRecorder) -> None:
        self._recorder = recorder

    @activity.defn(name="record", no_thread_cancel_exception=True)
    def record(self, order: RecordOrder) -> None:
        """Carry out one record order; a repeated key changes nothing."""
        self._recorder.record(order)
