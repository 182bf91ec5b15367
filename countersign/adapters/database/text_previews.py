"""What a text becomes for one real person: page, mail, text message and paper; nothing is written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from countersign.adapters.database.case_file import CaseFile
from countersign.adapters.database.case_files import file_of
from countersign.adapters.database.circular_file import circular_file
from countersign.adapters.database.departure_files import example_file
from countersign.adapters.database.engine import Database
from countersign.adapters.database.identity import CODE_LASTS
from countersign.adapters.database.leave_file import leave_file
from countersign.adapters.database.notices import PREVIEW_CODE, Notices
from countersign.adapters.database.papers import Papers
from countersign.adapters.database.people import Recipient
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.sifting import PreviewText
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Circular,
    ConsentRecord,
    EmergencyContact,
    Leave,
    Person,
)
from countersign.adapters.paper import Paper, Press, Unprintable
from countersign.adapters.rendering import NoticeText, Renderer, TemplateFault
from countersign.contracts.cases import Process
from countersign.domain.calendar import WorkCalendar
from countersign.domain.planner import Reach
from countersign.domain.policy import Audience, Channel
from countersign.domain.sms_templates import TemplateRefused
from countersign.domain.texts import NEUTRAL, SECOND_FACTOR, Form, Reader, TextKey, reader_of

_AUDIENCES = {Reader.COLLEAGUE: Audience.MANAGER, Reader.EMERGENCY_CONTACT: Audience.EMERGENCY_CONTACT}
_TIME_TO_ANSWER = timedelta(days=5)
_ANY_NOTICE = "first_notice"
"""Stands for the notice that a frame is put around."""


class NoPreview(ValueError):
    """A person for whom this text cannot be written; the sentence says whom to choose instead."""


@dataclass(frozen=True)
class Shown:
    """A text on one channel, or in `problem` why there is none."""

    channel: Channel
    text: PreviewText | None
    problem: str | None = None


@dataclass(frozen=True)
class Sample:
    """A text for one person: on every channel, and as the page that would be printed."""

    recipient: str = field(repr=False)
    shown: tuple[Shown, ...]
    paper: Paper | None = field(repr=False, default=None)


@dataclass(frozen=True)
class _InLanguage:
    """A case file whose every recipient reads the language that is being tried."""

    file: CaseFile
    language: str

    @property
    def process(self) -> Process:
        return self.file.process

    @property
    def person(self) -> Person:
        return self.file.person

    @property
    def branch(self) -> Branch:
        return self.file.branch

    @property
    def contact(self) -> EmergencyContact | None:
        return self.file.contact

    @property
    def consent(self) -> ConsentRecord | None:
        return self.file.consent

    def recipient(self, audience: Audience) -> Recipient:
        return replace(self.file.recipient(audience), language=self.language)

    def reach(self) -> Reach:
        return self.file.reach()

    def variables(self, calendar: Callable[[], WorkCalendar]) -> Mapping[str, Any]:
        return self.file.variables(calendar)

    def notice(
        self, renderer: Renderer, name: str, audience: Audience, language: str, variables: Mapping[str, Any]
    ) -> NoticeText:
        return self.file.notice(renderer, name, audience, language, variables)


class TextPreviews:
    """Writes texts for people without keeping anything. `notices` makes a notice book over other texts."""

    def __init__(
        self,
        database: Database,
        notices: Callable[[Mapping[Process, Renderer]], Notices],
        papers: Papers,
        press: Press,
        company: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._notices, self._company = database, notices, company
        self._papers, self._press, self._clock = papers, press, clock

    def sample(
        self, key: TextKey, renderers: Mapping[Process, Renderer], scope: Scope, number: str
    ) -> Sample | None:
        """Return what the texts of these renderers become for an employee; None outside the scope.

        Raises `NoPreview`. The code and the link open nothing.
        """
        with self._database.reading() as session:
            person = session.exec(select(Person).where(Person.number == number)).first()
            if person is None or not scope.covers(person, person.branch_id):
                return None
            file = _InLanguage(self._file(session, scope, key, person), key.language)
            return self._sample(key, renderers, file)

    def pdf(self, sample: Sample) -> bytes | None:
        """Print the page of a sample; None when it has none. Raises `Unprintable`."""
        return None if sample.paper is None else self._press.print(sample.paper)

    def _file(self, session: Session, scope: Scope, key: TextKey, person: Person) -> CaseFile:
        if key.process == Process.ACKNOWLEDGEMENT.value:
            return circular_file(session, _circular(session, person, key.language, self._clock()), person)
        process = Process(key.process)
        if process is not Process.LEAVE_RETURN:
            return self._file_of_departure(session, scope, process, person, key.language)
        newest = (
            select(Leave.id).where(Leave.person_id == person.id).order_by(col(Leave.ends_on).desc()).limit(1)
        )
        leave_id = session.exec(newest).first()
        file = None if leave_id is None else leave_file(session, leave_id)
        if file is None:
            raise NoPreview("person: this employee has no leave on record; choose another")
        return file

    def _file_of_departure(
        self, session: Session, scope: Scope, process: Process, person: Person, language: str
    ) -> CaseFile:
        """Return the file of the newest such case of a person; an example for somebody who has had none."""
        newest = (
            scope.without_own(select(Case), col(Case.id))
            .where(Case.person_id == person.id, Case.kind == process.value)
            .order_by(col(Case.created_at).desc())
            .limit(1)
        )
        case = session.exec(newest).first()
        return file_of(session, case) if case else example_file(session, process, person, language)

    def _sample(self, key: TextKey, renderers: Mapping[Process, Renderer], file: CaseFile) -> Sample:
        audience = _AUDIENCES.get(reader_of(key.name), Audience.EMPLOYEE)
        if audience is Audience.EMERGENCY_CONTACT and file.contact is None:
            raise NoPreview("person: this employee has no emergency contact on record; choose another")
        if audience is Audience.MANAGER and key.name == "on_site_check":
            audience = Audience.HR
        confidential = key.name in NEUTRAL
        step = _ANY_NOTICE if confidential or key.is_mail else key.name
        if key.name == SECOND_FACTOR:
            return Sample(file.person.name, (_second_factor(renderers[file.process], file, self._company),))
        notices = self._notices(renderers)
        zone = ZoneInfo(file.branch.zone)
        day = (self._clock().astimezone(zone) + _TIME_TO_ANSWER).date()
        answer_by = datetime.combine(day, time(18), zone)

        def shown(channel: Channel) -> Shown:
            try:
                found = notices.preview(file, step, audience, (channel,), answer_by, confidential)
            except (TemplateFault, TemplateRefused, Unprintable) as fault:
                return Shown(channel, None, str(fault))
            return Shown(channel, found[0])

        pages = tuple(shown(channel) for channel in _channels(key, audience))
        paper = next((one.text for one in pages if one.text and one.channel in _PAGES), None)
        return Sample(
            file.recipient(audience).name,
            pages,
            None if paper is None else self._paper(file, audience, paper, zone),
        )

    def _paper(self, file: CaseFile, audience: Audience, page: PreviewText, zone: ZoneInfo) -> Paper:
        public = page.channel is Channel.PUBLIC_NOTICE
        head = self._papers.letterhead(file, audience, {page.channel if public else Channel.COURIER})
        return Paper(
            title=page.title,
            text=page.text,
            language=page.language,
            company=head["company"],
            branch=head["branch"],
            recipient=head["recipient"],
            reference=PREVIEW_CODE,
            fingerprint=NoticeText(page.title, page.text, "", "").fingerprint,
            at=self._clock().astimezone(zone),
            slip=head["slip"],
            service_address=head["service_address"],
        )


_PAGES = (Channel.IN_SYSTEM, Channel.PUBLIC_NOTICE)


def _channels(key: TextKey, audience: Audience) -> Iterator[Channel]:
    """Yield where a text can stand, the notice itself first."""
    if key.form is Form.SMS or key.is_mail:
        yield Channel.SMS if key.form is Form.SMS else Channel.EMAIL
        return
    if key.name == "public_notice":
        yield Channel.PUBLIC_NOTICE
        return
    yield Channel.IN_SYSTEM
    if audience is not Audience.EMERGENCY_CONTACT and key.name != "on_site_check":
        yield Channel.EMAIL
    if key.name not in {"on_site_check", "paper_notice"}:
        yield Channel.SMS


def _second_factor(renderer: Renderer, file: CaseFile, company: str) -> Shown:
    """Return the message with the code that a confidential notice asks for; its code opens nothing."""
    one = file.recipient(Audience.EMPLOYEE)
    told = {"company": company, "code": "000000", "minutes": int(CODE_LASTS.total_seconds()) // 60}
    try:
        text = renderer.sms(SECOND_FACTOR, Audience.EMPLOYEE, one.language, told)
    except TemplateFault as fault:
        return Shown(Channel.SMS, None, str(fault))
    address = one.address(Channel.SMS)
    preview = PreviewText(
        SECOND_FACTOR, Audience.EMPLOYEE, Channel.SMS, one.language, one.name, address, "", text
    )
    return Shown(Channel.SMS, preview)


def _circular(session: Session, person: Person, language: str, now: datetime) -> Circular:
    """Return the newest circular that went to a person; an example for somebody who has had none."""
    newest = (
        select(Circular)
        .join(Case, col(Case.circular_id) == col(Circular.id))
        .where(Case.person_id == person.id)
        .order_by(col(Circular.created_at).desc())
        .limit(1)
    )
    found = session.exec(newest).first()
    if found is not None:
        return found
    chinese = language == "zh-CN"
    return Circular(
        id="preview",
        title="示例通知" if chinese else "An example notice",
        text="这里是通知的正文。" if chinese else "Here stands the text of the notice.",
        created_by="preview",
        created_at=now,
    )
