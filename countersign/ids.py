"""Identifiers: opaque keys only, so that nothing personal stands in a workflow id or a URL."""

import hashlib

from ulid import ULID


def new_id() -> str:
    """Return a fresh ULID: 26 characters, sortable by time of making."""
    return str(ULID())


def leave_return_workflow_id(leave_id: str) -> str:
    """Return the workflow id of the leave-return process of one leave."""
    return f"leave-return/{leave_id}"


def ladder_workflow_id(task: str) -> str:
    """Return the workflow id of a case that is one ladder for one task, such as a notice to confirm."""
    return f"ladder/{task}"


def offboarding_workflow_id(employment_id: str, before: int = 0) -> str:
    """Return the workflow id of an employment's offboarding; `before` counts departures withdrawn earlier."""
    return _departure("offboarding", employment_id, before)


def statutory_workflow_id(employment_id: str, before: int = 0) -> str:
    """Return the workflow id of the statutory duties at the end of an employment."""
    return _departure("statutory", employment_id, before)


def _departure(kind: str, employment_id: str, before: int) -> str:
    return f"{kind}/{employment_id}" + (f"/{before + 1}" if before else "")


def answer_act_id(link_id: str, act: str, nonce: str) -> str:
    """Return the id of an answer given through a link: the same form sent twice is the same act.

    A different answer on the same link, or the same answer from a freshly opened page, is a new act.
    The link's code never enters, so that the id may stand in logs and histories.
    """
    return hashlib.sha256(f"{link_id}\n{act}\n{nonce}".encode()).hexdigest()[:40]
