"""The papers of an exit: the certificate, the demand for what is open, the draft of a repayment agreement."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from countersign.adapters.paper import Press
from countersign.domain.certificate import NEUTRAL, ContractTerm, tenure, term_words
from countersign.domain.departure import Ground
from countersign.domain.levels import EN, ZH


@dataclass(frozen=True)
class Leaver:
    """Whom a paper of an exit is about; `language` EN adds English lines under the Chinese ones."""

    name: str = field(repr=False)
    number: str
    id_number: str | None = field(repr=False)
    post: str | None
    language: str = ZH


@dataclass(frozen=True)
class Certificate:
    """The certificate of an end: `at` is when it is issued, in the zone of its place.

    `contract` is the contract's own term; None where the books do not hold it.
    """

    leaver: Leaver
    company: str
    branch: str
    reference: str
    hired_on: date
    ended_on: date
    ground: Ground
    at: datetime
    contract: ContractTerm | None = None


@dataclass(frozen=True)
class OpenThing:
    """One thing that was open at the end: its kind, its name, and what is claimed for it in fen, if any."""

    what: str
    title: str = field(repr=False)
    amount_fen: int = 0


@dataclass(frozen=True)
class Claim:
    """What is asked of a leaver: things to hand over, amounts that are owed, in fen.

    `planned_fen` is covered by an agreed plan already. `answer_by` is the day by which it is asked for.
    """

    leaver: Leaver
    company: str
    branch: str
    reference: str
    ended_on: date
    items: tuple[OpenThing, ...]
    balances: tuple[OpenThing, ...]
    at: datetime
    answer_by: date
    planned_fen: int = 0

    @property
    def owed_fen(self) -> int:
        """The sum of everything that is claimed."""
        return sum(one.amount_fen for one in (*self.items, *self.balances))

    @property
    def to_agree_fen(self) -> int:
        """What no plan covers yet."""
        return max(0, self.owed_fen - self.planned_fen)


def print_certificate(press: Press, paper: Certificate) -> bytes:
    """Return the certificate as PDF/A-2b, the same bytes for the same paper; raises `Unprintable`."""
    chinese, english = NEUTRAL[paper.ground]
    worked = tenure(paper.hired_on, paper.ended_on)
    term = term_words(paper.contract, paper.hired_on)
    data = {
        **_head(paper.leaver, paper.company, paper.branch, paper.reference, paper.at),
        "term": list(term),
        "ended_on": _day(paper.ended_on),
        "ended_by": chinese,
        "ended_by_english": english,
        "expired": paper.ground is Ground.EXPIRY,
        "post": paper.leaver.post,
        "worked": [worked.years, worked.months, worked.days],
    }
    return press.sheet("paper/certificate.typ", data, paper.at)


def print_demand(press: Press, claim: Claim) -> bytes:
    """Return the letter that asks for what is open; raises `Unprintable`."""
    return press.sheet("paper/demand.typ", _claimed(press, claim), claim.at)


def print_agreement(press: Press, claim: Claim) -> bytes:
    """Return the draft of an agreement on paying back what no plan covers yet; raises `Unprintable`."""
    return press.sheet("paper/agreement.typ", _claimed(press, claim), claim.at)


def _claimed(press: Press, claim: Claim) -> dict[str, Any]:
    return {
        **_head(claim.leaver, claim.company, claim.branch, claim.reference, claim.at),
        "ended_on": _day(claim.ended_on),
        "answer_by": _day(claim.answer_by),
        "items": [_thing(press, one) for one in claim.items],
        "balances": [_thing(press, one) for one in claim.balances],
        "owed": yuan(claim.owed_fen),
        "owes": claim.owed_fen > 0,
        "objects_owed": any(one.amount_fen for one in claim.items),
        "planned": yuan(claim.planned_fen) if claim.planned_fen else None,
        "to_agree": yuan(claim.to_agree_fen),
    }


def _thing(press: Press, one: OpenThing) -> list[str]:
    # Titles come from other systems: a letter is not refused for a character in one.
    return [one.what, press.legible(one.title), yuan(one.amount_fen) if one.amount_fen else "—"]


def _head(leaver: Leaver, company: str, branch: str, reference: str, at: datetime) -> dict[str, Any]:
    return {
        "company": company,
        "branch": branch,
        "name": leaver.name,
        "number": leaver.number,
        "id_number": leaver.id_number,
        "bilingual": leaver.language == EN,
        "reference": reference,
        "day": _day(at.date()),
    }


def yuan(fen: int) -> str:
    """Return fen as yuan with thousands and two decimals, such as `1,234.50`, below 0 with a true minus."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'−' if fen < 0 else ''}{whole:,}.{rest:02d}"


def _day(day: date) -> list[int]:
    return [day.year, day.month, day.day]
