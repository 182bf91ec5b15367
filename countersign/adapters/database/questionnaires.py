"""What leavers are asked and answer: for HR one by one, for reports in groups."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from pydantic import TypeAdapter
from sqlmodel import Session, col, or_, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.reports import Span
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Branch, Case, Departure, Person, QuestionnaireReply
from countersign.domain.departure import DepartureKind
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.local_time import day_in, day_of
from countersign.domain.questionnaire import Figures, Given, Questionnaire, Reply, figures
from countersign.domain.refusal import Refusal

_QUESTIONS: TypeAdapter[Questionnaire | None] = TypeAdapter(Questionnaire | None)
_OVER = "questionnaire: its time is over, so nothing was changed; call the contact if something must be"


@dataclass(frozen=True)
class AskedView:
    """The questionnaire of one departure as it stands; `open_until` is inclusive.

    `is_open` says whether it can still be answered: not after its time, nor for somebody who stays.
    """

    departure_id: str
    person_id: str
    questionnaire: Questionnaire
    open_until: date
    is_open: bool
    reply: Reply = Reply.NONE
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    first_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True)
class ReadView:
    """The same for HR: of whom, and `asked` None where the policy of the departure has no questions."""

    departure_id: str
    number: str
    name: str = field(repr=False)
    branch: str
    kind: str
    last_day: date
    withdrawn: bool
    asked: AskedView | None


@dataclass(frozen=True)
class Said:
    """What a leaver says: `id` makes the same form one event, `answers` hold values by question.

    None of them says that they would rather not answer; earlier answers are then no longer shown.
    """

    id: str
    person_id: str
    answers: Mapping[str, str] | None = field(repr=False)


class Questionnaires:
    """Asks, keeps and counts. Nothing here is told to a process: no answer moves anything."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    # -- the leaver ---------------------------------------------------------------------------------------

    def of_leaver(self, case_id: str, person_id: str) -> AskedView | None:
        """Return what the leaver of an offboarding or statutory case is asked; None for everybody else."""
        with self._database.reading() as session:
            departure = _departure_of(session, case_id)
            if departure is None or departure.person_id != person_id:
                return None
            return self._asked(session, departure)

    def take(self, case_id: str, said: Said) -> AskedView:
        """Keep what a leaver says; the same form twice changes nothing.

        Whether the answers fit their questions is for the caller to have checked. Raises `Refusal` when the
        time is over, and LookupError for somebody who is asked nothing here.
        """
        return self._database.write(lambda session: self._take(session, case_id, said))

    def _take(self, session: Session, case_id: str, said: Said) -> AskedView:
        departure = _departure_of(session, case_id, lock=True)
        asked = None if departure is None else self._asked(session, departure)
        if departure is None or asked is None or departure.person_id != said.person_id:
            raise LookupError("questionnaire: nothing is asked here")
        if not asked.is_open:
            raise Refusal("questionnaire", _OVER)
        case = session.get_one(Case, departure.case_id)
        now = case_now(case, self._clock())
        ids = [one.id for one in asked.questionnaire.questions]
        answers = {one: said.answers[one] for one in ids if said.answers.get(one)} if said.answers else {}
        body = {
            "policy": case.policy_version,
            "reply": Sealed(Reply.DECLINED if said.answers is None else Reply.ANSWERED),
            "answers": Sealed(json.dumps(answers, ensure_ascii=False, sort_keys=True)),
        }
        actor = {"role": "employee", "id": said.person_id}
        key = f"questionnaire/{said.id}"
        if not self._evidence.append(session, case, key, now, EventKind.QUESTIONNAIRE_ANSWERED, actor, body):
            return asked
        row = session.get(QuestionnaireReply, departure.case_id)
        if row is None:
            row = QuestionnaireReply(
                departure_id=departure.case_id, declined=False, first_at=now, changed_at=now
            )
        row.declined, row.answers, row.changed_at = said.answers is None, answers, now
        session.add(row)
        session.flush()
        found = self._asked(session, departure)
        assert found is not None  # noqa: S101  asked above
        return found

    def _asked(self, session: Session, departure: Departure) -> AskedView | None:
        case = session.get_one(Case, departure.case_id)
        questions = questions_of(case, departure)
        if questions is None:
            return None
        row = session.get(QuestionnaireReply, departure.case_id)
        until = questions.open_until(departure.ended_on or departure.last_day)
        zone = session.get_one(Branch, departure.branch_id).zone
        today = day_in(case_now(case, self._clock()), zone)
        erased = self._evidence.count(session, case.id, EventKind.DISCLOSURE_ERASED) > 0
        is_open = today <= until and departure.withdrawn_at is None and not erased
        view = AskedView(departure.case_id, departure.person_id, questions, until, is_open)
        if row is None:
            return view
        return replace(
            view,
            reply=Reply.DECLINED if row.declined else Reply.ANSWERED,
            answers=dict(row.answers),
            first_at=row.first_at,
            changed_at=row.changed_at,
        )

    # -- HR -----------------------------------------------------------------------------------------------

    def read(self, scope: Scope, case_id: str) -> ReadView | None:
        """Return what the leaver of a departure answered; None outside the scope."""
        query = (
            select_columns(Departure, Person, Branch.name)
            .join(Person, col(Person.id) == col(Departure.person_id))
            .join(Branch, col(Branch.id) == col(Departure.branch_id))
            .where(Departure.case_id == case_id)
        )
        with self._database.reading() as session:
            row = session.exec(scope.within(query, Departure.branch_id)).first()
            if row is None:
                return None
            departure, person, branch = row
            return ReadView(
                departure.case_id,
                person.number,
                person.name,
                branch,
                departure.kind,
                departure.last_day,
                departure.withdrawn_at is not None,
                self._asked(session, departure),
            )

    # -- figures ------------------------------------------------------------------------------------------

    def figures(self, scope: Scope, span: Span, now: datetime) -> tuple[Figures, ...]:
        """Count what those answered who left in a span, in groups of people of one branch.

        Only what can no longer be changed counts. Nobody's own departure is left out: the groups must be the
        same for every reader.
        """
        query = (
            select_columns(QuestionnaireReply, Departure, Case)
            .join(Departure, col(Departure.case_id) == col(QuestionnaireReply.departure_id))
            .join(Case, col(Case.id) == col(Departure.case_id))
            .where(col(Departure.ended_on).is_not(None), col(Departure.withdrawn_at).is_(None))
        )
        if scope.branch_id is not None:
            query = query.where(Departure.branch_id == scope.branch_id)
        with self._database.reading() as session:
            rows = ((reply, departure, case) for reply, departure, case in session.exec(query))
            given = [one for row in rows if (one := _given(*row, now)) is not None]
        return figures(given, lambda day: span.first <= day <= span.last)


def questions_of(case: Case, departure: Departure) -> Questionnaire | None:
    """Return what the policy that travels with an offboarding case asks; None when it asks nothing."""
    found = _QUESTIONS.validate_python(case.frozen.get("policy", {}).get("questionnaire"))
    if found is None or DepartureKind(departure.kind) not in found.kinds:
        return None
    return found


def _given(reply: QuestionnaireReply, departure: Departure, case: Case, now: datetime) -> Given | None:
    questions, day = questions_of(case, departure), departure.ended_on
    if questions is None or day is None or questions.open_until(day) >= day_of(case_now(case, now)):
        return None
    until = questions.open_until(day)
    return Given(departure.case_id, departure.branch_id, day, questions.questions, reply.answers, until)


def _departure_of(session: Session, case_id: str, *, lock: bool = False) -> Departure | None:
    query = select(Departure).where(or_(Departure.case_id == case_id, Departure.statutory_case_id == case_id))
    return session.exec(query.with_for_update() if lock else query).first()
