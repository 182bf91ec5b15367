"""A time-skipping Temporal server of a test's own, whose clock starts at an instant the test chooses."""

import asyncio
import atexit
import subprocess
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.testing import WorkflowEnvironment
from temporalio.testing._workflow import _V1WorkflowEnvironment

from countersign import search_attributes as registry
from countersign.adapters.temporal_namespace import register_search_attributes
from countersign.adapters.temporal_test_server import TimeSkippingServer, find_test_server
from tests.support.served import free_port


@asynccontextmanager
async def time_skipping_env(
    at: datetime | None = None,
    *,
    data_converter: DataConverter = pydantic_data_converter,
    search_attributes: Mapping[str, str] = registry.TYPES,
) -> AsyncIterator[WorkflowEnvironment]:
    """Yield an environment whose clock stood at `at` (aware; None: now) when the server started.

    Between skips the clock runs on in real time, so tests compare instants with a grain of a minute or more.
    """
    server = await asyncio.to_thread(find_test_server, settable_clock=at is not None)
    started = _started(server, data_converter) if at is None else _opened(server, at, data_converter)
    async with await started as environment:
        await register_search_attributes(environment.client, search_attributes)
        yield environment


async def _started(server: TimeSkippingServer, data_converter: DataConverter) -> WorkflowEnvironment:
    return await WorkflowEnvironment.start_time_skipping(
        data_converter=data_converter,
        test_server_existing_path=str(server.command),
        test_server_startup_timeout=timedelta(seconds=30),
    )


async def _opened(
    server: TimeSkippingServer, at: datetime, data_converter: DataConverter
) -> WorkflowEnvironment:
    opened = await asyncio.to_thread(_house_of(server).open, at)
    try:
        client = await Client.connect(f"127.0.0.1:{opened.port}", data_converter=data_converter)
    except BaseException:
        await opened.shutdown()
        raise
    # What `start_time_skipping` makes, over a server that it need not start.
    return _V1WorkflowEnvironment(client, opened)  # type: ignore[arg-type]


class _House:
    """One process of Java for all servers of this one: to start and to warm up costs more than a story."""

    def __init__(self, server: TimeSkippingServer) -> None:
        self._server, self._turn = server, threading.Lock()
        self._java = subprocess.Popen(
            [str(server.command), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def open(self, at: datetime) -> "_Opened":
        port = free_port()
        self.tell(" ".join([str(port), *self._server.arguments(at)]))
        return _Opened(self, port)

    def tell(self, line: str) -> None:
        """Send a line and return when it is done."""
        assert self._java.stdin is not None
        assert self._java.stdout is not None
        with self._turn:
            self._java.stdin.write(f"{line}\n")
            answer = self._java.stdout.readline().strip()
        assert answer == line, f"the time-skipping server ended at {line!r}: {self._java.poll()}"

    def close(self) -> None:
        with self._java:  # it ends with its input, also when this process is killed
            pass


class _Opened:
    """A server within the house; the environment shuts it down as it would one of its own."""

    def __init__(self, house: _House, port: int) -> None:
        self._house, self.port = house, port

    async def shutdown(self) -> None:
        await asyncio.to_thread(self._house.tell, str(self.port))


@cache
def _house_of(server: TimeSkippingServer) -> _House:
    made = _House(server)
    atexit.register(made.close)
    return made
