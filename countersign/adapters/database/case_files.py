"""The files of all cases, by kind of case."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session

from countersign.adapters.database.case_file import CaseFile
from countersign.adapters.database.circular_file import circular_file_of
from countersign.adapters.database.departure_files import (
    handover_file_of,
    offboarding_file_of,
    statutory_file_of,
)
from countersign.adapters.database.leave_file import leave_file_of
from countersign.adapters.database.tables import Case
from countersign.contracts.cases import Process

FILES: Mapping[Process, Callable[[Session, Case], CaseFile]] = {
    Process.LEAVE_RETURN: leave_file_of,
    Process.ACKNOWLEDGEMENT: circular_file_of,
    Process.OFFBOARDING: offboarding_file_of,
    Process.HANDOVER: handover_file_of,
    Process.STATUTORY: statutory_file_of,
}
"""How the file of a case is found, by kind of case."""


def file_of(session: Session, case: Case, at: datetime | None = None) -> CaseFile:
    """Return the file of a case; what is said to somebody who stands in also hangs on the case's time."""
    if at is not None and case.kind == Process.HANDOVER.value:
        return handover_file_of(session, case, at)
    return FILES[Process(case.kind)](session, case)
