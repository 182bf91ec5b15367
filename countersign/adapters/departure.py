"""Whether any byte of an HTTP request may have left: the line between "not sent" and "may have been sent"."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import aiohttp


@dataclass
class Departure:
    """Whether any byte of the watched request may have left this machine."""

    left: bool = False


_watched: ContextVar[Departure | None] = ContextVar("_watched", default=None)


async def _note(*_: object) -> None:
    departure = _watched.get()
    if departure is not None:
        departure.left = True


def tracing() -> aiohttp.TraceConfig:
    """Return what a session needs so that `watching` sees its requests go."""
    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(_note)
    return config


@contextlib.contextmanager
def watching() -> Iterator[Departure]:
    """Watch the requests of the block, made in this task by a session with `tracing`."""
    departure = Departure()
    token = _watched.set(departure)
    try:
        yield departure
    finally:
        _watched.reset(token)
