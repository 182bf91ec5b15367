"""A time-skipping Temporal server of a test's own, whose clock starts at an instant the test chooses."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.testing import WorkflowEnvironment

from countersign import search_attributes as registry
from countersign.adapters.temporal_namespace import register_search_attributes
from countersign.adapters.temporal_test_server import find_test_server


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
    environment = await WorkflowEnvironment.start_time_skipping(
        data_converter=data_converter,
        test_server_existing_path=str(server.command),
        test_server_extra_args=server.arguments(at),
        test_server_startup_timeout=timedelta(seconds=30),
    )
    async with environment:
        await register_search_attributes(environment.client, search_attributes)
        yield environment
