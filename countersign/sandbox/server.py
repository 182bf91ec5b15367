"""All stand-ins in one running event loop, reachable from this machine only."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from countersign.sandbox.aliyun import AliyunAccount, AliyunStandIn, aliyun_routes
from countersign.sandbox.faults import FaultBoard
from countersign.sandbox.mail import MailCatcher
from countersign.sandbox.mail_answers import MailAnswers
from countersign.sandbox.outbox import outbox_routes
from countersign.sandbox.twilio import ABORT, TwilioStandIn, twilio_routes

_HOST = "127.0.0.1"
_GRACE_S = 1.0


@dataclass(frozen=True)
class SandboxSettings:
    """Where the stand-ins keep things and listen; port 0 takes a free one.

    Without `aliyun` there is no stand-in for the domestic SMS provider. Bounces and answers of mails go by
    SMTP to `intake_host`, `intake_port`; without a port nothing comes back.
    """

    data_dir: Path
    port: int
    smtp_port: int
    account_sid: str
    auth_token: str
    inbound_url: str | None = None
    step_seconds: float = 0.4
    seed: int = 0
    intake_host: str = _HOST
    intake_port: int | None = None
    aliyun: AliyunAccount | None = None


@dataclass(frozen=True)
class Sandbox:
    """The running stand-ins. `url` is the base URL for the SMS client and the address of the outbox."""

    url: str
    smtp_host: str
    smtp_port: int
    sms: TwilioStandIn
    mail: MailCatcher
    aliyun: AliyunStandIn | None = None


class PortTaken(Exception):
    """Another program listens on the wanted port; the text says what to do."""


class _Protocol(H11Protocol):
    """Lets a handler cut its connection, which ASGI has no word for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The option of that name still logs where the root logger has a handler; queries hold numbers.
        self.access_log = False
        inner = self.app

        async def with_abort(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[ABORT] = self._cut
            await inner(scope, receive, send)

        self.app = with_abort

    def _cut(self) -> None:
        # Marked first, so that what the handler returns afterwards is dropped without a complaint.
        self.cycle.disconnected = True
        self.transport.abort()


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever owns the process, and stops at once when told."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, late = await asyncio.wait(list(self.server_state.tasks), timeout=_GRACE_S)
            for task in late:
                task.cancel()
        for server in self.servers:
            await server.wait_closed()


@contextlib.asynccontextmanager
async def sandbox(settings: SandboxSettings) -> AsyncIterator[Sandbox]:
    """Run the stand-ins while the block lasts.

    Raises:
        PortTaken: with a sentence that names the port and the option.

    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    faults, mail_faults = FaultBoard(settings.seed), FaultBoard(settings.seed)
    listener = _listen(settings.port)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listener.close)
        mail = MailCatcher(settings.data_dir, mail_faults, _answers(settings))
        stack.push_async_callback(mail.aclose)
        try:
            smtp_port = await mail.start(_HOST, settings.smtp_port)
        except OSError:
            raise PortTaken(
                f"Port {settings.smtp_port} is in use; choose another with --smtp-port."
            ) from None
        sms = TwilioStandIn(
            settings.data_dir,
            settings.account_sid,
            settings.auth_token,
            settings.inbound_url,
            faults,
            settings.step_seconds,
        )
        stack.push_async_callback(sms.aclose)
        app = FastAPI(title="Countersign sandbox", docs_url=None, redoc_url=None)
        app.include_router(twilio_routes(sms, mail_faults))
        app.include_router(outbox_routes(sms, mail))
        aliyun = None
        if settings.aliyun is not None:
            aliyun = AliyunStandIn(settings.data_dir, settings.aliyun, faults, settings.step_seconds)
            stack.push_async_callback(aliyun.aclose)
            app.include_router(aliyun_routes(aliyun))
        await stack.enter_async_context(_serving(app, listener))
        sms.resume()
        if aliyun is not None:
            aliyun.resume()
        port = listener.getsockname()[1]
        yield Sandbox(f"http://{_HOST}:{port}", _HOST, smtp_port, sms, mail, aliyun)


def _answers(settings: SandboxSettings) -> MailAnswers | None:
    if settings.intake_port is None:
        return None
    return MailAnswers(settings.intake_host, settings.intake_port, settings.step_seconds)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
    except OSError:
        listener.close()
        raise PortTaken(f"Port {port} is in use; choose another with --port.") from None
    return listener


@contextlib.asynccontextmanager
async def _serving(app: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
                raise RuntimeError("The sandbox's web server ended before it was ready.")
            await asyncio.sleep(0.01)
        yield
    finally:
        server.stopping.set()
        await task
