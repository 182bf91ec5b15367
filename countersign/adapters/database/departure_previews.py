"""What the start of a departure would do: its dates, who takes over what, and every message of the plan."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from countersign.adapters.database.case_file import CaseFile
from countersign.adapters.database.departure_files import (
    DepartureFacts,
    OpenItems,
    handover_file,
    offboarding_file,
    statutory_file,
)
from countersign.adapters.database.departure_terms import (
    Terms,
    switched_off,
    taken_over_elsewhere,
    warnings_of,
)
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.nothing_left import ANNOUNCEMENT
from countersign.adapters.database.notices import Notices
from countersign.adapters.database.sifting import PreviewText, Sieve
from countersign.adapters.database.starts import cannot_print
from countersign.adapters.paper import Unprintable
from countersign.contracts.cases import Process
from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import ARTICLE, DepartureKind, DutyKind, Ground, ProposedBy, Track
from countersign.domain.duties import due_on, instant_of_the_end
from countersign.domain.ledger import AccountKind, owed
from countersign.domain.offboarding import Reminder, last_day_over, overdue_reminders
from countersign.domain.planner import Plan, plan
from countersign.domain.policy import Audience, Channel
from countersign.domain.refusal import Refusal
from countersign.domain.sms_cost import SmsEstimate, together
from countersign.domain.sms_templates import TemplateRefused

CHOICES = frozenset({"run_now", "skip"})
CERTIFICATE, DEMAND = "certificate", "demand"
"""What the leaver is told on the last day: that the certificate is issued, and what is still open."""
_TOLD_RECEIVERS = (Channel.PREFERRED, Channel.IN_SYSTEM)


@dataclass(frozen=True)
class DepartureDates:
    """What falls on which day. `certificate_at` and `duties` follow the planned last day."""

    reminders: tuple[Reminder, ...]
    last_day_over: datetime
    certificate_at: datetime
    duties: Mapping[DutyKind, date]


@dataclass(frozen=True)
class PlannedItem:
    """Something that the leaver will have to hand over, and to whom; None is administration."""

    track: Track
    reference: str
    title: str = field(repr=False)
    mandatory: bool
    receiver_number: str | None
    receiver: str | None = field(repr=False)


@dataclass(frozen=True)
class PlannedReceiver:
    """Somebody who takes over, how many items, and what they are told.

    `texts` begin with the announcement, which leaves at the start; those of `plan` follow once something is
    handed over and not confirmed, on its dates at the latest.
    """

    number: str
    name: str = field(repr=False)
    items: int
    plan: Plan
    texts: tuple[PreviewText, ...] = field(repr=False)


@dataclass(frozen=True)
class DeparturePreview:
    """Everything HR sees before a start; nothing is written.

    `plan` is the ladder against a silent leaver and `notice` that of the employer's notice, None where none
    is needed; both begin now where the policy asks at once, else `plan` begins after the last day. `said` are
    the messages to the leaver, as long as nobody answers, by process; each receiver has their own. `balances`
    are fen by kind of account, positive where the leaver owes. `missing` are codes of absent data, `blocks`
    must be mended first. `started` is the case's time at the start.
    """

    employee: str
    person_id: str
    name: str = field(repr=False)
    branch: str
    kind: DepartureKind
    ground: Ground
    article: str
    proposed_by: ProposedBy
    needs_notice: bool
    noticed_on: date
    last_day: date
    policy_version: str
    statutory_version: str
    started: datetime
    dates: DepartureDates
    overdue: tuple[Reminder, ...]
    plan: Plan
    notice: Plan | None
    items: tuple[PlannedItem, ...]
    receivers: tuple[PlannedReceiver, ...]
    systems: tuple[str, ...]
    balances: Mapping[AccountKind, int] = field(repr=False)
    said: Mapping[Process, tuple[PreviewText, ...]] = field(repr=False)
    missing: tuple[str, ...]
    existing_case: str | None
    blocks: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    sms: SmsEstimate

    @property
    def texts(self) -> tuple[tuple[Process, PreviewText], ...]:
        """Every message with its process: those to the leaver, then those of each receiver."""
        theirs = ((Process.HANDOVER, text) for one in self.receivers for text in one.texts)
        return (*((process, text) for process, some in self.said.items() for text in some), *theirs)


class DeparturePreviews:
    """Lays out what a start would do; it writes nothing."""

    def __init__(
        self,
        notices: Notices,
        ledger: LedgerBook,
        calendar: Callable[[], WorkCalendar],
        sieve: Callable[[Process], Sieve],
    ) -> None:
        self._notices, self._ledger, self._calendar, self._sieve = notices, ledger, calendar, sieve

    def of(
        self, session: Session, terms: Terms, started: datetime, existing_case: str | None
    ) -> DeparturePreview:
        """Return what a start of these terms at `started` would do.

        Raises `Refusal` for choices about reminders that are not sound, and for a text that cannot be made.
        """
        wish, file, zone = terms.wish, terms.file, terms.branch.zone
        overdue = self._overdue(terms, started)
        silent = plan(terms.policy.ladder, self._calendar(), self._asks_from(terms, started), file.reach())
        notice = plan(terms.statutory.ladder, self._calendar(), started, file.reach())
        about = self._about(session, terms)
        said = {
            Process.STATUTORY: tuple(self._of_the_end(session, terms, about, notice)),
            Process.OFFBOARDING: tuple(self._to_the_leaver(session, terms, about, silent, started)),
        }
        receivers = tuple(self._receivers(session, terms, started))
        theirs = [text for one in receivers for text in one.texts]
        everybody = {**said, Process.HANDOVER: theirs}
        sifted = [self._sieve(process).sift(session, some) for process, some in everybody.items()]
        blocks = tuple(block for one in sifted for block in one.blocks)
        off = switched_off(session, terms.branch.id)
        elsewhere = filter(None, [taken_over_elsewhere(session, file.person.id)])
        return DeparturePreview(
            employee=file.person.number,
            person_id=file.person.id,
            name=file.person.name,
            branch=terms.branch.name,
            kind=wish.kind,
            ground=terms.ground,
            article=ARTICLE[terms.ground],
            proposed_by=terms.proposed_by,
            needs_notice=terms.needs_notice,
            noticed_on=wish.noticed_on,
            last_day=wish.last_day,
            policy_version=terms.policy_version,
            statutory_version=terms.statutory_version,
            started=started.astimezone(ZoneInfo(zone)),
            dates=DepartureDates(
                reminders=terms.reminders(self._calendar()),
                last_day_over=last_day_over(wish.last_day, zone),
                certificate_at=instant_of_the_end(wish.last_day, terms.statutory.certificate_at, zone),
                duties={kind: due_on(kind, wish.last_day) for kind in DutyKind},
            ),
            overdue=overdue,
            plan=silent,
            notice=notice if terms.needs_notice else None,
            items=_planned(terms),
            receivers=receivers,
            systems=terms.template.systems,
            balances={kind: fen for kind, fen in self._balances(session, terms).items() if fen},
            said=said,
            missing=_missing(terms),
            existing_case=existing_case,
            blocks=blocks if off is None else (("process", off), *blocks),
            warnings=(*elsewhere, *warnings_of(terms), *(words for one in sifted for words in one.warnings)),
            sms=together([one.sms for one in sifted]),
        )

    def _balances(self, session: Session, terms: Terms) -> Mapping[AccountKind, int]:
        return self._ledger.balances(session, terms.employment.id)

    def _overdue(self, terms: Terms, started: datetime) -> tuple[Reminder, ...]:
        """Return the reminders that a late start has missed, once the choices about them are sound."""
        known = {one.step for one in terms.reminders(self._calendar())}
        for step, choice in terms.wish.overdue.items():
            if step not in known:
                named = ", ".join(sorted(known)) or "none"
                raise Refusal(
                    "overdue", f"overdue: {step[:40]!a} is no reminder of this departure; known: {named}"
                )
            if choice not in CHOICES:
                raise Refusal(f"overdue.{step}", f"overdue.{step}: choose run_now or skip")
        if terms.asks_at_once:
            return ()
        day, zone = terms.wish.last_day, terms.branch.zone
        return overdue_reminders(day, terms.policy, self._calendar(), zone, started)

    def _asks_from(self, terms: Terms, started: datetime) -> datetime:
        if terms.asks_at_once:
            return started
        return max(started, last_day_over(terms.wish.last_day, terms.branch.zone))

    # -- texts --------------------------------------------------------------------------------------------

    def _of_the_end(
        self, session: Session, terms: Terms, about: DepartureFacts, notice: Plan
    ) -> Iterable[PreviewText]:
        """Render the employer's notice, where one is needed, and what is told on the last day."""
        person = terms.file.person
        if terms.needs_notice:
            yield from self._climb(statutory_file(session, person, about), notice)
        file = statutory_file(session, person, replace(about, ended_on=terms.wish.last_day))
        channels = _resolved(file, terms.statutory.told_channels)
        yield from self._say(file, CERTIFICATE, Audience.EMPLOYEE, channels, None)
        if terms.holdings or about.owed:
            yield from self._say(file, DEMAND, Audience.EMPLOYEE, channels, None)

    def _to_the_leaver(
        self, session: Session, terms: Terms, about: DepartureFacts, silent: Plan, started: datetime
    ) -> Iterable[PreviewText]:
        """Render the reminders that will leave, and the ladder against silence."""
        file = offboarding_file(session, terms.file.person, about)
        channels = _resolved(file, terms.policy.remind_channels)
        chosen = terms.wish.overdue
        told = [
            one
            for one in terms.reminders(self._calendar())
            if one.at >= started or chosen.get(one.step) == "run_now"
        ]
        over = last_day_over(terms.wish.last_day, terms.branch.zone)
        ends = [*(max(one.at, started) for one in told[1:]), over]
        for one, until in zip(told, ends, strict=False):
            yield from self._say(file, one.step, Audience.EMPLOYEE, channels, until)
        yield from self._climb(file, silent)

    def _climb(self, file: CaseFile, planned: Plan) -> Iterable[PreviewText]:
        for step in planned.steps:
            yield from self._say(file, step.rung, step.audience, step.channels, step.waits_until)

    def _receivers(self, session: Session, terms: Terms, started: datetime) -> Iterable[PlannedReceiver]:
        """Return who takes over with what each is told: the announcement, then the ladder to confirm."""
        begins = max(started, last_day_over(terms.wish.last_day, terms.branch.zone))
        people = {one.id: one for one in terms.receivers.values() if one is not None}
        counted = _by_receiver(terms)
        for person in sorted(people.values(), key=lambda one: one.number):
            items = counted[person.id]
            told = partial(handover_file, session, person, terms.file.person.name, terms.wish.last_day)
            coming = told(OpenItems(items, items.total(), 0))
            planned = plan(terms.handover.ladder, self._calendar(), begins, coming.reach())
            channels = _resolved(coming, _TOLD_RECEIVERS)
            texts = (
                *self._say(coming, ANNOUNCEMENT, Audience.EMPLOYEE, channels, None),
                *self._climb(told(OpenItems(items, 0, items.total())), planned),
            )
            yield PlannedReceiver(person.number, person.name, items.total(), planned, texts)

    def _about(self, session: Session, terms: Terms) -> DepartureFacts:
        wish = terms.wish
        tracks = Counter(Track(one.track) for one in terms.holdings)
        return DepartureFacts(
            kind=wish.kind,
            ground=terms.ground,
            last_day=wish.last_day,
            noticed_on=wish.noticed_on,
            facts=terms.facts,
            successor=terms.successor.name if terms.successor else None,
            items=OpenItems(tracks, tracks.total(), 0),
            owed={kind.value: fen for kind, fen in owed(self._balances(session, terms)).items()},
            questionnaire=terms.policy.asked(wish.kind) is not None,
        )

    def _say(
        self,
        file: CaseFile,
        step: str,
        audience: Audience,
        channels: tuple[Channel, ...],
        answer_by: datetime | None,
    ) -> list[PreviewText]:
        if not channels:
            return []
        try:
            return self._notices.preview(file, step, audience, channels, answer_by, confidential=False)
        except TemplateRefused as refusal:
            raise Refusal("policy", f"step {step}: {refusal}") from None
        except Unprintable as fault:
            unprintable = cannot_print(step, fault)
            raise Refusal(unprintable.field, str(unprintable)) from None


def _resolved(file: CaseFile, wanted: Iterable[Channel]) -> tuple[Channel, ...]:
    """Return the channels that reach the person, each once."""
    reach = file.reach()
    found = [reach.resolve(Audience.EMPLOYEE, channel) for channel in wanted]
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _planned(terms: Terms) -> tuple[PlannedItem, ...]:
    found = []
    for one in terms.holdings:
        receiver = terms.receivers[one.id]
        found.append(
            PlannedItem(
                track=Track(one.track),
                reference=one.reference,
                title=one.title,
                mandatory=one.mandatory,
                receiver_number=receiver.number if receiver else None,
                receiver=receiver.name if receiver else None,
            )
        )
    return tuple(sorted(found, key=lambda one: list(Track).index(one.track)))


def _by_receiver(terms: Terms) -> dict[str, Counter[Track]]:
    found: dict[str, Counter[Track]] = {}
    for one in terms.holdings:
        receiver = terms.receivers[one.id]
        if receiver is not None:
            found.setdefault(receiver.id, Counter())[Track(one.track)] += 1
    return found


def _missing(terms: Terms) -> tuple[str, ...]:
    """Return what is not on record and would be wanted, as codes."""
    person = terms.file.person
    ladders: Sequence[Any] = (*terms.policy.ladder.rungs, *terms.statutory.ladder.rungs)
    facts: dict[str, object] = {
        "phone": person.phone,
        "email": person.email,
        "service_address": person.service_address,
        "e_delivery_consent": person.e_delivery_consent_on,
    }
    if any(rung.audience is Audience.MANAGER for rung in ladders):
        facts["manager"] = terms.file.manager
    return tuple(name for name, value in facts.items() if not value)
