"""Accounts and their rights, for system administrators."""

from http import HTTPStatus
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.drawing import page
from api.console.paging import page_asked
from api.console.route import console_router
from api.console.visit import HOME, Administrator, AdministratorPost, Missing, Post, Visit
from api.language import LANGUAGES, sentence
from countersign.adapters.database.accounts import SIGN_IN_ROLES, AccountFault
from countersign.adapters.database.rights import PAGE_SIZE, AccountState, AccountView, AccountWish
from countersign.contracts.cases import Role
from countersign.domain.console_words import told_in
from countersign.domain.paging import pager

router = console_router()

ACCOUNTS = f"{HOME}/accounts"
LONGEST_LOGIN = 60
LINK, GIVEN, ELSEWHERE = "link", "password", "elsewhere"
"""How a new account is signed in first: a link, a password it must change, or the company's own sign-in."""


@router.get("/accounts")
def accounts(visit: Administrator) -> Response:
    """List accounts, with counts by role."""
    asked = {name: visit.asked(name) for name in ("q", "role", "state")}
    number = page_asked(visit)
    rows, total = visit.parts.rights.accounts(
        visit.officer.branch_id, search=asked["q"], role=asked["role"], state=asked["state"], page=number
    )
    return page(
        visit,
        "console/accounts.html",
        rows=rows,
        total=total,
        counts=visit.parts.rights.counts(visit.officer.branch_id),
        asked=asked,
        pager=pager(number, total, PAGE_SIZE),
        roles=SIGN_IN_ROLES,
        states=tuple(AccountState),
    )


@router.get("/accounts/new")
def new_account(visit: Administrator) -> Response:
    """Ask for a new account."""
    return _new_form(visit, {}, {})


@router.post("/accounts/new")
def make_account(post: AdministratorPost) -> Response:
    """Make an account; a sign-in link is shown this once."""
    way, (wish, faults) = post.text("way"), _wish(post)
    faults |= _more_faults(post)
    if wish is None or faults:
        return _new_form(post, post.typed, faults)
    try:
        post.parts.rights.check_new(wish, post.officer)
        account_id = post.parts.accounts.create(
            post.text("login"),
            wish.name,
            wish.role,
            created_by=post.officer.account_id,
            branch=wish.branch,
            number=wish.number,
            password=post.text("password") if way == GIVEN else None,
            must_change_password=way == GIVEN,
            email=wish.email,
            language=wish.language,
            edits_templates=wish.edits_templates,
        )
    except AccountFault as fault:
        return _new_form(post, post.typed, _told(post, fault))
    if way == LINK:
        return _show_link(post, account_id)
    post.tell(sentence("The account %(login)s was made.", login=post.text("login")))
    return RedirectResponse(f"{ACCOUNTS}/{account_id}", HTTPStatus.SEE_OTHER)


@router.get("/accounts/{account_id}")
def account(visit: Administrator, account_id: str) -> Response:
    """Show an account with everything that was changed of it."""
    return _account_page(visit, _found(visit, account_id), {}, {})


@router.post("/accounts/{account_id}")
def edit_account(post: AdministratorPost, account_id: str) -> Response:
    """Change an account; open browsers follow with their next page."""
    found = _found(post, account_id)
    wish, faults = _wish(post)
    if wish is None:
        return _account_page(post, found, post.typed, faults)
    try:
        changed = post.parts.rights.edit(account_id, wish, post.officer)
    except AccountFault as fault:
        return _account_page(post, found, post.typed, _told(post, fault))
    post.tell(sentence("Changed.") if changed else sentence("Nothing was different; nothing was changed."))
    return RedirectResponse(f"{ACCOUNTS}/{account_id}", HTTPStatus.SEE_OTHER)


@router.post("/accounts/{account_id}/shut")
def shut_account(post: AdministratorPost, account_id: str) -> Response:
    """Shut an account; its browsers are out at once."""
    found = _found(post, account_id)
    try:
        done = post.parts.rights.shut(account_id, post.officer)
    except AccountFault as fault:
        return _account_page(post, found, {}, _told(post, fault))
    post.tell(sentence("The account is shut and signed out.") if done else sentence("It was shut already."))
    return RedirectResponse(f"{ACCOUNTS}/{account_id}", HTTPStatus.SEE_OTHER)


@router.post("/accounts/{account_id}/open")
def open_account(post: AdministratorPost, account_id: str) -> Response:
    """Open a shut account again."""
    _found(post, account_id)
    done = post.parts.rights.open(account_id, post.officer)
    post.tell(sentence("The account is open again.") if done else sentence("It was open already."))
    return RedirectResponse(f"{ACCOUNTS}/{account_id}", HTTPStatus.SEE_OTHER)


@router.post("/accounts/{account_id}/sign-out")
def sign_out_everywhere(post: AdministratorPost, account_id: str) -> Response:
    """Sign an account out in every browser."""
    _found(post, account_id)
    post.parts.rights.sign_out(account_id, post.officer)
    if account_id != post.officer.account_id:
        post.tell(sentence("The account is signed out in every browser."))
    return RedirectResponse(f"{ACCOUNTS}/{account_id}", HTTPStatus.SEE_OTHER)


@router.post("/accounts/{account_id}/link")
def new_link(post: AdministratorPost, account_id: str) -> Response:
    """Make a new sign-in link for somebody who cannot sign in any more."""
    found = _found(post, account_id)
    try:
        return _show_link(post, account_id)
    except AccountFault as fault:
        return _account_page(post, found, {}, _told(post, fault))


def _found(visit: Visit, account_id: str) -> AccountView:
    found = visit.parts.rights.find(account_id, visit.officer.branch_id)
    if found is None:
        raise Missing
    return found


def _wish(post: Post) -> tuple[AccountWish | None, dict[str, str]]:
    if post.text("role") not in {role.value for role in SIGN_IN_ROLES}:
        return None, {"role": post.words.gettext("Choose a role from the list.")}
    wish = AccountWish(
        name=post.text("name")[:100],
        role=Role(post.text("role")),
        branch=post.text("branch") or None,
        number=post.text("number") or None,
        email=post.text("email") or None,
        language=post.text("language") if post.text("language") in LANGUAGES else next(iter(LANGUAGES)),
        edits_templates=post.text("edits_templates") == "yes",
    )
    if wish.email and ("@" not in wish.email or " " in wish.email):
        return None, {"email": post.words.gettext("This is no e-mail address; write it as name@company.com.")}
    return wish, {}


def _more_faults(post: Post) -> dict[str, str]:
    faults = {}
    if len(post.text("login")) > LONGEST_LOGIN or len(post.text("login").split()) > 1:
        faults["login"] = post.words.gettext("A login has no blanks and at most 60 characters.")
    if post.text("way") not in _ways(post):
        faults["way"] = post.words.gettext("Choose how the account signs in first.")
    return faults


def _ways(visit: Visit) -> tuple[str, ...]:
    single = visit.parts.settings.oidc_issuer is not None
    return (LINK, GIVEN, ELSEWHERE) if single else (LINK, GIVEN)


def _told(visit: Visit, fault: AccountFault) -> dict[str, str]:
    return {fault.field: told_in(visit.language, str(fault))}


def _show_link(post: Post, account_id: str) -> Response:
    # Without another way in, whoever comes by the link sets a password first.
    then_password = post.parts.settings.oidc_issuer is None
    code = post.parts.rights.new_link(account_id, post.officer, then_password=then_password)
    link = f"{post.parts.settings.public_base_url}{HOME}/one-time/{code}"
    return page(post, "console/account_link.html", account=_found(post, account_id), link=link)


def _choices(visit: Visit) -> dict[str, Any]:
    return {
        "roles": SIGN_IN_ROLES,
        "branches": visit.parts.rights.branches(visit.officer.branch_id),
        "whole_company": visit.officer.branch_id is None,
        "ways": _ways(visit),
    }


def _new_form(visit: Visit, typed: dict[str, str], faults: dict[str, str]) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
    return page(visit, "console/account_new.html", status, typed=typed, faults=faults, **_choices(visit))


def _account_page(
    visit: Visit, found: AccountView, typed: dict[str, str], faults: dict[str, str]
) -> Response:
    return page(
        visit,
        "console/account.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        account=found,
        changes=visit.parts.rights.changes(found.id),
        own=found.id == visit.officer.account_id,
        typed=typed,
        faults=faults,
        **_choices(visit),
    )
