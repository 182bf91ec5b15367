"""The web application: JSON API, pages behind a link, callbacks, health."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from api import hooks
from api.body_limit import BodyLimit
from api.errors import install_errors
from api.people.pages import router as people_router
from api.people.services import PeopleServices
from api.v1 import (
    calculations,
    case_links,
    cases,
    channels,
    circulars,
    consents,
    courier,
    evidence,
    holds,
    links,
    lists,
    manual_evidence,
    papers,
    responsibility,
    stops,
)
from countersign.adapters.database.identity import CODE_LASTS, Identity
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts, set_up_logging
from countersign.contracts.cases import Process
from countersign.contracts.sending import OutcomeState, SmsMessage
from countersign.domain.policy import Audience
from countersign.domain.sms_templates import FilledText
from countersign.ids import new_id
from countersign.settings import Settings

_FIRST_ANCHOR_S, _HISTORIES_EVERY_S, _ERASURES_EVERY_S = 60, 10, 600
log = logging.getLogger("countersign.api")


def create_app(parts: Parts, *, dispatch: bool = True) -> FastAPI:
    """Return the application; with `dispatch` it also carries the database's orders to Temporal."""
    app = FastAPI(
        title="Countersign",
        version="1",
        summary="Durable HR processes that win the disputes companies lose today.",
        lifespan=_lifespan(parts, dispatch),
        docs_url="/docs",
        redoc_url=None,
    )
    app.state.parts = parts
    app.state.tokens = Tokens(parts.database, parts.clock)
    # Built now, so that a wrong name or address in the settings stops the start and not the first alarm.
    _ = (parts.alerts, parts.channels, parts.press)
    app.state.people = _people(parts)
    install_errors(app)
    app.add_middleware(BodyLimit)
    for router in (
        calculations.router,
        case_links.router,
        stops.router,
        cases.router,
        channels.router,
        circulars.router,
        evidence.router,
        links.router,
        lists.router,
        holds.router,
        responsibility.router,
        papers.router,
        courier.router,
        manual_evidence.router,
        consents.router,
    ):
        app.include_router(router, prefix="/api/v1")
    app.include_router(hooks.router)
    app.include_router(people_router)
    _install_health(app, parts)
    return app


def _lifespan(parts: Parts, dispatch: bool):  # type: ignore[no-untyped-def]
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        jobs = [asyncio.create_task(_inbox(parts)), asyncio.create_task(_tell(parts))]
        jobs.append(asyncio.create_task(_poll(parts)))
        jobs.append(asyncio.create_task(_anchor(parts)))
        jobs.append(asyncio.create_task(_finish_erasures(parts)))
        if dispatch:
            jobs.append(asyncio.create_task(parts.dispatcher.run()))
            jobs.append(asyncio.create_task(_keep_histories(parts)))
        yield
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await parts.aclose()

    return lifespan


async def _inbox(parts: Parts) -> None:
    """Process stored reports; a report that cannot be processed now is taken again."""
    while True:
        with contextlib.suppress(Exception):
            await run_in_threadpool(parts.inbox.process)
        await asyncio.sleep(0.3)


async def _tell(parts: Parts) -> None:
    """Tell alarms to the groups of the settings; what could not be told now is told again."""
    while parts.alerts.has_targets:
        with contextlib.suppress(Exception):
            await parts.alerts.tell()
        await asyncio.sleep(5)


async def _poll(parts: Parts) -> None:
    """Ask providers about messages whose final report never came."""
    while True:
        await asyncio.sleep(parts.settings.poll_every_s)
        try:
            await parts.receipt_poll.run()
        except Exception as fault:
            log.warning("asking for missing reports: %s; it is tried again", type(fault).__name__)


async def _anchor(parts: Parts) -> None:
    """Anchor the heads of all chains: soon after the start, then at the pace of the settings."""
    rest = min(_FIRST_ANCHOR_S, parts.settings.anchor_every_s)
    while True:
        await asyncio.sleep(rest)
        try:
            await run_in_threadpool(parts.anchoring.run)
        except Exception as fault:
            log.warning("anchoring: %s; it is tried again", type(fault).__name__)
        rest = parts.settings.anchor_every_s


async def _finish_erasures(parts: Parts) -> None:
    """Remove files of erased cases that could not go at once: too young then, or the process ended."""
    while True:
        await asyncio.sleep(_ERASURES_EVERY_S)
        try:
            await run_in_threadpool(parts.eraser.remove_files)
        except Exception as fault:
            log.warning("removing erased files: %s; it is tried again", type(fault).__name__)


async def _keep_histories(parts: Parts) -> None:
    """Keep the histories of closed cases before the server forgets them."""
    while True:
        await asyncio.sleep(_HISTORIES_EVERY_S)
        try:
            await parts.histories.run()
        except Exception as fault:
            log.warning("keeping histories: %s; it is tried again", type(fault).__name__)


def _people(parts: Parts) -> PeopleServices:
    s = parts.settings

    async def send_code(to: str, text: FilledText) -> bool:
        message = SmsMessage(to, text.text, delivery_code="", template=text.template, delivery_id=new_id())
        outcome = await parts.sms.send(message)
        return outcome.state in {OutcomeState.SENT, OutcomeState.UNKNOWN}

    def code_text(language: str, code: str, to: str) -> FilledText:
        minutes = int(CODE_LASTS.total_seconds()) // 60
        told = {"company": s.company_name, "code": code, "minutes": minutes}
        name, audience = "second_factor", Audience.EMPLOYEE.value
        registered = parts.registered_sms(Process.LEAVE_RETURN, name, audience, language, to, told)
        return registered or FilledText(parts.renderer.sms(name, audience, language, told), None)

    return PeopleServices(
        links=parts.links,
        acts=parts.acts,
        keys=parts.link_keys,
        identity=Identity(parts.database, parts.evidence, parts.link_keys, parts.provider_of, parts.clock),
        carry=parts.dispatcher.carry,
        send_code=send_code,
        code_text=code_text,
        documents=Path(s.data_dir) / "documents",
        upload_limit=s.upload_limit_bytes,
        contact={"name": s.contact_name, "phone": s.contact_phone, "email": s.contact_email},
        company=s.company_name,
        public_base_url=s.public_base_url,
        trusted_proxies=s.trusted_proxies,
        clock=parts.clock,
    )


def _install_health(app: FastAPI, parts: Parts) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> Response:
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        try:
            await run_in_threadpool(parts.views.counts)
            client = await asyncio.wait_for(parts.temporal(), 2)
            await asyncio.wait_for(client.service_client.check_health(), 2)
        except Exception as fault:
            return JSONResponse({"ready": False, "why": type(fault).__name__}, 503)
        return JSONResponse({"ready": True})

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        counts = await run_in_threadpool(parts.views.counts)
        lines = ["# HELP countersign_cases Cases by kind, state and stage.", "# TYPE countersign_cases gauge"]
        for name, count in sorted(counts.items()):
            kind, state, stage = name.split("/")
            lines.append(f'countersign_cases{{kind="{kind}",state="{state}",stage="{stage}"}} {count}')
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def serve_app() -> FastAPI:
    """Return the application of a server process, from the environment."""
    set_up_logging()
    return create_app(Parts(Settings()))
