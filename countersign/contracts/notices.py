"""Values that cross between a ladder and the activities that send."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countersign.domain.policy import Audience, Channel


@dataclass(frozen=True)
class NoticeOrder:
    """Say one thing to one audience over several channels.

    `step` is unique in the case (`<round>.<rung>.<name>`), so that a repeated order finds the same notice.
    `answer_by` is shown to the reader. `at` is the case's time. The same step with a further channel adds a
    delivery to the same notice. A `confidential` notice shows its text only behind a second factor.
    """

    case_id: str
    step: str
    template: str
    audience: Audience
    channels: tuple[Channel, ...]
    at: datetime
    answer_by: datetime | None
    confidential: bool = False


@dataclass(frozen=True)
class PreparedDelivery:
    """One channel of a prepared notice; `accepted` is true for the in-system inbox, which needs no call."""

    delivery_id: str
    channel: Channel
    accepted: bool


@dataclass(frozen=True)
class PreparedNotice:
    """The rendered notice and its first deliveries; `refused` says why nothing can be sent."""

    notice_id: str
    deliveries: tuple[PreparedDelivery, ...]
    refused: str | None = None


@dataclass(frozen=True)
class SendOrder:
    """Carry out one delivery attempt; `at` is the case's time for the evidence.

    `not_after` is the real instant at which the sending window closes: a worker that comes back at night
    must not wake anybody. None means no window.
    """

    case_id: str
    delivery_id: str
    at: datetime
    not_after: datetime | None = None


@dataclass(frozen=True)
class NextAttemptOrder:
    """Make the next attempt of a delivery; `possible_duplicate` and `resent` are listed in the evidence."""

    case_id: str
    delivery_id: str
    at: datetime
    possible_duplicate: bool = False
    resent: bool = False


ABSENT = "absent_from_list"
"""Code of an attempt that may have left and is not in the provider's own list of messages."""


NO_LIST = "no_list"
"""Code of an attempt that may have left while the provider gives no list of messages."""


STOPPED = "sending_stopped"
"""Code of an attempt that a stop of all sending holds; its release is told."""


class SendState(StrEnum):
    """How one attempt ended, seen from the ladder; a held one was not made and may be made later."""

    ACCEPTED = "accepted"
    FAILED_TEMPORARY = "failed_temporary"
    FAILED_PERMANENT = "failed_permanent"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    HELD = "held"


@dataclass(frozen=True)
class SendResult:
    """The end of one attempt with the provider's code, never its words.

    A held attempt with `not_before` may be asked for again at that instant of the case's time.
    """

    state: SendState
    code: str | None = None
    not_before: datetime | None = None


@dataclass(frozen=True)
class ReceiptReport:
    """What became of an attempt after it had ended for the ladder: by receipt, bounce or "not me"."""

    delivery_id: str
    state: SendState
    code: str | None = None
