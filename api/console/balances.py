"""What finance decides about a leaver's debts: balances confirmed, a repayment plan, a waiver."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.drawing import page, word, yuan
from api.console.ledger_forms import in_words, typed_fen
from api.console.pressed import STALE_FORM, has_nonce, pressed
from api.console.route import console_router
from api.console.visit import HOME, Missing, Post, Visit, posting, visiting
from api.errors import Refused
from api.language import Sentence, sentence
from api.people.forms import typed_day
from api.v1.forms import SentFile, keep
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.balances import BalancesView, By
from countersign.contracts.cases import Role
from countersign.domain.console_words import told_in
from countersign.domain.ledger import RECEIVABLES, AccountKind
from countersign.domain.refusal import Refusal
from countersign.domain.repayment import Instalment

router = console_router()

Finance = Annotated[Visit, Depends(visiting(Role.FINANCE))]
FinancePost = Annotated[Post, Depends(posting(Role.FINANCE))]
PlanPost = Annotated[Post, Depends(posting(Role.FINANCE, papers=True))]
LONGEST_REASON = 500

_NO_AMOUNT = sentence("Amount: give yuan above 0 with at most two decimals, such as 1234.50.")
_NO_FIGURE = sentence(
    "%(account)s: give yuan with at most two decimals, such as 1234.50, and 0 when nothing is owed."
)
_NO_DAY = sentence("Day: give a day that exists, such as 2026-03-31.")
_NO_LINE = sentence("Instalments: line %(n)s is no day with an amount; write it like 2026-04-30 500.00.")
_NO_LINES = sentence("Instalments: give at least one line, such as 2026-04-30 500.00.")
_NO_REASON = sentence("Reason: say why the company gives this up.")
_LONG_REASON = sentence("Reason: is longer than 500 characters; shorten it.")
_LATE = sentence("The case was closed meanwhile. Nothing was changed.")
_CONFIRMED = sentence("Confirmed: the ledger holds everything that is owed.")
_PLANNED = sentence("The repayment plan is recorded.")
_UNSIGNED = sentence("The repayment plan is recorded. It counts once its signed paper is attached.")
_WAIVED = sentence("Given up: %(amount)s. It is written off in the ledger.")
_ASKED = sentence("Asked for. It is given up once a second person agrees.")

_FIELDS = {
    "account": "waiver_account",
    "amount_fen": "waiver_amount",
    "reason": "waiver_reason",
    "total_fen": "plan_total",
    "instalments": "plan_instalments",
    "agreed_on": "plan_agreed_on",
    **{kind.value: f"seen_{kind.value}" for kind in RECEIVABLES},
}
"""Which field of a form a refusal is about."""


@router.get("/departures/{case_id}/balances")
def balances_page(visit: Finance, case_id: str) -> Response:
    """Show the form with which finance confirms the balances."""
    return _page(visit, case_id, "balances")


@router.get("/departures/{case_id}/plan")
def plan_page(visit: Finance, case_id: str) -> Response:
    """Show the form of a repayment plan."""
    return _page(visit, case_id, "plan")


@router.get("/departures/{case_id}/waiver")
def waiver_page(visit: Finance, case_id: str) -> Response:
    """Show the form with which a debt is given up."""
    return _page(visit, case_id, "waiver")


@router.post("/departures/{case_id}/balances")
async def confirm(post: FinancePost, case_id: str) -> Response:
    """Confirm that the ledger holds everything that is owed."""
    await run_in_threadpool(_view, post, case_id)
    typed = {kind: typed_fen(post.text(f"seen_{kind.value}")) for kind in RECEIVABLES}
    faults = {f"seen_{kind.value}": _no_figure(post, kind) for kind, fen in typed.items() if fen is None}
    seen = {kind: fen for kind, fen in typed.items() if fen is not None}
    return await _act(
        post, case_id, "balances", faults, lambda by: post.parts.balances.confirm(by, seen), _CONFIRMED
    )


@router.post("/departures/{case_id}/plan")
async def plan(post: PlanPost, case_id: str) -> Response:
    """Record a repayment plan with its signed paper."""
    await run_in_threadpool(_view, post, case_id)
    total, agreed_on = typed_fen(post.text("plan_total")), typed_day(post.text("plan_agreed_on"))
    instalments, fault = _instalments(post)
    faults = {} if fault is None else {"plan_instalments": post.words.say(fault)}
    faults |= {"plan_total": post.words.say(_NO_AMOUNT)} if not total else {}
    faults |= {"plan_agreed_on": post.words.say(_NO_DAY)} if agreed_on is None else {}
    upload = post.file("plan_file")
    limit = post.parts.settings.upload_limit_bytes
    sent = None if upload is None else SentFile(upload.filename or "", await upload.read(limit + 1))

    def agree(by: By) -> ActView:
        paper = None if sent is None else keep(post.parts, sent)
        assert total is not None  # noqa: S101  what is missing is a fault, and nothing is done then
        assert agreed_on is not None  # noqa: S101
        return post.parts.balances.agree_plan(by, total, instalments, agreed_on, paper)

    return await _act(post, case_id, "plan", faults, agree, _UNSIGNED if sent is None else _PLANNED)


@router.post("/departures/{case_id}/waiver")
async def waive(post: FinancePost, case_id: str) -> Response:
    """Give a debt up, or ask a second person above the limit."""
    await run_in_threadpool(_view, post, case_id)
    fen, reason, account = typed_fen(post.text("waiver_amount")), post.text("waiver_reason"), _account(post)
    checks = (
        ("waiver_amount", not fen, _NO_AMOUNT),
        ("waiver_reason", not reason, _NO_REASON),
        ("waiver_reason", len(reason) > LONGEST_REASON, _LONG_REASON),
    )
    faults = {name: post.words.say(told) for name, wrong, told in checks if wrong}
    fen = fen or 0
    if not faults and await run_in_threadpool(_needs_second, post, case_id, fen):
        return await run_in_threadpool(_ask, post, case_id, account, fen, reason)
    said = Sentence(_WAIVED.text, {"amount": yuan(fen)})
    return await _act(
        post,
        case_id,
        "waiver",
        faults,
        lambda by: post.parts.balances.waive(by, account, fen, reason),
        said,
    )


async def _act(
    post: Post,
    case_id: str,
    what: str,
    faults: dict[str, str],
    do: Callable[[By], ActView],
    said: Sentence,
) -> Response:
    """Carry an act out once, tell the case, and go back to the money of the departure."""
    if not has_nonce(post):
        faults["form"] = post.words.say(STALE_FORM)
    if faults:
        return await run_in_threadpool(_page, post, case_id, what, faults)
    try:
        taken = await run_in_threadpool(do, _by(post, case_id, what))
    except Refusal as refusal:
        told = {_FIELDS.get(refusal.field, "form"): in_words(post, refusal)}
        return await run_in_threadpool(_page, post, case_id, what, told)
    except Refused as refused:
        told = {"plan_file": told_in(post.language, refused.detail.removeprefix("file: "))}
        return await run_in_threadpool(_page, post, case_id, what, told)
    if taken.state == "waiting":
        await post.parts.dispatcher.carry(taken.id)
    late = taken.state in {"late", "refused"}
    await run_in_threadpool(post.tell, _LATE if late else said, good=not late)
    return _back(case_id)


def _needs_second(post: Post, case_id: str, fen: int) -> bool:
    """Say whether a second person must agree; not to what this very form has waived already."""
    if post.parts.acts.view(_by(post, case_id, "waiver").act_id) is not None:
        return False
    return post.parts.balances.needs_second_person(case_id, fen)


def _ask(post: Post, case_id: str, account: AccountKind, fen: int, reason: str) -> Response:
    try:
        post.parts.balances.ask_waiver(post.officer, case_id, account, fen, reason)
    except Refusal as refusal:
        told = {_FIELDS.get(refusal.field, "form"): in_words(post, refusal)}
        return _page(post, case_id, "waiver", told)
    post.tell(_ASKED)
    return _back(case_id)


def _back(case_id: str) -> Response:
    return RedirectResponse(f"{HOME}/departures/{case_id}/money", 303)


def _by(post: Post, case_id: str, what: str) -> By:
    """Return who acts; the same form sent twice is the same act."""
    return By(pressed(post, case_id, what), case_id, post.officer.role, post.officer.actor_id)


def _no_figure(post: Post, kind: AccountKind) -> str:
    name = word(post.language, "account", kind.value)
    return post.words.say(Sentence(_NO_FIGURE.text, {"account": name[:1].upper() + name[1:]}))


def _account(post: Post) -> AccountKind:
    """Return the debt that was chosen; what is none is refused by name later."""
    chosen = post.text("waiver_account")
    return AccountKind(chosen) if chosen in set(AccountKind) else AccountKind.BANK


def _instalments(post: Post) -> tuple[list[Instalment], Sentence | None]:
    """Return the instalments out of their lines, or what is wrong with the first that is none."""
    found: list[Instalment] = []
    for number, line in enumerate(post.text("plan_instalments").splitlines(), 1):
        if not line.strip():
            continue
        day, _, amount = line.strip().replace("\t", " ").partition(" ")
        due_on, fen = typed_day(day), typed_fen(amount)
        if due_on is None or fen is None:
            return found, Sentence(_NO_LINE.text, {"n": number})
        found.append(Instalment(due_on, fen))
    return found, None if found else _NO_LINES


def _view(visit: Visit, case_id: str) -> BalancesView:
    found = visit.parts.balances.view(case_id, visit.scope)
    if found is None:
        raise Missing
    return found


def _page(visit: Visit, case_id: str, what: str, faults: dict[str, str] | None = None) -> Response:
    return page(
        visit,
        "console/ledger_decide.html",
        422 if faults else 200,
        what=what,
        balances=_view(visit, case_id),
        typed=visit.typed if isinstance(visit, Post) else {},
        faults=faults or {},
    )
