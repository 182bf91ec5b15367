"""The money of a departure: what is owed, the settlement with its versions, confirming and printing it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.downloads import download
from api.console.drawing import page, word
from api.console.ledger_forms import in_words
from api.console.pressed import STALE_FORM, has_nonce, pressed
from api.console.route import console_router
from api.console.visit import HOME, Missing, Post, Visit, posting, visiting
from api.errors import Refused
from api.language import Sentence, sentence
from api.v1.forms import SentFile, keep
from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.handover_views import ItemView
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.settlements import Drafter, MoneyView
from countersign.adapters.paper import Unprintable
from countersign.contracts.cases import Role
from countersign.domain.console_words import told_in
from countersign.domain.departure import Ground, Track
from countersign.domain.refusal import Refusal
from countersign.domain.settlement import Sheet
from countersign.domain.settlement_input import FromWage, SettlementWish
from countersign.domain.tables.packs import REGIONS, region_pack
from countersign.ids import new_id

router = console_router()

Accountant = Annotated[Visit, Depends(visiting(*READERS, Role.FINANCE))]
FinancePost = Annotated[Post, Depends(posting(Role.FINANCE))]
LetterPost = Annotated[Post, Depends(posting(Role.FINANCE, papers=True))]

ATTACHED = "attached"
"""What a preview takes for the letter that came with the form; a draft files the letter itself."""

_DRAFTED = sentence("Version %(version)s is drafted. Check its lines, then confirm it.")
_CONFIRMED = sentence("Version %(version)s is confirmed. The process books its lines now.")
_LATE = sentence("The case was closed meanwhile. Nothing was changed.")


@dataclass(frozen=True)
class Filled:
    """What stands in the form: typed before, what was wrong with it, and the sheet that it makes."""

    typed: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: Mapping[str, str] = field(default_factory=dict)
    sheet: Sheet | None = None
    attached: bool = False


@router.get("/departures/{case_id}/money")
def money(visit: Accountant, case_id: str) -> Response:
    """Show balances, settlement and versions."""
    return _page(visit, _view(visit, case_id), Filled())


@router.post("/departures/{case_id}/settlement")
async def settle(post: LetterPost, case_id: str) -> Response:
    """Show what was typed as a settlement, or keep it as a new version."""
    upload = post.file("consent_file")
    sent = None
    if upload is not None:
        data = await upload.read(post.parts.settings.upload_limit_bytes + 1)
        sent = SentFile(upload.filename or "", data)
    return await run_in_threadpool(_settle, post, case_id, sent)


@router.post("/departures/{case_id}/settlement/{version}/confirm")
async def confirm(post: FinancePost, case_id: str, version: int) -> Response:
    """Confirm a version, and bring that to the process, which books it."""
    view = await run_in_threadpool(_view, post, case_id)
    if not has_nonce(post):
        told = {"version": post.words.say(STALE_FORM)}
        return await run_in_threadpool(_page, post, view, Filled(faults=told))
    act_id = pressed(post, case_id, str(version))
    try:
        taken = await run_in_threadpool(
            post.parts.settlements.confirm, case_id, version, act_id, _drafter(post)
        )
    except Refusal as refusal:
        told = {refusal.field: in_words(post, refusal)}
        return await run_in_threadpool(_page, post, view, Filled(faults=told))
    except Unprintable as fault:
        told = {"version": told_in(post.language, str(fault))}
        return await run_in_threadpool(_page, post, view, Filled(faults=told))
    if taken.state == "waiting":
        await post.parts.dispatcher.carry(taken.id)
    late = taken.state in {"late", "refused"}
    told_next = _LATE if late else Sentence(_CONFIRMED.text, {"version": version})
    await run_in_threadpool(post.tell, told_next, good=not late)
    return _back(case_id)


@router.get("/departures/{case_id}/settlement/{version}/sheet")
def sheet(visit: Accountant, case_id: str, version: int) -> Response:
    """Hand out a version as PDF; one that is not confirmed is marked as a draft."""
    view = _view(visit, case_id)
    try:
        pdf = visit.parts.settlements.pdf(case_id, version)
    except Unprintable as fault:
        return _page(visit, view, Filled(faults={"version": told_in(visit.language, str(fault))}))
    if pdf is None:
        raise Missing
    return download(pdf, f"settlement-{case_id}-{version}.pdf", "application/pdf")


def _settle(post: Post, case_id: str, sent: SentFile | None) -> Response:
    view = _view(post, case_id)
    wish = _wish(post)
    try:
        if post.text("do") != "draft":
            if sent is not None:
                wish["consent"] = ATTACHED
            made = post.parts.settlements.preview(case_id, wish, attached=ATTACHED)
            return _page(post, view, Filled(post.typed, sheet=made, attached=sent is not None))
        letter = _kept(post, view, sent)
        version = post.parts.settlements.draft(case_id, wish, _drafter(post), letter)
    except Refused as refused:
        words = told_in(post.language, refused.detail.removeprefix("file: "))
        return _page(post, view, Filled(post.typed, {"consent_file": words}))
    except Refusal as refusal:
        return _page(post, view, Filled(post.typed, {refusal.field: in_words(post, refusal)}))
    post.tell(Sentence(_DRAFTED.text, {"version": version}))
    return _back(case_id)


def _wish(post: Post) -> dict[str, Any]:
    """Return what was typed, without signs of money; the sheet says what is wrong with the rest."""
    fields = set(SettlementWish.model_fields)
    wish: dict[str, Any] = {
        name: value.strip().removeprefix("¥").replace(",", "").replace("，", "")
        for name, value in post.typed.items()
        if name in fields and value.strip()
    }
    for flag in ("renewal_refused", "min_wage_excludes_personal_si"):
        if flag in wish:
            wish[flag] = wish[flag] == "yes"
    return wish


def _kept(post: Post, view: MoneyView, sent: SentFile | None) -> StoredFile | None:
    if sent is None or not view.may_draft:
        return None
    return keep(post.parts, sent)


def _drafter(post: Post) -> Drafter:
    return Drafter(post.officer.role, post.officer.actor_id, post.officer.actor)


def _view(visit: Visit, case_id: str) -> MoneyView:
    found = visit.parts.settlements.view(visit.scope, case_id)
    if found is None:
        raise Missing
    return found


def _page(visit: Visit, view: MoneyView, filled: Filled) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if filled.faults else HTTPStatus.OK
    return page(
        visit,
        "console/departure_money.html",
        status,
        view=view,
        typed=dict(filled.typed) or _earlier(view),
        faults=filled.faults,
        sheet=filled.sheet,
        attached=filled.attached,
        nonce=new_id(),
        equipment=_equipment(visit, view.case_id),
        gate=visit.parts.gate_book.why(view.case_id),
        balances=visit.parts.balances.view(view.case_id, visit.scope),
        pays=visit.officer.role is Role.FINANCE,
        reads_cases=visit.officer.role in READERS,
        loses=visit.officer.role in (*STAFF, Role.LEGAL, Role.AUDITOR),
        cities=_cities(view.region),
        ways_of_deducting=[(one.value, word(visit.language, "from_wage", one.value)) for one in FromWage],
        leave_days=(view.last_day - max(view.last_day.replace(month=1, day=1), view.hired_on)).days + 1,
        expires=view.ground is Ground.EXPIRY,
        notice=view.ground is Ground.NO_FAULT,
        with_leave=_concerns(filled, view, "leave_"),
        with_minimum=bool(_cities(view.region)) or _concerns(filled, view, "min_wage", "city"),
    )


def _equipment(visit: Visit, case_id: str) -> list[ItemView]:
    """Return the equipment that is claimed, or of whose damage finance decides."""
    board = visit.parts.handover_book.board(case_id)
    items = () if board is None else board.items[Track.EQUIPMENT]
    return [one for one in items if one.claim is not None or one.finance_decides]


def _earlier(view: MoneyView) -> dict[str, str]:
    """Return what the newest version was computed from, so that it can be corrected and not typed anew."""
    if view.newest is None:
        return {}
    asked = view.newest.content["inputs"]
    known = {name: value for name, value in asked.items() if name in SettlementWish.model_fields}
    return {
        name: ("yes" if value else "") if isinstance(value, bool) else str(value)
        for name, value in known.items()
    }


def _concerns(filled: Filled, view: MoneyView, *beginnings: str) -> bool:
    """Say whether a part of the form holds something, so that it is not folded away."""
    given = {name for name, value in (filled.typed or _earlier(view)).items() if value}
    return any(name.startswith(beginnings) for name in given | set(filled.faults))


def _cities(region: str) -> list[str]:
    """Return the cities of a region whose minimum wages differ."""
    if region not in REGIONS:
        return []
    cities = {cell.city for cell in region_pack(region).minimum_wage if cell.city is not None}
    return sorted(cities) if len(cities) > 1 else []


def _back(case_id: str) -> Response:
    return RedirectResponse(f"{HOME}/departures/{case_id}/money", 303)
