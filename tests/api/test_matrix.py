"""Who may call what: one line per route, checked for every role; a route without a line fails."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.app import create_app
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from tests.support.company import BEIJING, company

R = Role
STAFF = {R.HR, R.SYSTEM_ADMINISTRATOR}
READERS = STAFF | {R.LEGAL, R.AUDITOR}
ANYBODY = "anybody"

MATRIX: dict[str, set[Role] | str] = {
    "POST /api/v1/previews": STAFF,
    "POST /api/v1/cases": STAFF,
    "GET /api/v1/cases": READERS | {R.INTEGRATOR},
    "GET /api/v1/cases/{case_id}": READERS,
    "POST /api/v1/cases/{case_id}/acts": STAFF,
    "GET /api/v1/cases/{case_id}/evidence": READERS,
    "POST /api/v1/cases/{case_id}/erasures": {R.SYSTEM_ADMINISTRATOR},
    "GET /api/v1/cases/{case_id}/notices/{notice_id}/paper": READERS,
    "POST /api/v1/cases/{case_id}/links/{link_id}/revoke": STAFF,
    "POST /api/v1/cases/{case_id}/links/{link_id}/extend": STAFF,
    "POST /api/v1/departures/previews": STAFF,
    "POST /api/v1/departures": STAFF,
    "GET /api/v1/departures": READERS | {R.FINANCE, R.ADMINISTRATION},
    "GET /api/v1/departures/{case_id}": READERS | {R.FINANCE, R.ADMINISTRATION},
    "POST /api/v1/departures/{case_id}/withdrawal": STAFF,
    "POST /api/v1/departures/{case_id}/last-day": STAFF,
    "GET /api/v1/reports/exits": READERS | {R.FINANCE},
    "GET /api/v1/duties/overdue": READERS | {R.FINANCE},
    "GET /api/v1/departures/{case_id}/duties": READERS | {R.FINANCE},
    "POST /api/v1/departures/{case_id}/duties/{kind}/{word}": STAFF | {R.FINANCE},
    "POST /api/v1/departures/{case_id}/service": STAFF,
    "GET /api/v1/employees/{number}/employment": READERS | {R.FINANCE, R.INTEGRATOR},
    "PUT /api/v1/employees/{number}/employment": STAFF | {R.INTEGRATOR},
    "POST /api/v1/circulars/preview": STAFF,
    "POST /api/v1/circulars": STAFF,
    "GET /api/v1/circulars": READERS,
    "GET /api/v1/circulars/{circular_id}": READERS,
    "GET /api/v1/leaves": READERS,
    "GET /api/v1/tasks": READERS | {R.MANAGER, R.FINANCE, R.ADMINISTRATION},
    "GET /api/v1/alarms": READERS,
    "GET /api/v1/policies": READERS,
    "GET /api/v1/channels": READERS,
    "POST /api/v1/channels/{name}/acknowledge": STAFF,
    "POST /api/v1/courier-events": STAFF | {R.INTEGRATOR},
    "POST /api/v1/cases/{case_id}/manual-evidence": STAFF,
    "POST /api/v1/people/{person_number}/consents": STAFF,
    "GET /api/v1/people/{person_number}/consents": READERS,
    "POST /api/v1/punches": STAFF | {R.INTEGRATOR},
    "POST /hooks/mail": {R.INTEGRATOR},
    "POST /api/v1/estimates": STAFF,
    "GET /api/v1/calculators": READERS | {R.FINANCE, R.INTEGRATOR},
    "POST /api/v1/calculations/{kind}": READERS | {R.FINANCE, R.INTEGRATOR},
    "POST /api/v1/calculation-differences": READERS | {R.FINANCE, R.INTEGRATOR},
    "GET /api/v1/tables": READERS | {R.FINANCE, R.INTEGRATOR},
    "GET /api/v1/tables/{name}": READERS | {R.FINANCE, R.INTEGRATOR},
    "GET /api/v1/sending-stops": READERS,
    "POST /api/v1/sending-stops": STAFF,
    "POST /api/v1/sending-stops/{stop_id}/release": STAFF,
    "POST /api/v1/cases/{case_id}/linked-cases": STAFF,
    "GET /api/v1/cases/{case_id}/responsibility": READERS,
    "GET /api/v1/departures/{case_id}/items": READERS | {R.ADMINISTRATION},
    "POST /api/v1/departures/{case_id}/items/hand-over": STAFF,
    "POST /api/v1/departures/{case_id}/items/accept": STAFF | {R.ADMINISTRATION},
    "POST /api/v1/departures/{case_id}/items/dispute": STAFF | {R.ADMINISTRATION},
    "POST /api/v1/departures/{case_id}/items/settle-dispute": STAFF | {R.ADMINISTRATION},
    "POST /api/v1/departures/{case_id}/items/reassign": STAFF,
    "POST /api/v1/departures/{case_id}/items/split": STAFF,
    "POST /api/v1/departures/{case_id}/items/delegate": STAFF,
    "POST /api/v1/departures/{case_id}/items/not-applicable": STAFF,
    "PUT /api/v1/holdings": STAFF | {R.ADMINISTRATION, R.INTEGRATOR},
    "POST /api/v1/holdings": STAFF | {R.ADMINISTRATION, R.INTEGRATOR},
    "POST /api/v1/holdings/returned": STAFF | {R.ADMINISTRATION, R.INTEGRATOR},
    "GET /api/v1/employees/{number}/holdings": READERS | {R.ADMINISTRATION, R.INTEGRATOR},
    "GET /api/v1/departures/{case_id}/checklists": READERS | {R.ADMINISTRATION, R.INTEGRATOR},
    "POST /api/v1/departures/{case_id}/revocations": STAFF | {R.ADMINISTRATION, R.INTEGRATOR},
    "POST /api/v1/departures/{case_id}/given-back": STAFF | {R.ADMINISTRATION, R.INTEGRATOR},
    "POST /api/v1/departures/{case_id}/open-tasks": STAFF | {R.INTEGRATOR},
    "POST /api/v1/departures/{case_id}/open-tasks/moves": STAFF,
    "POST /api/v1/departures/{case_id}/team": STAFF,
    "GET /api/v1/departures/{case_id}/gate": READERS | {R.FINANCE},
    "GET /api/v1/employees/{number}/gate": READERS | {R.FINANCE},
    "GET /api/v1/departures/{case_id}/settlements": READERS | {R.FINANCE},
    "POST /api/v1/departures/{case_id}/settlements/preview": {R.FINANCE},
    "POST /api/v1/departures/{case_id}/settlements": {R.FINANCE},
    "POST /api/v1/departures/{case_id}/settlements/{version}/confirm": {R.FINANCE},
    "GET /api/v1/departures/{case_id}/settlements/{version}/sheet": READERS | {R.FINANCE},
    "GET /api/v1/departures/{case_id}/loss-file": READERS,
    "GET /api/v1/departures/{case_id}/questionnaire": {R.HR},
    "GET /api/v1/employees/{number}/ledger": READERS | {R.FINANCE, R.INTEGRATOR},
    "GET /api/v1/ledger/ageing": READERS | {R.FINANCE, R.INTEGRATOR},
    "POST /api/v1/employees/{number}/postings": {R.FINANCE, R.INTEGRATOR},
    "POST /api/v1/postings/{posting_id}/reversal": {R.FINANCE, R.INTEGRATOR},
    "POST /api/v1/departures/{case_id}/balances-confirmed": {R.FINANCE},
    "POST /api/v1/departures/{case_id}/repayment-plan": {R.FINANCE},
    "POST /api/v1/departures/{case_id}/waiver": {R.FINANCE},
    "GET /api/v1/cases/{case_id}/holds": READERS,
    "POST /api/v1/cases/{case_id}/holds": STAFF | {R.LEGAL},
    "POST /api/v1/cases/{case_id}/holds/{hold_id}/release": STAFF | {R.LEGAL},
    # Their own guards: the provider's signature, the secret in the address, the link's code; or nothing.
    "POST /hooks/twilio/status": ANYBODY,
    "POST /hooks/twilio/status/{delivery_id}": ANYBODY,
    "POST /hooks/twilio/inbound": ANYBODY,
    "POST /hooks/aliyun/reports/{secret}": ANYBODY,
    "POST /hooks/aliyun/replies/{secret}": ANYBODY,
    "GET /n": ANYBODY,
    "POST /n": ANYBODY,
    "GET /n/{code}": ANYBODY,
    "HEAD /n/{code}": ANYBODY,
    "POST /n/{code}": ANYBODY,
    "GET /n/{code}/notice": ANYBODY,
    "HEAD /n/{code}/notice": ANYBODY,
    "GET /n/{code}/items": ANYBODY,
    "HEAD /n/{code}/items": ANYBODY,
    "POST /n/{code}/items": ANYBODY,
    "GET /n/{code}/items/{item_id}": ANYBODY,
    "HEAD /n/{code}/items/{item_id}": ANYBODY,
    "POST /n/{code}/items/{item_id}": ANYBODY,
    "GET /n/{code}/documents/{document_id}": ANYBODY,
    "GET /n/{code}/questionnaire": ANYBODY,
    "HEAD /n/{code}/questionnaire": ANYBODY,
    "POST /n/{code}/questionnaire": ANYBODY,
    "GET /n/{code}/identity": ANYBODY,
    "HEAD /n/{code}/identity": ANYBODY,
    "POST /n/{code}/identity": ANYBODY,
    "GET /n/{code}/identity/code": ANYBODY,
    "HEAD /n/{code}/identity/code": ANYBODY,
    "POST /n/{code}/identity/code": ANYBODY,
    "HEAD /n": ANYBODY,
    "HEAD /n/{code}/receipt/{act_id}": ANYBODY,
    "HEAD /n/{code}/receipt/{act_id}.txt": ANYBODY,
    "GET /n/{code}/receipt/{act_id}": ANYBODY,
    "GET /n/{code}/receipt/{act_id}.txt": ANYBODY,
    "GET /healthz": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /metrics": ANYBODY,
}
PROTECTED = {name: roles for name, roles in MATRIX.items() if roles != ANYBODY}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, dict[Role, str], list[str]]]:
    parts = company(tmp_path, utc_now)
    app = create_app(parts, dispatch=False)
    tokens = Tokens(parts.database, utc_now)
    made = {role: tokens.create(role, BEIJING) for role in Role}
    routes = of_the_api(all_routes(app))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://test") as client:
        yield client, made, routes
    parts.database.close()


def all_routes(app: FastAPI) -> list[str]:
    """Return `METHOD path` of every route, included routers with their prefixes."""
    found = []
    for route in app.routes:
        contexts = getattr(route, "effective_route_contexts", None)
        inner = contexts() if callable(contexts) else contexts
        for one in [route] if inner is None else inner:
            if isinstance(route, APIRoute) or inner is not None:
                found += [f"{method} {one.path}" for method in sorted(one.methods)]
    return found


def of_the_api(routes: list[str]) -> list[str]:
    """Return those that no browser page has; pages have a matrix of their own."""
    pages = re.compile(r"/(console|me|static)(/|$)")
    return [one for one in routes if not pages.match(one.split(" ")[1])]


async def test_every_route_has_a_line_and_every_line_a_route(world) -> None:  # type: ignore[no-untyped-def]
    _, _, routes = world
    assert sorted(set(routes)) == sorted(MATRIX)


async def test_each_role_is_let_in_or_turned_away_as_the_matrix_says(world) -> None:  # type: ignore[no-untyped-def]
    client, tokens, _ = world
    for name, roles in PROTECTED.items():
        method, path = name.split(" ")
        path = path.replace("{case_id}", "0" * 26)
        anonymous = await client.request(method, path, json={})
        assert anonymous.status_code == 401, name
        assert anonymous.headers["www-authenticate"] == "Bearer"
        for role in Role:
            answer = await client.request(
                method, path, json={}, headers={"Authorization": f"Bearer {tokens[role]}"}
            )
            assert (answer.status_code == 403) == (role not in roles), f"{name} for {role}"
            assert answer.status_code != 401
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
