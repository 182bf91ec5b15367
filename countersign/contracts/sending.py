"""What the outgoing channels take and answer; the only values that pass between a sender and its port."""

from dataclasses import dataclass, field
from enum import StrEnum

from countersign.domain.receipts import CodeClass, meaning_of


class OutcomeState(StrEnum):
    """How one attempt ended; `unknown` means that the message may have left."""

    SENT = "sent"
    FAILED_TEMPORARY = "failed_temporary"
    FAILED_PERMANENT = "failed_permanent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SmsMessage:
    """One text message; `to` is E.164, `text` holds `delivery_code` so that a lost answer can be settled.

    `status_callback` is the public address to which the provider reports, or None for no reports.
    """

    to: str = field(repr=False)
    text: str = field(repr=False)
    delivery_code: str = field(repr=False)
    status_callback: str | None = None


@dataclass(frozen=True)
class MailMessage:
    """One e-mail to one address.

    `message_id` is `<delivery.attempt@domain>` with its angle brackets, the same for every try of one
    attempt, so that a mail store can drop the second copy.
    """

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    message_id: str
    notice_id: str
    delivery_id: str
    attempt: int


@dataclass(frozen=True)
class SendOutcome:
    """The end of one attempt. `sentence` is for HR and never holds a number, an address or the text."""

    state: OutcomeState
    provider_id: str | None
    code: str | None
    sentence: str


@dataclass(frozen=True)
class SmsCapability:
    """What a destination's network lets through: links in the text, and replies to the sender."""

    link_ok: bool
    reply_ok: bool


class ChannelError(Exception):
    """A question to a provider had no answer. Carries a code of the receipt table, never an address."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"{meaning_of(code).en} (code {code})")


_STATE_OF = {
    CodeClass.TEMPORARY: OutcomeState.FAILED_TEMPORARY,
    # Nothing is wrong with the recipient: the same message passes once the settings are right.
    CodeClass.CONFIGURATION: OutcomeState.FAILED_TEMPORARY,
    CodeClass.PERMANENT: OutcomeState.FAILED_PERMANENT,
    CodeClass.OPTED_OUT: OutcomeState.FAILED_PERMANENT,
    CodeClass.CONTENT: OutcomeState.FAILED_PERMANENT,
    CodeClass.AMBIGUOUS: OutcomeState.UNKNOWN,
}


def outcome_for(code: str, provider_id: str | None = None) -> SendOutcome:
    """Return the outcome that `code` of the receipt table stands for."""
    meaning = meaning_of(code)
    return SendOutcome(_STATE_OF[meaning.kind], provider_id, code, meaning.en)
