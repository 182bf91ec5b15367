"""Who asks for a console page, and what they posted: checked before any handler runs.

A GET takes a `Visit`, a POST a `Post`. Both say their roles, which the matrix of the tests reads off them.
Nobody signed in leads to the sign-in page, another role to a refusal, a form without its token to a refusal.
"""

import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from api.language import Catalogue, Sentence, catalogue, chosen, sentence
from api.people.security import refuse_foreign_post, refuse_long_papers
from countersign.adapters.database.accounts import Accounts, SignedIn
from countersign.adapters.database.officers import READERS, SEERS, STAFF, Officer
from countersign.adapters.database.scope import Scope
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role

SESSION, LANGUAGE = "countersign-session", "countersign-language"
HOME = "/console"

HOLDERS = (*READERS, Role.FINANCE, Role.ADMINISTRATION, Role.MANAGER)
"""Everybody who works in the console; employees have pages of their own."""
EVERYBODY = (*HOLDERS, Role.EMPLOYEE)


class NotSignedIn(Exception):
    """Nobody is signed in here, or no longer; `back` is where to go on after signing in."""

    def __init__(self, back: str) -> None:
        super().__init__("not signed in")
        self.back = back


class NotAllowed(Exception):
    """Another role is needed; also a form that does not carry its session's token."""

    def __init__(self, told: Sentence) -> None:
        super().__init__(told.text)
        self.told = told


class Missing(Exception):
    """There is nothing at this address, or it is somebody else's; which of both is not told."""


_WITHOUT_OWN_PASSWORD = frozenset(
    {f"{HOME}/me", f"{HOME}/me/password", f"{HOME}/sign-out", f"{HOME}/language"}
)
"""What somebody can open whose password another person has set."""

_WRONG_ROLE = sentence("Your role does not include this page. Ask your system administrator.")
_STALE_FORM = sentence("This form belongs to an earlier sign-in. Nothing was changed; open the page again.")


@dataclass(frozen=True)
class Visit:
    """One request of somebody who is signed in."""

    request: Request = field(repr=False)
    parts: Parts = field(repr=False)
    signed_in: SignedIn = field(repr=False)

    @property
    def officer(self) -> Officer:
        """Who it is."""
        return self.signed_in.officer

    @property
    def scope(self) -> Scope:
        """What they may see."""
        return self.officer.scope

    @property
    def language(self) -> str:
        """The language that this browser was switched to, else that of the account."""
        return chosen(self.request.cookies.get(LANGUAGE), self.officer.language)

    @property
    def words(self) -> Catalogue:
        """The translations of that language."""
        return catalogue(self.language)

    def asked(self, name: str, default: str = "") -> str:
        """Return one value out of the address, without blanks around it."""
        return self.request.query_params.get(name, default).strip()[:200]

    def tell(self, told: Sentence, *, good: bool = True) -> None:
        """Keep a sentence for the next page that this browser shows."""
        self.parts.accounts.say(self.signed_in.session_id, told.text, dict(told.values), good=good)


@dataclass(frozen=True)
class Post(Visit):
    """A form that somebody sent, with the token of their session checked."""

    form: FormData = field(repr=False, default_factory=FormData)

    def text(self, name: str) -> str:
        """Return one typed value, without blanks around it; empty when it is not there."""
        value = self.form.get(name)
        if not isinstance(value, str):
            return ""
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()

    def texts(self, name: str) -> list[str]:
        """Return every value of that name, such as ticked boxes."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def file(self, name: str) -> UploadFile | None:
        """Return an attached file; None when nothing was chosen."""
        value = self.form.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def files(self, name: str) -> list[UploadFile]:
        """Return every attached file of a field."""
        return [one for one in self.form.getlist(name) if isinstance(one, UploadFile) and one.filename]

    @property
    def typed(self) -> dict[str, str]:
        """Everything typed, so that a form that is shown again keeps it."""
        return {name: value for name, value in self.form.items() if isinstance(value, str)}


def visiting(*roles: Role) -> Callable[..., Visit]:
    """Return a dependency that yields the visit of somebody in one of these roles."""

    def visit(request: Request) -> Visit:
        return _visit(request, roles)

    visit.allowed_roles = frozenset(roles)  # type: ignore[attr-defined]
    return visit


def posting(*roles: Role, papers: bool = False) -> Callable[..., AsyncIterator[Post]]:
    """Return a dependency that yields what somebody in one of these roles posted from our own page.

    With `papers` a file of a few times the upload limit is still read, and so gets its answer on the form.
    """

    async def post(request: Request) -> AsyncIterator[Post]:
        visit = _visit(request, roles)
        refuse_foreign_post(request, visit.parts.settings.public_base_url)
        if papers:
            request = refuse_long_papers(request, visit.parts.settings.upload_limit_bytes)
        form = await request.form(max_files=20 if papers else 1, max_fields=5000, max_part_size=1024 * 1024)
        try:
            token = form.get("csrf")
            if not isinstance(token, str) or not hmac.compare_digest(
                token.encode(), visit.signed_in.csrf.encode()
            ):
                raise NotAllowed(_STALE_FORM)
            yield Post(request, visit.parts, visit.signed_in, form)
        finally:
            await form.close()

    post.allowed_roles = frozenset(roles)  # type: ignore[attr-defined]
    return post


def signed_in(request: Request) -> SignedIn | None:
    """Return who is signed in with this browser."""
    cookie = request.cookies.get(SESSION)
    accounts: Accounts = request.app.state.parts.accounts
    by_itself = request.method == "GET" and request.headers.get("hx-request") == "true"
    return None if not cookie else accounts.recognise(cookie, by_itself=by_itself)


def _visit(request: Request, roles: tuple[Role, ...]) -> Visit:
    found = signed_in(request)
    if found is None:
        raise NotSignedIn(_back(request))
    if found.officer.role not in roles:
        raise NotAllowed(_WRONG_ROLE)
    if found.officer.must_change_password and request.url.path not in _WITHOUT_OWN_PASSWORD:
        raise MustChangePassword
    return Visit(request, request.app.state.parts, found)


class MustChangePassword(Exception):
    """A password that another person has set opens one page only: the one to change it."""


def _back(request: Request) -> str:
    if request.method not in {"GET", "HEAD"}:
        return HOME
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path + query, safe="/")


Everybody = Annotated[Visit, Depends(visiting(*EVERYBODY))]
Holder = Annotated[Visit, Depends(visiting(*HOLDERS))]
Seer = Annotated[Visit, Depends(visiting(*SEERS))]
Reader = Annotated[Visit, Depends(visiting(*READERS))]
Staff = Annotated[Visit, Depends(visiting(*STAFF))]
Administrator = Annotated[Visit, Depends(visiting(Role.SYSTEM_ADMINISTRATOR))]
EverybodyPost = Annotated[Post, Depends(posting(*EVERYBODY))]
HolderPost = Annotated[Post, Depends(posting(*HOLDERS))]
SeerPost = Annotated[Post, Depends(posting(*SEERS))]
ReaderPost = Annotated[Post, Depends(posting(*READERS))]
StaffPost = Annotated[Post, Depends(posting(*STAFF))]
AdministratorPost = Annotated[Post, Depends(posting(Role.SYSTEM_ADMINISTRATOR))]
