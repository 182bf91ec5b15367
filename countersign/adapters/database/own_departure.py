"""Who leaves does nothing as an officer of the company in their own departure."""

from sqlmodel import Session

from countersign.adapters.database.tables import Account
from countersign.domain.refusal import Refusal


def refuse_own(session: Session, person_id: str, actor: str, field: str = "case") -> None:
    """Refuse what an account does about the employee that it belongs to; `actor` is as in acts.

    What somebody says for themselves comes with their own id as the actor, and passes. Raises `Refusal`.
    """
    kind, _, account_id = actor.rpartition(":")
    if kind != "account":
        return
    account = session.get(Account, account_id)
    if account is not None and account.person_id == person_id:
        raise Refusal(field, f"{field}: this is about yourself; somebody else has to do it")
