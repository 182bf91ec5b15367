"""A browser without a screen: signs in to the console of a small company, reads pages, sends their forms."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx2

from api.app import create_app
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role

PASSWORD = "correct horse battery"


def plain(html: str) -> str:
    """Return the words of a page, tags taken out."""
    text = re.sub(r"<(script|style).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text))).strip()


@dataclass
class Browser:
    """One signed-in browser. `page` is what it looked at last."""

    client: httpx2.AsyncClient
    parts: Parts
    account_id: str
    page: str = ""

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        answer = await self.client.get(path, params=params or None)
        self.page = answer.text
        return answer

    async def post(self, path: str, form: Mapping[str, Any] | None = None, **more: Any) -> httpx2.Response:
        """Send a form with the session's token; `files=` attaches files."""
        found = re.search(r'name="csrf" value="([^"]+)"', (await self.client.get("/console/me")).text)
        data = {"csrf": found[1] if found else "", **(form or {})}
        answer = await self.client.post(path, data=data, **more)
        self.page = answer.text
        return answer

    @property
    def text(self) -> str:
        return plain(self.page)


def open_account(parts: Parts, role: Role, login: str, **more: Any) -> str:
    """Make an account with the tests' password; return its id."""
    return parts.accounts.create(
        login, more.pop("name", f"{login} name"), role, created_by="test", password=PASSWORD, **more
    )


@asynccontextmanager
async def browser(
    parts: Parts, role: Role = Role.HR, login: str | None = None, language: str = "en", **more: Any
) -> AsyncIterator[Browser]:
    """Yield a browser that is signed in as a fresh account of a role; redirects are followed."""
    login = login or role.value
    account_id = open_account(parts, role, login, language=language, **more)
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    async with httpx2.AsyncClient(
        transport=transport,
        base_url="http://test",
        follow_redirects=True,
        headers={"accept-language": language},
    ) as client:
        answer = await client.post("/console/sign-in", data={"login": login, "password": PASSWORD})
        assert answer.status_code == 200, plain(answer.text)
        yield Browser(client, parts, account_id, answer.text)
