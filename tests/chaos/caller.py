"""The client of a run: plain HTTP requests, asked again under the same key until they are answered."""

import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_TRY_AGAIN_S = 0.3


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


def ask(
    base: str,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    source: str | None = None,
    sent: Callable[[], None] | None = None,
    timeout_s: float = 30,
) -> Answer:
    """Ask once; raises `OSError` or `HTTPException` when the connection breaks.

    `source` is the loopback address to call from; `sent` is called once the request has left.
    """
    host = urllib.parse.urlsplit(base).netloc
    connection = http.client.HTTPConnection(
        host, timeout=timeout_s, source_address=(source, 0) if source else None
    )
    try:
        connection.request(method, path, body, dict(headers or {}))
        if sent is not None:
            sent()
        got = connection.getresponse()
        return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
    finally:
        connection.close()


class Caller:
    """HR's client of one API, with its token."""

    def __init__(self, base: str, token: str) -> None:
        self.base, self._token = base, token

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers of a JSON request under an idempotency key."""
        return {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }

    def get(self, path: str) -> Answer:
        """Read something, again and again while the API is away."""
        return insist(lambda: ask(self.base, "GET", path, None, self.headers(path)), 15)[-1]

    def start(self, leave: str, policy: Mapping[str, object], key: str) -> Answer:
        """Start a case, running now what is overdue."""
        return insist(
            lambda: ask(self.base, "POST", "/api/v1/cases", start_body(leave, policy), self.headers(key))
        )[-1]

    def act(self, case: str, body: Mapping[str, Any], key: str) -> Answer:
        """Act in a case."""
        path = f"/api/v1/cases/{case}/acts"
        return insist(lambda: ask(self.base, "POST", path, json.dumps(body).encode(), self.headers(key)))[-1]

    def start_all(self, leaves: Iterable[str], policy: Mapping[str, object]) -> list[str]:
        """Start a case for each leave; return the cases' ids."""

        def start(leave: str) -> str:
            answer = self.start(leave, policy, f"start-{leave}")
            if answer.status not in {201, 409}:
                raise RuntimeError(f"POST /cases answered {answer.status}: {answer.body[:300]!r}")
            return str(answer.json()["case"])

        return side_by_side(start, leaves)


def start_body(leave: str, policy: Mapping[str, object]) -> bytes:
    """Return the body of a start that runs every overdue step now."""
    rungs = policy["rungs"]
    assert isinstance(rungs, list)
    choices = {rung["name"]: "run_now" for rung in rungs}
    return json.dumps({"leave": leave, "policy": policy, "overdue": choices}).encode()


def insist(do: Callable[[], Answer], patience_s: float = 90) -> list[Answer]:
    """Ask until there is an answer that is not 503; return that one last, and every 503 before it."""
    deadline = time.monotonic() + patience_s
    answers: list[Answer] = []
    while True:
        try:
            answers.append(do())
            if answers[-1].status != 503:
                return answers
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            return answers
        time.sleep(_TRY_AGAIN_S)


def side_by_side(do: Callable[[T], R], items: Iterable[T], threads: int = 8) -> list[R]:
    """Do something for each item, eight at a time; return the results in order."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(do, items))
