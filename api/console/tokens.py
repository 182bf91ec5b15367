"""The tokens of the API, for system administrators."""

from http import HTTPStatus

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.drawing import page
from api.console.route import console_router
from api.console.visit import HOME, Administrator, AdministratorPost, Missing, Post, Visit
from api.language import sentence
from countersign.contracts.cases import Role

router = console_router()

TOKEN_ROLES = (
    Role.INTEGRATOR,
    Role.HR,
    Role.SYSTEM_ADMINISTRATOR,
    Role.FINANCE,
    Role.LEGAL,
    Role.AUDITOR,
)
"""The roles for which the API has something to offer."""


@router.get("/tokens")
def tokens(visit: Administrator) -> Response:
    """List the tokens."""
    return _page(visit, {}, {})


@router.post("/tokens")
def make_token(post: AdministratorPost) -> Response:
    """Make a token; it is shown this once."""
    faults = _faults(post)
    if faults:
        return _page(post, post.typed, faults)
    made = post.parts.tokens.create(
        Role(post.text("role")),
        post.text("branch") or None,
        name=post.text("name"),
        created_by=post.officer.account_id,
    )
    return page(post, "console/token_made.html", token=made, name=post.text("name"))


@router.post("/tokens/{token_id}/revoke")
def revoke_token(post: AdministratorPost, token_id: str) -> Response:
    """Revoke a token; the program that has it is refused from now on."""
    try:
        done = post.parts.tokens.revoke(token_id, post.officer.branch_id, post.officer.account_id)
    except LookupError:
        raise Missing from None
    post.tell(sentence("The token is revoked.") if done else sentence("It was revoked already."))
    return RedirectResponse(f"{HOME}/tokens", HTTPStatus.SEE_OTHER)


def _faults(post: Post) -> dict[str, str]:
    faults = {}
    if not 1 <= len(post.text("name")) <= 80:
        faults["name"] = post.words.gettext("Name the program that gets the token, in at most 80 characters.")
    if post.text("role") not in {role.value for role in TOKEN_ROLES}:
        faults["role"] = post.words.gettext("Choose a role from the list.")
    if post.text("branch") not in {key for key, _ in _branches(post)}:
        faults["branch"] = post.words.gettext("Choose a branch from the list.")
    return faults


def _branches(visit: Visit) -> list[tuple[str, str]]:
    found = visit.parts.rights.branches(visit.officer.branch_id)
    whole = ("", visit.words.gettext("the whole company"))
    return [whole, *found] if visit.officer.branch_id is None else found


def _page(visit: Visit, typed: dict[str, str], faults: dict[str, str]) -> Response:
    return page(
        visit,
        "console/tokens.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        rows=visit.parts.tokens.listed(visit.officer.branch_id),
        roles=TOKEN_ROLES,
        branches=_branches(visit),
        typed=typed,
        faults=faults,
    )
