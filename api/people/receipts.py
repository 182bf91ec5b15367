"""An act as its giver is shown it: the receipt, in words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from api.language import Catalogue, Sentence, sentence
from api.people.forms import size_in_words
from api.people.services import PeopleServices
from countersign.adapters.database.acts import ActView
from countersign.contracts.cases import BOOKED, OF_ITEMS, ActKind, Process, Role
from countersign.domain.local_time import ZONE

_DECIDED = re.compile(r"already decided by (\w+) at (\S+)")

_ANSWERS = {
    ActKind.RETURNS_ON: sentence("I will return on a day"),
    ActKind.EXTENSION_ASKED: sentence("I ask for a longer leave"),
    ActKind.OBJECTED: sentence("I object"),
    ActKind.RESIGNED: sentence("I resign"),
    ActKind.NOT_ME: sentence("I am not the person meant here"),
    ActKind.ACKNOWLEDGED: sentence("I have received this message"),
    ActKind.HANDED_OVER: sentence("I have handed over"),
    ActKind.ACCEPTED: sentence("I have taken over"),
    ActKind.DISPUTED: sentence("I dispute"),
}
_CONTACT_NOT_ME = sentence("Wrong number, or I want no more such messages")
_CONFIRMED = sentence("I have read this and confirm")
_ROLES = {
    Role.HR: sentence("HR"),
    Role.MANAGER: sentence("the line manager"),
    Role.EMPLOYEE: sentence("the employee"),
    Role.EMERGENCY_CONTACT: sentence("the emergency contact"),
    Role.INTEGRATOR: sentence("a connected system"),
    Role.MACHINE: sentence("the system"),
}
_SOMEBODY = sentence("the company")
_MOST_TITLES = 20
_UNDER_REVIEW = frozenset({ActKind.EXTENSION_ASKED, ActKind.OBJECTED})
_MEDIA = {"image/jpeg": "JPEG", "image/png": "PNG", "application/pdf": "PDF"}
_KEPT = sentence("Your answer is kept and is being passed on. You need not send it again.")
_IN_EFFECT = sentence("Your answer has reached the company's records.")
_IN_REVIEW = sentence("HR has your answer and will decide; you will be told the result.")
_REVIEWED = sentence("HR has decided on your answer; the result is told to you separately.")
_BOOKED = sentence("What you said stands in the company's records.")
_DISPUTED = sentence("HR has your note and decides. Until then nothing is expected of you for this item.")
_LATE = sentence("Your answer is kept with its time. If it matters, please call the contact below.")


class Answered(Protocol):
    """The notice that an act answers, as far as its receipt tells of it."""

    @property
    def process(self) -> Process:
        """The kind of case."""

    @property
    def audience(self) -> str:
        """As whom the reader was asked."""

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of what the reader was shown."""


@dataclass(frozen=True)
class Receipt:
    """An act as its giver sees it: a headline of its state, and facts as labels with values."""

    act_id: str
    state: str
    headline: str
    more: str
    facts: tuple[tuple[str, str], ...]


def receipt_of(
    words: Catalogue,
    services: PeopleServices,
    act: ActView,
    notice: Answered,
    on_behalf_of: str | None = None,
) -> Receipt:
    """Return an act in words; `on_behalf_of` names for whom its giver stood in.

    An act about items names them, and itself says for whom it was.
    """
    items: Sequence[str] = ()
    if act.kind in OF_ITEMS:
        said = services.leavers.said_in(act.id)
        on_behalf_of, items = "、".join(said.on_behalf_of) or None, said.items
    headline, more = _state(words, act)
    told = _facts(words, act, notice, on_behalf_of, items)
    facts = tuple((words.say(label), value) for label, value in told)
    state = "settled" if _in_the_books(act) else act.state
    return Receipt(act.id, state, words.say(headline), words.say(more), facts)


def receipt_text(words: Catalogue, services: PeopleServices, receipt: Receipt, *, time_lapse: bool) -> str:
    """Return a receipt as plain text, to be kept."""
    say = words.say
    name, phone = services.contact["name"], services.contact["phone"]
    contact = say(sentence("Contact: %(name)s, telephone %(phone)s", name=name, phone=phone))
    head = [f"{services.company} · {say(sentence('Receipt'))}"]
    if time_lapse:
        head.append(say(sentence("Time-lapse: the dates here are for demonstration")))
    facts = [f"{label}: {value}" for label, value in receipt.facts]
    return "\n".join([*head, "", receipt.headline, receipt.more, "", *facts, "", contact, ""])


def answer_words(words: Catalogue, kind: ActKind, notice: Answered) -> str:
    """Return what an answer to a notice is called."""
    if kind is ActKind.NOT_ME and notice.audience == Role.EMERGENCY_CONTACT:
        return words.say(_CONTACT_NOT_ME)
    if kind is ActKind.ACKNOWLEDGED and confirms(notice):
        return words.say(_CONFIRMED)
    return words.say(_ANSWERS[kind])


def confirms(notice: Answered) -> bool:
    """Say whether the reader is asked to confirm the text itself, and not only that it was received."""
    of_a_text = notice.process in (Process.ACKNOWLEDGEMENT, Process.STATUTORY)
    return of_a_text and notice.audience == Role.EMPLOYEE


def moment(at: datetime, seconds: bool = False) -> str:
    """Return an instant in the company's zone, `2026-02-25 10:00` or with seconds."""
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def paragraphs(text: str) -> list[str]:
    """Return a text in its paragraphs."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def in_yuan(fen: int) -> str:
    """Return integer fen as people read it."""
    return f"{'-' if fen < 0 else ''}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def _titles(words: Catalogue, items: Sequence[str]) -> str:
    more = len(items) - _MOST_TITLES
    rest = [words.say(sentence("and %(n)s more items", n=more))] if more > 0 else []
    return "\n".join([*items[:_MOST_TITLES], *rest])


def _in_the_books(act: ActView) -> bool:
    """Say whether an act had its effect when it was taken in: its process only takes notice of it."""
    return act.kind in BOOKED and act.state in {"waiting", "accepted", "settled"}


def _facts(
    words: Catalogue, act: ActView, notice: Answered, on_behalf_of: str | None, items: Sequence[str]
) -> Iterable[tuple[Sentence, str]]:
    yield sentence("Your answer"), answer_words(words, act.kind, notice)
    if items:
        yield sentence("Number of items"), str(len(items))
        yield sentence("Items"), _titles(words, items)
    if on_behalf_of is not None:
        yield sentence("On behalf of"), on_behalf_of
    if act.body.get("on"):
        is_return = act.kind is ActKind.RETURNS_ON
        label = sentence("Day of return") if is_return else sentence("Last day asked for")
        yield label, str(act.body["on"])
    if act.words.get("words"):
        yield sentence("Your words"), act.words["words"]
    for file in act.files:
        kind, size = _MEDIA.get(file.media_type, ""), size_in_words(file.size)
        yield sentence("Paper attached"), f"{kind}, {size}, SHA-256 {file.sha256}"
    yield sentence("Recorded at"), f"{moment(act.at, seconds=True)} (Asia/Shanghai)"
    yield sentence("Fingerprint of this receipt"), act.fingerprint
    if notice.fingerprint:
        yield sentence("Fingerprint of the notice"), notice.fingerprint


def _state(words: Catalogue, act: ActView) -> tuple[Sentence, Sentence]:
    at = moment(act.at, seconds=True)
    if _in_the_books(act):
        more = _DISPUTED if act.kind is ActKind.DISPUTED else _BOOKED
        return sentence("Recorded and in effect"), more
    if act.state in {"accepted", "settled"}:
        more = _IN_EFFECT
        if act.kind in _UNDER_REVIEW:
            more = _REVIEWED if act.state == "settled" else _IN_REVIEW
        return sentence("Recorded and in effect"), more
    if act.state == "waiting":
        return sentence("Recorded at %(at)s, being processed", at=at), _KEPT
    return _already_decided(words, act.sentence or ""), _LATE


def _already_decided(words: Catalogue, told: str) -> Sentence:
    found = _DECIDED.search(told)
    if found is None:
        return sentence("Recorded, but it came too late to take effect")
    who = _ROLES.get(Role(found[1]), _SOMEBODY) if found[1] in set(Role) else _SOMEBODY
    when = moment(datetime.fromisoformat(found[2]))
    return sentence("Already decided by %(who)s at %(at)s", who=words.say(who), at=when)
