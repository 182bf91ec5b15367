"""What the outgoing channels take and answer; the only values that pass between a sender and its port."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from countersign.domain.code_meaning import CodeClass
from countersign.domain.destinations import Capability
from countersign.domain.receipts import meaning_of
from countersign.domain.sms_templates import RegisteredTemplate


class OutcomeState(StrEnum):
    """How one attempt ended; `unknown` means that the message may have left."""

    SENT = "sent"
    FAILED_TEMPORARY = "failed_temporary"
    FAILED_PERMANENT = "failed_permanent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class SmsMessage:
    """One text message; `to` is E.164, `text` holds `delivery_code` so that a lost answer can be settled.

    `status_callback` is the public address to which the provider reports, or None for no reports. `template`
    is set where the provider takes registered texts only; `text` is then what that template becomes, because
    it is the text of the evidence. `delivery_id` is our own number, which some providers carry along.
    """

    to: str = field(repr=False)
    text: str = field(repr=False)
    delivery_code: str = field(repr=False)
    status_callback: str | None = None
    template: RegisteredTemplate | None = None
    delivery_id: str | None = None


@dataclass(frozen=True)
class SentSms:
    """A message that a provider has taken, as it is asked about later; `sent_at` is aware."""

    to: str = field(repr=False)
    provider_id: str
    sent_at: datetime
    delivery_id: str | None = None


@dataclass(frozen=True)
class MailMessage:
    """One e-mail to one address.

    `message_id` is `<delivery.attempt@domain>` with its angle brackets, the same for every try of one
    attempt, so that a mail store can drop the second copy. `return_path` is the address to which relays send
    reports about this mail, `reply_to` the one to which people answer; None: the sender's own.
    """

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    message_id: str
    notice_id: str
    delivery_id: str
    attempt: int
    return_path: str | None = field(default=None, repr=False)
    reply_to: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SendOutcome:
    """The end of one attempt. `sentence` is for HR and never holds a number, an address or the text."""

    state: OutcomeState
    provider_id: str | None
    code: str | None
    sentence: str


SmsCapability = Capability
"""What a provider can do for a destination."""


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
