"""From what an officer wishes to an act in a case: read, checked, committed, carried to its process.

What a second person must agree to is kept as a request; `Overrides.agree` commits it once somebody has.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from api.carrying import brought
from api.errors import Refused, field_faults
from api.v1.cases import check_papers
from api.v1.models import NEEDS, ActRequest, StaffAct
from countersign.adapters.database.acts import ActView, NewAct
from countersign.adapters.database.officers import Absent, Officer
from countersign.adapters.database.overrides import ACT
from countersign.bootstrap import Parts
from countersign.contracts.cases import ActKind, Role
from countersign.domain.refusal import Refusal

_SETTING_NAMES = {"public_notice": StaffAct.PUBLISHED.value}
"""How the settings name an act whose own name says less."""

_NAMED = re.compile(r"needs the field (\w+)")


class CannotAct(ValueError):
    """A wish that is refused before it is an act; the sentence says why, `field` where."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Wish:
    """An act as it was asked for; `acting_for` is the account whose task it is, where somebody stands in."""

    request: ActRequest = field(repr=False)
    acting_for: str | None = None


async def carry_out(parts: Parts, officer: Officer, case_id: str, wish: Wish, key: str) -> ActView:
    """Commit an act and bring it to its case; return the receipt, whose state says what became of it.

    The same `key` of the same officer, case and act is the same act. Whether the officer may see the case was
    checked before. Raises `CannotAct` for a wish that can be no act.
    """
    new = _new_act(officer, case_id, wish, key)
    known = await run_in_threadpool(parts.acts.view, new.id)
    if known is None:
        await run_in_threadpool(_check, parts, case_id, wish.request)
    try:
        taken = await run_in_threadpool(parts.acts.take, new)
    except Refusal as refusal:
        raise CannotAct(refusal.field, str(refusal)) from None
    if taken.body != dict(new.body) or taken.words != dict(new.words):
        raise CannotAct("act", "act: this form was sent before with other content; look at the timeline")
    return await brought(parts, taken)


def ask_for(parts: Parts, officer: Officer, case_id: str, branch_id: str, wish: Wish) -> str:
    """Keep a wish for a second person to agree to; return the request's id. Raises `CannotAct`."""
    _check(parts, case_id, wish.request)
    body: dict[str, Any] = {"act": wish.request.act.value, "body": wish.request.body()}
    if wish.acting_for is not None:
        body["acting_for"] = wish.acting_for
    words = wish.request.words()
    return parts.approvals.ask(ACT, case_id, officer, branch_id=branch_id, body=body, words=words)


def read_wish(act: StaffAct, fields: Mapping[str, Any]) -> tuple[ActRequest | None, dict[str, str]]:
    """Return an act out of what was typed, or what is wrong with it, by field; empty fields count as none."""
    given = {name: value for name, value in fields.items() if value not in ("", None, {})}
    try:
        return ActRequest.model_validate({"act": act.value, **given}), {}
    except ValidationError as error:
        found = field_faults(error)
    # The model tells of the first field that is missing; a form shows all of them.
    whole = found.pop("body", None)
    found |= {name: "is missing; give it" for name in NEEDS.get(act, ()) if name not in given}
    if whole is not None and not found:
        named = _NAMED.search(whole)
        found[named[1] if named else "act"] = whole
    return None, found


def needs_second_person(parts: Parts, act: StaffAct) -> bool:
    """Say whether the settings want a second person for this act."""
    return act.value in {_SETTING_NAMES.get(name, name) for name in parts.settings.two_person_acts}


def absent_holders(
    parts: Parts, officer: Officer, holder: str | None, manager_number: str | None
) -> list[Absent]:
    """Return for whom an officer stands in of those who have the ball; a manager is the person's."""
    found = []
    for one in officer.stands_in_for:
        account = parts.accounts.officer(one.account_id)
        if account is not None and account.role == holder:
            if account.role is not Role.MANAGER or account.number == manager_number:
                found.append(one)
    return found


def _check(parts: Parts, case_id: str, request: ActRequest) -> None:
    try:
        check_papers(parts, case_id, request)
    except Refused as refusal:
        raise CannotAct(refusal.field or "act", refusal.detail) from None


def _new_act(officer: Officer, case_id: str, wish: Wish, key: str) -> NewAct:
    request = wish.request
    told = "\n".join((officer.account_id, case_id, request.act.value, key))
    return NewAct(
        id=hashlib.sha256(told.encode()).hexdigest()[:40],
        case_id=case_id,
        kind=ActKind(request.act.value),
        role=officer.role,
        actor=officer.actor_id,
        body=request.body(),
        words=request.words(),
        acting_for=wish.acting_for,
    )
