"""The web application: JSON API, pages behind a link, callbacks, health."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from api import hooks
from api.body_charset import Utf8Forms
from api.body_limit import BodyLimit
from api.console.routers import ROUTERS as CONSOLE
from api.errors import install_errors
from api.openapi import with_refusals
from api.people.handover import router as handover_router
from api.people.limits import LinkLimits
from api.people.pages import router as people_router
from api.people.questionnaire import router as questionnaire_router
from api.people.services import PeopleServices
from api.v1 import (
    calculations,
    case_links,
    cases,
    channels,
    checklists,
    circulars,
    consents,
    courier,
    departures,
    duties,
    evidence,
    exits,
    gate,
    handover,
    holdings,
    holds,
    ledger,
    links,
    lists,
    loss_files,
    manual_evidence,
    papers,
    questionnaires,
    responsibility,
    settlements,
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

_FIRST_ANCHOR_S, _HISTORIES_EVERY_S, _ERASURES_EVERY_S, _DIGEST_EVERY_S = 60, 10, 600, 60
_BULK_EVERY_S = 0.3
_DUTIES_EVERY_S, _FIRST_DUTIES_S = 3600, 30
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
        routes=_routes(),
    )
    app.state.parts = parts
    app.state.tokens = Tokens(parts.database, parts.clock)
    # Built now, so that a wrong name or address in the settings stops the start and not the first alarm.
    _ = (parts.alerts, parts.channels, parts.press)
    app.state.people = _people(parts)
    app.state.sign_in_limits = LinkLimits()
    install_errors(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Utf8Forms)
    _install_health(app, parts)
    app.openapi = with_refusals(app)  # type: ignore[method-assign]
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Return what every application of this process answers: nothing in it belongs to one installation.

    What handlers take and return is looked at anew for each list of routes, at the first request.
    """
    shared = APIRouter()
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
        ledger.router,
        gate.router,
        settlements.router,
        loss_files.router,
        holdings.router,
        handover.router,
        checklists.router,
        responsibility.router,
        papers.router,
        courier.router,
        manual_evidence.router,
        consents.router,
        departures.router,
        duties.router,
        exits.router,
        questionnaires.router,
    ):
        shared.include_router(router, prefix="/api/v1")
    shared.include_router(hooks.router)
    shared.include_router(people_router)
    shared.include_router(handover_router)
    shared.include_router(questionnaire_router)
    for router in CONSOLE:
        shared.include_router(router)
    return shared.routes


def _lifespan(parts: Parts, dispatch: bool):  # type: ignore[no-untyped-def]
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        jobs = [asyncio.create_task(work) for work in _work(parts, dispatch)]
        yield
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        await parts.aclose()

    return lifespan


def _work(parts: Parts, dispatch: bool) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what goes on beside the requests; with `dispatch` also what needs the Temporal server."""
    settings = parts.settings
    yield _inbox(parts)
    yield _tell(parts)
    yield _regularly("bulk starts", lambda: run_in_threadpool(parts.bulk_starts.carry_on), _BULK_EVERY_S)
    yield _regularly("asking for missing reports", lambda: parts.receipt_poll.run(), settings.poll_every_s)
    yield _regularly(
        "anchoring",
        lambda: run_in_threadpool(parts.anchoring.run),
        settings.anchor_every_s,
        first_s=_FIRST_ANCHOR_S,
    )
    # Files that could not go with their erasure: too young then, or the process ended.
    yield _regularly(
        "removing erased files", lambda: run_in_threadpool(parts.eraser.remove_files), _ERASURES_EVERY_S
    )
    yield _regularly(
        "watching employments",
        lambda: run_in_threadpool(parts.employments.watch),
        _DUTIES_EVERY_S,
        first_s=_FIRST_DUTIES_S,
    )
    if settings.time_lapse == 1:
        yield _regularly("the daily digest", lambda: parts.digest.run(), _DIGEST_EVERY_S)
    if dispatch:
        yield parts.dispatcher.run()
        # Kept before the server forgets them.
        yield _regularly("keeping histories", lambda: parts.histories.run(), _HISTORIES_EVERY_S)


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


async def _regularly(
    what: str, run: Callable[[], Awaitable[object]], every_s: float, first_s: float | None = None
) -> None:
    """Do something again and again, for the first time after `first_s`; what fails is tried the next time."""
    rest = every_s if first_s is None else min(first_s, every_s)
    while True:
        await asyncio.sleep(rest)
        try:
            await run()
        except Exception as fault:
            log.warning("%s: %s; it is tried again", what, type(fault).__name__)
        rest = every_s


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
        handover=parts.handover_book,
        leavers=parts.leaver_pages,
        questionnaires=parts.questionnaires,
        keys=parts.link_keys,
        identity=Identity(parts.database, parts.evidence, parts.link_keys, parts.provider_of, parts.clock),
        carry=parts.dispatcher.carry,
        send_code=send_code,
        code_text=code_text,
        documents=parts.documents,
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
