"""Programs with tokens that call the JSON API of a small company."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx2

from api.app import create_app
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role


class Call(Protocol):
    """Ask the API as somebody: a path below `/api/v1`, and a body for a POST."""

    async def __call__(
        self, path: str, body: Any = None, key: str = "k", role: Role = Role.HR, branch: str | None = None
    ) -> httpx2.Response: ...


@asynccontextmanager
async def staff(parts: Parts) -> AsyncIterator[Call]:
    """Yield a caller of the API; every role has a token per branch, by the branch's name."""
    tokens = Tokens(parts.database, parts.clock)
    transport = httpx2.ASGITransport(app=create_app(parts, dispatch=False))
    known: dict[tuple[Role, str | None], str] = {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:

        async def call(
            path: str, body: Any = None, key: str = "k", role: Role = Role.HR, branch: str | None = None
        ) -> httpx2.Response:
            token = known.get((role, branch)) or known.setdefault((role, branch), tokens.create(role, branch))
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
            if body is None:
                return await client.get(path, headers=headers)
            return await client.post(path, json=body, headers=headers)

        yield call
