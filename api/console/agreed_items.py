"""Carrying out what two people agreed to: that items of a handover do not apply."""

from sqlmodel import Session

from countersign.adapters.database.actors import account_actor_id
from countersign.adapters.database.approvals import Asked
from countersign.adapters.database.handover_book import HandoverAct
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.tables import Account
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.handover import Side, Speaker, Verdict


def agree_to_items(parts: Parts, asked: Asked, officer: Officer, reason: str) -> str:
    """Agree to a request about items and carry it out; return the act's id, for the dispatcher to carry.

    Raises `Refusal`, `OwnRequest`, `AlreadyDecided`, `MayNoLongerAct`.
    """

    def do(session: Session, asker: Account) -> None:
        act = HandoverAct(
            id=asked.id,
            departure_id=asked.subject,
            speaker=Speaker.COMPANY,
            side=Side.COMPANY,
            role=Role(asker.role),
            actor=account_actor_id(asker.id),
            person_id=asker.person_id,
            items=tuple(asked.body["items"]),
            words=asked.words.get("reason", ""),
        )
        book, approver = parts.handover_book, officer.actor_id
        if asked.body.get("verdict") is None:
            book.not_applicable(act, approver, session=session)
        else:
            book.settle_dispute(act, Verdict(asked.body["verdict"]), approver, session=session)

    parts.overrides.agree_with(asked, officer, reason, do)
    return asked.id
