"""The console's first screen in a company of ten thousand, beside a bare page of the same size."""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import httpx2
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from api.app import create_app
from bench.ratio import Ratio
from countersign.adapters.database.migrate import migrate, store_shipped_policies
from countersign.adapters.real_clock import utc_now
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.settings import Settings
from tests.support.crowd import crowd

CASES = 2_000
REQUESTS = 60


def measure(people: int = 10_000) -> Ratio:
    """Return pages a second, one after another in one process; the note tells the slowest twentieth."""
    cases = min(CASES, people)
    with tempfile.TemporaryDirectory() as folder:
        parts = Parts(Settings(data_dir=Path(folder), _env_file=None), utc_now)  # type: ignore[call-arg]
        migrate(parts.database)
        store_shipped_policies(parts.database)
        crowd(parts, people, cases)
        account = parts.accounts.create("bench", "bench", Role.HR, created_by="bench")
        cookie = {"countersign-session": parts.accounts.open(account, "bench")}
        times, size = asyncio.run(_ask(create_app(parts, dispatch=False), "/console", cookie))
        bare, _ = asyncio.run(_ask(_bare(size), "/", {}))
        parts.database.close()
    slow = quantiles(times, n=20)[-1] * 1000
    note = f"{people:,} employees, {cases:,} open cases; {median(times) * 1000:.0f} ms, p95 {slow:.0f} ms"
    return Ratio("first screen, pages a second", 1, 1 / median(times), 1 / median(bare), note)


def _bare(size: int) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def same_size() -> HTMLResponse:
        return HTMLResponse("x" * size)

    return app


async def _ask(app: FastAPI, path: str, cookies: dict[str, str]) -> tuple[list[float], int]:
    times, size = [], 0
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench", cookies=cookies) as client:
        await client.get(path)
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            answer = await client.get(path)
            times.append(time.perf_counter() - begun)
            answer.raise_for_status()
            size = len(answer.content)
    return times, size
