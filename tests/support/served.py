"""The application on a port of this machine, served by a thread, for a real browser."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from countersign.bootstrap import Parts


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


@contextmanager
def served(make: Callable[[str], Parts], app_of: Callable[[Parts], FastAPI]) -> Iterator[tuple[str, Parts]]:
    """Yield the address and the parts; `make` gets the address, since it stands in links and cookies."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    parts = make(base)
    server = uvicorn.Server(uvicorn.Config(app_of(parts), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield base, parts
    finally:
        server.should_exit = True
        thread.join(10)
        parts.database.close()
