"""Start the stand-ins: `python -m countersign.sandbox --data-dir D --port P --smtp-port Q …`."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from countersign.sandbox.server import PortTaken, SandboxSettings, sandbox


def _settings(arguments: list[str]) -> SandboxSettings:
    parser = argparse.ArgumentParser(
        prog="python -m countersign.sandbox",
        description="Stand-ins for the SMS provider and the mail server, with a page that shows what left.",
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that keeps the messages")
    parser.add_argument("--port", type=int, required=True, help="port of the SMS API and the outbox page")
    parser.add_argument("--smtp-port", type=int, required=True, help="port of the mail catcher")
    parser.add_argument("--account-sid", required=True, help="account that the SMS client uses")
    parser.add_argument("--auth-token", required=True, help="token of that account; signs the callbacks")
    parser.add_argument("--inbound-url", help="where texts from people are posted")
    parser.add_argument("--step-seconds", type=float, default=0.4, help="time between two statuses of an SMS")
    parser.add_argument("--seed", type=int, default=0, help="seed of the dice that spread faults")
    return SandboxSettings(**vars(parser.parse_args(arguments)))


async def _run(settings: SandboxSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with sandbox(settings) as running:
        ready = {
            "event": "sandbox.ready",
            "url": running.url,
            "outbox": f"{running.url}/outbox",
            "smtp_host": running.smtp_host,
            "smtp_port": running.smtp_port,
        }
        sys.stderr.write(json.dumps(ready) + "\n")
        sys.stderr.flush()
        await stop.wait()


def main() -> int:
    """Run until SIGINT or SIGTERM; 0 then, 2 when a port is taken."""
    try:
        asyncio.run(_run(_settings(sys.argv[1:])))
    except PortTaken as taken:
        sys.stderr.write(f"{taken}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
