"""Bodies that no route would take are refused before they are held."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from api.app import create_app
from countersign.adapters.real_clock import utc_now
from tests.support.company import company

LARGE = b"x" * (3 * 1024 * 1024)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    parts = company(tmp_path, utc_now)
    transport = httpx2.ASGITransport(create_app(parts, dispatch=False))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await parts.aclose()


async def test_a_body_that_says_it_is_too_large_is_refused_in_words(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/hooks/twilio/status", content=LARGE)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The body is larger than 2048 KiB; send less at a time."


async def test_a_body_without_a_length_is_refused_as_soon_as_it_grows_too_large(
    client: httpx2.AsyncClient,
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * 1024 * 1024:
            sent += 65_536
            yield b"x" * 65_536

    headers = {"Content-Type": "application/json"}
    answer = await client.post("/api/v1/previews", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("The body is larger than")


async def test_a_usual_body_passes(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/hooks/twilio/status", data={"MessageSid": "SM1"})).status_code == 403
