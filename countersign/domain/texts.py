"""Which texts leave the house, who reads each of them, and which variables it may therefore use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Form(StrEnum):
    """How the file of a text ends."""

    TEXT = "txt"
    SMS = "sms"


class Reader(StrEnum):
    """Who reads a text. `anybody` stands for frames that carry every notice, whoever it goes to."""

    EMPLOYEE = "employee"
    COLLEAGUE = "colleague"
    EMERGENCY_CONTACT = "emergency_contact"
    PUBLIC = "public"
    ANYBODY = "anybody"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class TextKey:
    """One text: `leave_return`, `first_notice`, `zh-CN`, `txt`."""

    process: str
    name: str
    language: str
    form: Form

    @property
    def file(self) -> str:
        """Return the path of its file below the folder of texts."""
        return f"{self.process}/{self.language}/{self.name}.{self.form.value}"

    @property
    def is_mail(self) -> bool:
        """Say whether it is the frame of a mail; all other texts stand on pages and on paper."""
        return self.form is Form.TEXT and self.name in MAILS


MAIL, MAIL_CONFIDENTIAL, CONFIDENTIAL = "mail", "mail_confidential", "confidential"
SECOND_FACTOR = "second_factor"
MAILS: Final = frozenset({MAIL, MAIL_CONFIDENTIAL})
NEUTRAL: Final = frozenset({CONFIDENTIAL, MAIL_CONFIDENTIAL})
"""What travels outside for a confidential notice: a text message, and a mail."""

CONTACT_PARTS: Final = ("name", "phone", "email")
SHARED: Final = frozenset(
    {
        "company",
        "branch",
        "employee",
        "number",
        "recipient",
        "answer_by",
        "contact",
        "service_address",
        "e_delivery_consent_on",
        "consent_signed_on",
    }
)
_OWED = frozenset({"owed", "owed_insurance", "owed_loan", "owed_overpaid", "owed_equipment"})
_OPEN = frozenset({"items_open", "documents_open", "customers_open", "equipment_open"})
OF_PROCESS: Final[Mapping[str, frozenset[str]]] = {
    "leave_return": frozenset({"leave_kind", "starts_on", "ends_on", "return_day"}),
    "acknowledgement": frozenset({"about"}),
    "offboarding": _OPEN
    | _OWED
    | {"departure_kind", "last_day", "ended_on", "successor", "items_to_hand_over", "questionnaire"},
    "handover": _OPEN | {"leaver", "last_day", "items_to_accept", "stands_in_for"},
    "statutory": _OPEN
    | _OWED
    | {"departure_kind", "ground", "facts", "last_day", "noticed_on", "ended_on", "transfer_by"},
}
CARRIED: Final = frozenset({"title", "text", "fingerprint", "code", "portal", "link", "template"})
"""What a text message or a mail may use beyond its notice."""
OF_SECOND_FACTOR: Final = frozenset({"company", "code", "minutes"})
OPTIONAL: Final = _OWED | {
    "answer_by",
    "service_address",
    "e_delivery_consent_on",
    "consent_signed_on",
    "about",
    "successor",
    "stands_in_for",
    "ended_on",
    "facts",
    "questionnaire",
}
"""What can be empty in every text; a text message has no link where the network lets none through."""

_CONSENTS = frozenset({"e_delivery_consent_on", "consent_signed_on"})
_PRIVATE = frozenset[str]().union(*OF_PROCESS.values()) | _CONSENTS | {"number", "service_address"}
_FOR_COLLEAGUES: Final[Mapping[str, frozenset[str]]] = {
    "leave_return": frozenset({"ends_on", "return_day"}),
    "acknowledgement": frozenset({"about"}),
    "offboarding": _OPEN | {"last_day", "successor", "items_to_hand_over"},
    "handover": OF_PROCESS["handover"],
    "statutory": frozenset(),
}
"""What a manager, HR or the lawyer may be told of a matter beside whom it is about."""
_READERS: Mapping[str, Reader] = {
    MAIL: Reader.ANYBODY,
    MAIL_CONFIDENTIAL: Reader.ANYBODY,
    CONFIDENTIAL: Reader.ANYBODY,
    SECOND_FACTOR: Reader.ANYBODY,
    "public_notice": Reader.PUBLIC,
    "emergency_contact": Reader.EMERGENCY_CONTACT,
    "colleague_notice": Reader.COLLEAGUE,
    "on_site_check": Reader.COLLEAGUE,
    "before_end": Reader.EMPLOYEE,
    "before_last_day": Reader.EMPLOYEE,
    "announcement": Reader.EMPLOYEE,
    "departure_withdrawn": Reader.EMPLOYEE,
    "termination_notice": Reader.EMPLOYEE,
    "certificate": Reader.EMPLOYEE,
    "demand": Reader.EMPLOYEE,
    "first_notice": Reader.EMPLOYEE,
    "second_reminder": Reader.EMPLOYEE,
    "paper_notice": Reader.EMPLOYEE,
    "extension_granted": Reader.EMPLOYEE,
    "extension_refused": Reader.EMPLOYEE,
    "objection_answered": Reader.EMPLOYEE,
}
_OF_NEUTRAL = frozenset({"company", "contact", "portal", "link", "code", "fingerprint"})


_REMINDER = re.compile(r"reminder_[0-9]+")


def text_of_rung(rung: str) -> str:
    """Return the name of the text that a rung says: all reminders before a last day say the same one."""
    return "before_last_day" if _REMINDER.fullmatch(rung) else rung


def reader_of(name: str) -> Reader:
    """Return who reads the texts of a name; for names of the installation's own nobody knows."""
    return _READERS.get(name, Reader.UNKNOWN)


def passed_to(key: TextKey) -> frozenset[str]:
    """Return every variable that has a value when this text is written."""
    if key.name == SECOND_FACTOR:
        return OF_SECOND_FACTOR
    notice = SHARED | OF_PROCESS.get(key.process, frozenset())
    return notice | CARRIED if key.form is Form.SMS or key.is_mail else notice


def allowed_in(key: TextKey) -> frozenset[str]:
    """Return the variables that this text may use: those whose value its reader may know."""
    if key.name == SECOND_FACTOR:
        return OF_SECOND_FACTOR
    if key.name in NEUTRAL:
        return _OF_NEUTRAL
    return passed_to(key) - _withheld(key)


def _withheld(key: TextKey) -> frozenset[str]:
    """Return the variables whose value the reader of a text must not learn."""
    reader = reader_of(key.name)
    if reader is Reader.EMPLOYEE:
        return frozenset()
    if reader is not Reader.COLLEAGUE:
        return _PRIVATE
    matter = OF_PROCESS.get(key.process, frozenset()) - _FOR_COLLEAGUES.get(key.process, frozenset())
    address = frozenset[str]() if key.name == "on_site_check" else frozenset({"service_address"})
    return matter | _CONSENTS | address


def may_be_empty(key: TextKey) -> frozenset[str]:
    """Return the variables of this text that have no value at times."""
    linkless = frozenset({"link"}) if key.form is Form.SMS else frozenset()
    return (OPTIONAL | linkless) & allowed_in(key)
