"""Answering a notice while signed in: the form of the link pages, without a link."""

from api.people.answering import Question
from api.people.forms import choices
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.own_notices import OwnNotice
from countersign.contracts.cases import ActKind

SIGNED_IN = "account_session"
"""How it is known who answered: by the session of an account."""


def own_choices(notice: OwnNotice) -> tuple[ActKind, ...]:
    """Return what can be answered; whoever is signed in cannot be the wrong person."""
    return tuple(one for one in choices(notice.process, notice.audience) if one is not ActKind.NOT_ME)


def own_question(officer: Officer, notice: OwnNotice) -> Question:
    """Return a notice as its addressee answers it, or whoever stands in, who then stands as the account."""
    absent = notice.stands_in_for
    actor = officer.person_id if absent is None and officer.person_id else officer.actor_id
    return Question(
        case_id=notice.case_id,
        process=notice.process,
        audience=notice.audience,
        fingerprint=notice.fingerprint,
        answer_by=notice.answer_by,
        allowed=own_choices(notice),
        key=f"{notice.id}/{actor}",
        actor=actor,
        stranger=actor,
        counted_as=f"account/{officer.account_id}",
        identity=SIGNED_IN,
        acting_for=None if absent is None else absent.account_id,
    )
