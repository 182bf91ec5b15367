"""The sub-ledger of employees: debts by age, one person's statement, postings by hand, reversals."""

import hashlib
from datetime import date
from typing import Annotated

from fastapi import Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.console.downloads import list_file
from api.console.drawing import page, word, yuan
from api.console.ledger_forms import choices, in_words, typed_fen
from api.console.paging import pager_of
from api.console.pressed import STALE_FORM, has_nonce
from api.console.route import console_router
from api.console.visit import HOME, Missing, Post, Visit, posting, visiting
from api.errors import Refused
from api.language import Sentence, sentence
from api.people.forms import typed_day
from api.v1.forms import SentFile, keep
from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.ledger_desk import BY_HAND, DamagedItem, HandPosting, PersonLedger
from countersign.adapters.database.ledger_views import AgedDebt
from countersign.adapters.database.officers import READERS
from countersign.adapters.list_files import Value
from countersign.contracts.cases import Role
from countersign.domain.console_words import told_in
from countersign.domain.ledger import PAYABLES, RECEIVABLES, AccountKind, Age, PostingKind
from countersign.domain.local_time import day_of
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

router = console_router()

Accountant = Annotated[Visit, Depends(visiting(*READERS, Role.FINANCE))]
FinancePost = Annotated[Post, Depends(posting(Role.FINANCE))]
VoucherPost = Annotated[Post, Depends(posting(Role.FINANCE, papers=True))]
LINES = 50
LONGEST_REASON = 500

_NO_KIND = sentence("What it is: choose one of the list.")
_NO_AMOUNT = sentence("Amount: give yuan above 0 with at most two decimals, such as 1234.50.")
_NO_DAY = sentence("Day: give a day that exists, such as 2026-03-31.")
_NO_REASON = sentence("Reason: say what was wrong with the posting.")
_LONG_REASON = sentence("Reason: is longer than 500 characters; shorten it.")
_LONG_REFERENCE = sentence("Voucher number: is longer than 100 characters; shorten it.")
_NOBODY = sentence("Nobody here has the employee number %(number)s.")
_POSTED = sentence("Posted: %(what)s %(amount)s.")
_REVERSED = sentence("Reversed. Both postings stand in the ledger.")


@router.get("/ledger")
def ledger(visit: Accountant) -> Response:
    """List every debt by its age, or lead to one person's ledger."""
    number = visit.asked("number")[:40]
    if number and visit.parts.ledger_desk.read(visit.scope, number) is not None:
        return RedirectResponse(f"{HOME}/people/{number}/ledger", 303)
    on = typed_day(visit.asked("on")) or day_of(visit.parts.clock())
    debts = visit.parts.ledger.ageing(visit.officer.branch_id, on)
    pager = pager_of(visit, len(debts), LINES)
    return page(
        visit,
        "console/ledger.html",
        on=on,
        number=number,
        nobody=visit.words.say(Sentence(_NOBODY.text, {"number": number})) if number else "",
        debts=debts[pager.skip : pager.skip + LINES],
        count=len(debts),
        total={age: sum(debt.by_age[age] for debt in debts) for age in Age},
        pager=pager,
    )


@router.get("/ledger.{form}")
def take_along(visit: Accountant, form: str) -> Response:
    """Hand the debts out as a file."""
    on = typed_day(visit.asked("on")) or day_of(visit.parts.clock())
    say = visit.words.gettext
    headers = [say("Employee number"), say("Employee"), say("Account")]
    headers += [*(word(visit.language, "age", age.value) for age in Age), say("Together")]
    debts = visit.parts.ledger.ageing(visit.officer.branch_id, on)
    rows = (_row(visit, debt) for debt in debts)
    return list_file(form, f"debts-{on.isoformat()}", headers, rows, say("Debts by age"))


def _row(visit: Visit, debt: AgedDebt) -> list[Value]:
    named = word(visit.language, "account", debt.account.value)
    amounts = [*(debt.by_age[age] for age in Age), debt.total_fen]
    return [debt.number, debt.name, named, *(f"{fen // 100}.{fen % 100:02d}" for fen in amounts)]


@router.get("/people/{number}/ledger")
def person_ledger(visit: Accountant, number: str) -> Response:
    """Show what an employee owes and is owed, and every posting up to a day."""
    return _page(visit, number, {"nonce": new_id()}, {})


@router.post("/people/{number}/ledger")
async def post_by_hand(post: VoucherPost, number: str) -> Response:
    """Post what finance has typed, once per form."""
    upload = post.file("file")
    sent = None
    if upload is not None:
        data = await upload.read(post.parts.settings.upload_limit_bytes + 1)
        sent = SentFile(upload.filename or "", data)
    return await run_in_threadpool(_post, post, number, sent)


@router.get("/people/{number}/ledger/{posting_id}")
def one_posting(visit: Accountant, number: str, posting_id: str) -> Response:
    """Show one posting with both of its lines; finance can undo it here."""
    return _posting_page(visit, number, posting_id, {"nonce": new_id()}, {})


@router.post("/people/{number}/ledger/{posting_id}")
def reverse(post: FinancePost, number: str, posting_id: str) -> Response:
    """Undo a posting by its reversal."""
    reason = post.text("reason")
    checks = (
        ("reason", not reason, _NO_REASON),
        ("reason", len(reason) > LONGEST_REASON, _LONG_REASON),
        ("form", not has_nonce(post), STALE_FORM),
    )
    faults = {name: post.words.say(told) for name, wrong, told in checks if wrong}
    if not faults:
        try:
            by = post.officer.actor_id
            undone = post.parts.ledger_desk.reverse(post.scope, posting_id, _key(post), by, reason)
        except Refusal as refusal:
            faults = {"reason": in_words(post, refusal)}
        else:
            if undone is None:
                raise Missing
            post.tell(_REVERSED)
            return RedirectResponse(f"{HOME}/people/{number}/ledger", 303)
    return _posting_page(post, number, posting_id, post.typed, faults)


def _post(post: Post, number: str, sent: SentFile | None) -> Response:
    fen, on = typed_fen(post.text("amount")), typed_day(post.text("booked_on"))
    checks = (
        ("kind", post.text("kind") not in {kind.value for kind in BY_HAND}, _NO_KIND),
        ("amount", not fen, _NO_AMOUNT),
        ("booked_on", on is None, _NO_DAY),
        ("reference", len(post.text("reference")) > 100, _LONG_REFERENCE),
        ("form", not has_nonce(post), STALE_FORM),
    )
    faults = {name: post.words.say(told) for name, wrong, told in checks if wrong}
    if faults or fen is None or on is None:
        return _page(post, number, post.typed, faults)
    kind, account = PostingKind(post.text("kind")), post.text("account")
    chosen = AccountKind(account) if account in {one.value for one in RECEIVABLES + PAYABLES} else None
    damaged = _damaged(post, number)
    item = None if damaged is None else damaged.id
    wanted = HandPosting(kind, fen, on, chosen, post.text("reference") or None, item)
    try:
        paper = _kept(post, number, sent)
        by, hired_on = post.officer.actor_id, _hired_on(post, damaged)
        made = post.parts.ledger_desk.post(
            post.scope, number, wanted, _key(post), by, hired_on=hired_on, paper=paper
        )
    except Refused as refused:
        words = told_in(post.language, refused.detail.removeprefix("file: "))
        return _page(post, number, post.typed, {"file": words})
    except Refusal as refusal:
        name = {"amount_fen": "amount"}.get(refusal.field, refusal.field)
        return _page(post, number, post.typed, {name: in_words(post, refusal)})
    if made is None:
        raise Missing
    what = word(post.language, "posting", kind.value)
    post.tell(Sentence(_POSTED.text, {"what": what, "amount": yuan(fen)}))
    which = "" if hired_on is None else f"?hired_on={hired_on.isoformat()}"
    return RedirectResponse(f"{HOME}/people/{number}/ledger{which}", 303)


def _kept(post: Post, number: str, sent: SentFile | None) -> StoredFile | None:
    """Store a voucher, once it is known that whoever sends it may post here."""
    if sent is None:
        return None
    if post.parts.ledger_desk.read(post.scope, number) is None:
        raise Missing
    return keep(post.parts, sent)


def _key(post: Post) -> str:
    """Return the key of a form, so that twice sent is once posted."""
    told = "\n".join((post.officer.account_id, post.request.url.path, post.text("nonce")))
    return f"console/{hashlib.sha256(told.encode()).hexdigest()}"


def _damaged(visit: Visit, number: str) -> DamagedItem | None:
    """Return the item whose damage is to be charged, if the address names one."""
    item = visit.asked("item")[:40]
    if not item:
        return None
    found = visit.parts.ledger_desk.damaged(visit.scope, number, item)
    if found is None:
        raise Missing
    return found


def _hired_on(visit: Visit, damaged: DamagedItem | None) -> date | None:
    return typed_day(visit.asked("hired_on")) if damaged is None else damaged.hired_on


def _read(visit: Visit, number: str, damaged: DamagedItem | None) -> PersonLedger:
    on, hired_on = typed_day(visit.asked("on")), _hired_on(visit, damaged)
    found = visit.parts.ledger_desk.read(visit.scope, number, on, hired_on)
    if found is None:
        raise Missing
    return found


def _page(visit: Visit, number: str, typed: dict[str, str], faults: dict[str, str]) -> Response:
    damaged = _damaged(visit, number)
    found = _read(visit, number, damaged)
    newest = found.lines[::-1]
    pager = pager_of(visit, len(newest), LINES)
    accounts = tuple(kind.value for kind in RECEIVABLES + PAYABLES)
    return page(
        visit,
        "console/ledger_person.html",
        422 if faults else 200,
        ledger=found,
        damaged=damaged,
        lines=newest[pager.skip : pager.skip + LINES],
        pager=pager,
        kinds=choices(visit, "posting", tuple(kind.value for kind in BY_HAND)),
        accounts=choices(visit, "account", accounts),
        by_age={age: sum(one[age] for one in found.by_age.values()) for age in Age},
        posts=visit.officer.role is Role.FINANCE,
        reads_people=visit.officer.role in READERS,
        typed=typed,
        faults=faults,
    )


def _posting_page(
    visit: Visit, number: str, posting_id: str, typed: dict[str, str], faults: dict[str, str]
) -> Response:
    found = visit.parts.ledger_desk.line(visit.scope, posting_id)
    if found is None or found[0].number != number:
        raise Missing
    owner, lines = found
    return page(
        visit,
        "console/ledger_posting.html",
        422 if faults else 200,
        owner=owner,
        lines=lines,
        first=lines[0],
        undoes=visit.officer.role is Role.FINANCE and not (lines[0].reversed_by or lines[0].reverses_id),
        reads_cases=visit.officer.role in READERS,
        typed=typed,
        faults=faults,
    )
