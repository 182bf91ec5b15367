"""The papers of an exit: the certificate, the demand for what is open, the draft of a repayment agreement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import typst

from countersign.adapters.paper import MissingGlyphs, Press, Unprintable
from countersign.domain.certificate import NEUTRAL, tenure
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
    """The certificate of an end: `at` is when it is issued, in the zone of its place."""

    leaver: Leaver
    company: str
    branch: str
    reference: str
    hired_on: date
    ended_on: date
    ground: Ground
    at: datetime


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
    data = {
        **_head(paper.leaver, paper.company, paper.branch, paper.reference, paper.at),
        "hired_on": _day(paper.hired_on),
        "ended_on": _day(paper.ended_on),
        "ended_by": chinese,
        "ended_by_english": english,
        "expired": paper.ground is Ground.EXPIRY,
        "post": paper.leaver.post,
        "worked": [worked.years, worked.months, worked.days],
    }
    return _print(press, "paper/certificate.typ", data, paper.at)


def print_demand(press: Press, claim: Claim) -> bytes:
    """Return the letter that asks for what is open; raises `Unprintable`."""
    return _print(press, "paper/demand.typ", _claimed(claim), claim.at)


def print_agreement(press: Press, claim: Claim) -> bytes:
    """Return the draft of an agreement on paying back what no plan covers yet; raises `Unprintable`."""
    return _print(press, "paper/agreement.typ", _claimed(claim), claim.at)


def _claimed(claim: Claim) -> dict[str, Any]:
    return {
        **_head(claim.leaver, claim.company, claim.branch, claim.reference, claim.at),
        "ended_on": _day(claim.ended_on),
        "answer_by": _day(claim.answer_by),
        "items": [_thing(one) for one in claim.items],
        "balances": [_thing(one) for one in claim.balances],
        "owed": yuan(claim.owed_fen),
        "owes": claim.owed_fen > 0,
        "planned": yuan(claim.planned_fen) if claim.planned_fen else None,
        "to_agree": yuan(claim.to_agree_fen),
    }


def _thing(one: OpenThing) -> list[str]:
    return [one.what, one.title, yuan(one.amount_fen) if one.amount_fen else "—"]


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
    """Return fen as yuan with thousands and two decimals, such as `1,234.50`."""
    return f"{fen // 100:,}.{fen % 100:02d}"


def _day(day: date) -> list[int]:
    return [day.year, day.month, day.day]


def _print(press: Press, template: str, data: Mapping[str, Any], at: datetime) -> bytes:
    shown = "".join(_texts(data))
    lacking = press.missing(shown)
    if lacking:
        raise MissingGlyphs(dict.fromkeys(lacking, "the page"))
    try:
        return press.typeset(template, data, at)
    except typst.TypstError as error:
        raise Unprintable(f"{error}; write it with other characters", "the page") from None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for one in inside for text in _texts(one)]
