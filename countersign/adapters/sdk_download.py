"""`python -m countersign.adapters.sdk_download KIND FOLDER`: the SDK downloads a server and starts it once.

A program of its own, because the SDK can crash the interpreter at shutdown; it leaves by `os._exit`.
"""

import asyncio
import os
import sys

from temporalio.testing import WorkflowEnvironment

from countersign.adapters.server_cache import ServerKind


async def _download(kind: ServerKind, folder: str) -> None:
    if kind is ServerKind.DEV:
        environment = await WorkflowEnvironment.start_local(download_dest_dir=folder)
    else:
        environment = await WorkflowEnvironment.start_time_skipping(download_dest_dir=folder)
    await environment.shutdown()


def main(arguments: list[str]) -> int:
    """Return 0 when the server came and answered, else 1 with the SDK's reason on standard error."""
    kind, folder = arguments
    try:
        asyncio.run(_download(ServerKind(kind), folder))
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
