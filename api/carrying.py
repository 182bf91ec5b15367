"""Acts are committed first and then brought to their case: one way for the API and for the console."""

from collections.abc import Callable

from fastapi.concurrency import run_in_threadpool

from countersign.adapters.database.acts import ActView
from countersign.bootstrap import Parts


async def carried(parts: Parts, take: Callable[[], ActView]) -> ActView:
    """Commit an act by `take` and bring it to its case; return what became of it. Raises what `take` does."""
    return await brought(parts, await run_in_threadpool(take))


async def brought(parts: Parts, taken: ActView) -> ActView:
    """Bring an act that is committed to its case; return what became of it."""
    if taken.state == "waiting":
        await parts.dispatcher.carry(taken.id)
        taken = await run_in_threadpool(parts.acts.must_view, taken.id)
    return taken
