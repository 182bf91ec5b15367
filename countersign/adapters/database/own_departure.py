"""Nobody acts for the company in what is about themselves: neither by an account nor by a token of theirs."""

from sqlmodel import Session

from countersign.adapters.database.scope import leaver_of_case
from countersign.adapters.database.tables import Account, ApiToken, Case
from countersign.domain.refusal import Refusal

OF_ONESELF = "{field}: this is about yourself; somebody else has to do it"


def person_behind(session: Session, actor: str) -> str | None:
    """Return the employee who acts for the company as `actor`: by their account, or by a token they made.

    None for programs whose token the command line made, and for people who speak for themselves: these come
    with their own id as the actor.
    """
    kind, _, opaque = actor.rpartition(":")
    token = session.get(ApiToken, opaque) if kind == "token" else None
    account_id = opaque if kind == "account" else None if token is None else token.created_by
    account = None if account_id is None else session.get(Account, account_id)
    return None if account is None else account.person_id


def refuse_own(session: Session, person_id: str, actor: str, field: str = "case") -> None:
    """Refuse what somebody does for the company about themselves; `actor` is as in acts. Raises `Refusal`."""
    if person_behind(session, actor) == person_id:
        raise Refusal(field, OF_ONESELF.format(field=field))


def refuse_own_case(session: Session, case: Case, actor: str) -> None:
    """Refuse the same in a case about themselves, and in all cases of their own departure."""
    person_id = person_behind(session, actor)
    if person_id is not None and person_id in (case.person_id, leaver_of_case(session, case)):
        raise Refusal("case", OF_ONESELF.format(field="case"))
