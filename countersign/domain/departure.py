"""The words of a departure: its kinds and grounds, its tracks and items, duties, states of an employment."""

from collections.abc import Mapping
from enum import StrEnum


class DepartureKind(StrEnum):
    """How an employment ends."""

    RESIGNATION = "resignation"
    DISMISSAL = "dismissal"
    CONTRACT_END = "contract_end"
    MUTUAL = "mutual"
    ABSENCE = "absence"


class Ground(StrEnum):
    """The legal ground of the end: articles 36 to 41 and 44 of the Labour Contract Law."""

    AGREEMENT = "agreement"
    RESIGNATION = "resignation"
    EMPLOYER_FAULT = "employer_fault"
    WORKER_FAULT = "worker_fault"
    NO_FAULT = "no_fault"
    LAYOFF = "layoff"
    EXPIRY = "expiry"


ARTICLE: Mapping[Ground, str] = {
    Ground.AGREEMENT: "劳动合同法36",
    Ground.RESIGNATION: "劳动合同法37",
    Ground.EMPLOYER_FAULT: "劳动合同法38",
    Ground.WORKER_FAULT: "劳动合同法39",
    Ground.NO_FAULT: "劳动合同法40",
    Ground.LAYOFF: "劳动合同法41",
    Ground.EXPIRY: "劳动合同法44",
}
"""The article that each ground stands in."""

GROUNDS: Mapping[DepartureKind, tuple[Ground, ...]] = {
    DepartureKind.RESIGNATION: (Ground.RESIGNATION, Ground.EMPLOYER_FAULT),
    DepartureKind.DISMISSAL: (Ground.WORKER_FAULT, Ground.NO_FAULT, Ground.LAYOFF),
    DepartureKind.CONTRACT_END: (Ground.EXPIRY,),
    DepartureKind.MUTUAL: (Ground.AGREEMENT,),
    DepartureKind.ABSENCE: (Ground.WORKER_FAULT,),
}
"""The grounds that a kind can have; the first is taken where none is named."""

NEEDS_NOTICE = frozenset({DepartureKind.DISMISSAL, DepartureKind.ABSENCE})
"""Kinds that end an employment only when the employer's notice is delivered."""


class ProposedBy(StrEnum):
    """Who wanted the end; of an agreement it decides whether compensation is due (article 46(2))."""

    EMPLOYEE = "employee"
    EMPLOYER = "employer"


class Track(StrEnum):
    """The three parts of a handover."""

    DOCUMENTS = "documents"
    CUSTOMERS = "customers"
    EQUIPMENT = "equipment"


class ItemState(StrEnum):
    """Where a handover item stands; it is closed when accepted, or when it does not apply."""

    OPEN = "open"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    NOT_APPLICABLE = "not_applicable"


CLOSED_ITEMS = frozenset({ItemState.ACCEPTED, ItemState.NOT_APPLICABLE})
"""The states in which nothing more is to be done about an item."""


class Condition(StrEnum):
    """In which condition equipment came back."""

    UNDAMAGED = "undamaged"
    WORN = "worn"
    DAMAGED = "damaged"
    MISSING = "missing"


class DutyKind(StrEnum):
    """What the employer owes at the end by law, whatever is open."""

    CERTIFICATE = "certificate"
    WAGES = "wages"
    SOCIAL_INSURANCE = "social_insurance"
    FILE_TRANSFER = "file_transfer"
    UNEMPLOYMENT_LIST = "unemployment_list"


class PaperKind(StrEnum):
    """A document that is printed or signed because somebody leaves."""

    CERTIFICATE = "certificate"
    SETTLEMENT = "settlement"
    DEMAND = "demand"
    AGREEMENT = "agreement"
    DEDUCTION_CONSENT = "deduction_consent"
    VOUCHER = "voucher"


STATUTORY_PAPERS = (PaperKind.CERTIFICATE, PaperKind.DEMAND, PaperKind.AGREEMENT)
"""What the statutory case prints."""

LEAVER_PAPERS = (PaperKind.CERTIFICATE, PaperKind.SETTLEMENT, PaperKind.DEMAND, PaperKind.AGREEMENT)
"""What is made for the leaver, in the order in which it is listed."""


class DutyState(StrEnum):
    """What became of a duty. There is no fourth state: nothing can block one."""

    DUE = "due"
    DONE = "done"
    FAILED = "failed"


class EmploymentState(StrEnum):
    """What an employment is. `suspended` is what some systems say; the law knows no such end."""

    ACTIVE = "active"
    ON_LEAVE = "on_leave"
    AWAITING_RETURN = "awaiting_return"
    ABSENT = "absent"
    SUSPENDED = "suspended"
    ENDED = "ended"
