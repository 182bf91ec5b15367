"""Who sees which page: one line per route of the console, tried as every role; a route without one fails."""

import re
from pathlib import Path

import httpx2
import pytest

from api.app import create_app
from countersign.adapters.database.accounts import SIGN_IN_ROLES
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from tests.api.test_matrix import all_routes, of_the_api
from tests.support.company import BEIJING, NUMBER, company
from tests.support.console import open_account

R = Role
STAFF = {R.HR, R.SYSTEM_ADMINISTRATOR}
READERS = STAFF | {R.LEGAL, R.AUDITOR}
HOLDERS = READERS | {R.FINANCE, R.ADMINISTRATION, R.MANAGER}
EVERYBODY = HOLDERS | {R.EMPLOYEE}
CONCERNED = READERS | {R.MANAGER, R.FINANCE, R.ADMINISTRATION}
DELEGATORS = HOLDERS - {R.AUDITOR}
OUTSIDE = "nobody need be signed in"

MATRIX: dict[str, set[Role] | str] = {
    # signing in
    "GET /console/sign-in": OUTSIDE,
    "POST /console/sign-in": OUTSIDE,
    "POST /console/sign-in/language": OUTSIDE,
    "GET /console/one-time/{code}": OUTSIDE,
    "POST /console/one-time/{code}": OUTSIDE,
    "GET /static/{name}": OUTSIDE,
    "HEAD /static/{name}": OUTSIDE,
    "POST /console/sign-out": EVERYBODY,
    "POST /console/language": EVERYBODY,
    # the first screen
    "GET /console": HOLDERS,
    "GET /console/now": HOLDERS,
    "GET /console/search": HOLDERS,
    # one's own account
    "GET /console/me": EVERYBODY,
    "POST /console/me/password": EVERYBODY,
    "POST /console/me/browsers/end": EVERYBODY,
    "POST /console/me/language": EVERYBODY,
    "POST /console/me/digest": HOLDERS,
    "GET /console/me/delegates": DELEGATORS,
    "POST /console/me/delegates": DELEGATORS,
    "POST /console/me/delegates/{delegation_id}/end": DELEGATORS,
    # cases
    "GET /console/cases": READERS | {R.MANAGER},
    "GET /console/cases.{form}": READERS | {R.MANAGER},
    "POST /console/cases/filters": READERS | {R.MANAGER},
    "POST /console/cases/filters/{filter_id}/forget": READERS | {R.MANAGER},
    # the ledger
    "GET /console/ledger": READERS | {R.FINANCE},
    "GET /console/ledger.{form}": READERS | {R.FINANCE},
    "GET /console/people/{number}/ledger": READERS | {R.FINANCE},
    "POST /console/people/{number}/ledger": {R.FINANCE},
    "GET /console/people/{number}/ledger/{posting_id}": READERS | {R.FINANCE},
    "POST /console/people/{number}/ledger/{posting_id}": {R.FINANCE},
    "GET /console/departures/{case_id}/balances": {R.FINANCE},
    "POST /console/departures/{case_id}/balances": {R.FINANCE},
    "GET /console/departures/{case_id}/plan": {R.FINANCE},
    "POST /console/departures/{case_id}/plan": {R.FINANCE},
    "GET /console/departures/{case_id}/waiver": {R.FINANCE},
    "POST /console/departures/{case_id}/waiver": {R.FINANCE},
    # one case
    "GET /console/cases/{case_id}": READERS | {R.MANAGER},
    "GET /console/cases/{case_id}/live": READERS | {R.MANAGER},
    "POST /console/cases/{case_id}/acts": STAFF,
    "POST /console/cases/{case_id}/comments": READERS | {R.MANAGER},
    "POST /console/cases/{case_id}/manual-evidence": STAFF,
    "POST /console/cases/{case_id}/linked-cases": STAFF,
    "POST /console/cases/{case_id}/holds": STAFF | {R.LEGAL},
    "POST /console/cases/{case_id}/holds/{hold_id}/release": STAFF | {R.LEGAL},
    "GET /console/cases/{case_id}/documents/{document_id}": READERS,
    "GET /console/cases/{case_id}/notices/{notice_id}/paper": READERS,
    "POST /console/cases/{case_id}/evidence": READERS,
    "POST /console/cases/{case_id}/verification": READERS,
    # starting
    "GET /console/start": STAFF,
    "GET /console/start/leave/{leave_id}": STAFF,
    "POST /console/start/leave/{leave_id}": STAFF,
    "GET /console/start/circular": STAFF,
    "POST /console/start/circular": STAFF,
    "GET /console/start/circulars/{circular_id}": READERS,
    "GET /console/start/bulk": STAFF,
    "POST /console/start/bulk": STAFF,
    "POST /console/start/bulk/begin": STAFF,
    "GET /console/start/bulk/{bulk_id}": STAFF,
    "GET /console/start/bulk/{bulk_id}/result.{form}": STAFF,
    # starting and changing departures
    "GET /console/start/departure": STAFF,
    "POST /console/start/departure": STAFF,
    "GET /console/departures/{case_id}/withdrawal": STAFF,
    "POST /console/departures/{case_id}/withdrawal": STAFF,
    "GET /console/departures/{case_id}/last-day": STAFF,
    "POST /console/departures/{case_id}/last-day": STAFF,
    # statutory duties
    "GET /console/duties": READERS | {R.FINANCE},
    "GET /console/duties.{form}": READERS | {R.FINANCE},
    "POST /console/duties/unemployment-list.{form}": {R.HR},
    "GET /console/departures/{case_id}/duties": READERS | {R.FINANCE},
    "POST /console/departures/{case_id}/duties/{kind}": STAFF | {R.FINANCE},
    "POST /console/departures/{case_id}/service": STAFF,
    # checklists of a departure
    "GET /console/departures/{case_id}/checklists": READERS | {R.ADMINISTRATION},
    "POST /console/departures/{case_id}/revocations": STAFF | {R.ADMINISTRATION},
    "POST /console/departures/{case_id}/given-back": STAFF | {R.ADMINISTRATION},
    "POST /console/departures/{case_id}/open-tasks": STAFF,
    "POST /console/departures/{case_id}/team": STAFF,
    # the list of departures and the board of one
    "GET /console/departures": CONCERNED,
    "GET /console/departures.{form}": CONCERNED,
    "GET /console/departures/{case_id}": CONCERNED,
    "GET /console/departures/{case_id}/gate": CONCERNED,
    "GET /console/departures/{case_id}/photos/{document_id}": READERS,
    "POST /console/departures/{case_id}/items": STAFF | {R.ADMINISTRATION},
    "POST /console/departures/{case_id}/stand-ins": STAFF,
    # people
    "GET /console/people": READERS | {R.MANAGER},
    "GET /console/people/{number}": READERS | {R.MANAGER},
    # imports
    "GET /console/imports": STAFF,
    "POST /console/imports": STAFF,
    "GET /console/imports/template/{kind}": STAFF,
    "GET /console/imports/{run_id}": STAFF,
    "GET /console/imports/{run_id}/file": STAFF,
    "GET /console/imports/{run_id}/faults.xlsx": STAFF,
    "POST /console/imports/{run_id}/good-rows": STAFF,
    "POST /console/imports/{run_id}/apply": STAFF,
    "POST /console/imports/{run_id}/again": STAFF,
    "POST /console/imports/{run_id}/withdraw": STAFF,
    "GET /console/imports/{run_id}/undo": STAFF,
    "POST /console/imports/{run_id}/undo": STAFF,
    # policies
    "GET /console/policies": READERS,
    "GET /console/policies/branches": READERS,
    "POST /console/policies/branches": STAFF,
    "GET /console/policies/new": STAFF,
    "POST /console/policies/new": STAFF,
    "GET /console/policies/{name}": READERS,
    "GET /console/policies/{name}/edit": STAFF,
    "POST /console/policies/{name}/edit": STAFF,
    # texts
    "GET /console/texts": READERS,
    "GET /console/texts/{process}/{name}/{language}/{form}": READERS,
    "POST /console/texts/{process}/{name}/{language}/{form}/check": STAFF,
    "POST /console/texts/{process}/{name}/{language}/{form}/save": STAFF,
    "POST /console/texts/{process}/{name}/{language}/{form}/shipped": STAFF,
    "POST /console/texts/{process}/{name}/{language}/{form}/lock": STAFF,
    "POST /console/texts/{process}/{name}/{language}/{form}/paper": STAFF,
    # calendar
    "GET /console/calendar": READERS,
    "POST /console/calendar/preview": STAFF,
    "POST /console/calendar/apply": STAFF,
    "GET /console/calendar/waiting/{year}": READERS,
    "POST /console/calendar/waiting/{year}": STAFF,
    # accounts
    "GET /console/settings": READERS,
    "GET /console/accounts": {R.SYSTEM_ADMINISTRATOR},
    "GET /console/accounts/new": {R.SYSTEM_ADMINISTRATOR},
    "POST /console/accounts/new": {R.SYSTEM_ADMINISTRATOR},
    "GET /console/accounts/{account_id}": {R.SYSTEM_ADMINISTRATOR},
    "POST /console/accounts/{account_id}": {R.SYSTEM_ADMINISTRATOR},
    "POST /console/accounts/{account_id}/shut": {R.SYSTEM_ADMINISTRATOR},
    "POST /console/accounts/{account_id}/open": {R.SYSTEM_ADMINISTRATOR},
    "POST /console/accounts/{account_id}/sign-out": {R.SYSTEM_ADMINISTRATOR},
    "POST /console/accounts/{account_id}/link": {R.SYSTEM_ADMINISTRATOR},
    "GET /console/tokens": {R.SYSTEM_ADMINISTRATOR},
    "POST /console/tokens": {R.SYSTEM_ADMINISTRATOR},
    "POST /console/tokens/{token_id}/revoke": {R.SYSTEM_ADMINISTRATOR},
    "GET /console/delegates": STAFF,
    "POST /console/delegates": STAFF,
    "POST /console/delegates/{delegation_id}/end": STAFF,
    # approvals
    "GET /console/approvals": READERS,
    "GET /console/approvals/{approval_id}": READERS,
    "POST /console/approvals/{approval_id}": STAFF,
    # single sign-on
    "GET /console/oidc": OUTSIDE,
    "GET /console/oidc/callback": OUTSIDE,
    # sending
    "GET /console/sending": READERS,
    "POST /console/sending/stops": STAFF,
    "POST /console/sending/stops/{stop_id}/release": STAFF,
    "POST /console/sending/channels/{name}/acknowledge": STAFF,
    "GET /console/alarms": READERS,
    "GET /console/alarms.{form}": READERS,
    # the money of a departure
    "GET /console/departures/{case_id}/money": READERS | {R.FINANCE},
    "POST /console/departures/{case_id}/settlement": {R.FINANCE},
    "POST /console/departures/{case_id}/settlement/{version}/confirm": {R.FINANCE},
    "GET /console/departures/{case_id}/settlement/{version}/sheet": READERS | {R.FINANCE},
    "GET /console/departures/{case_id}/loss": READERS,
    "POST /console/departures/{case_id}/loss": READERS,
    "GET /console/departures/{case_id}/questionnaire": {R.HR},
    # reports
    "GET /console/reports": READERS,
    "GET /console/reports/{table}.{form}": READERS,
    "GET /console/reports/exits": READERS,
    "GET /console/reports/exits/{table}.{form}": READERS,
    # help
    "GET /console/help": EVERYBODY,
    "GET /console/help/for/{role}": EVERYBODY,
    "GET /console/help/glossary": EVERYBODY,
    "GET /console/help/demo": HOLDERS,
    "GET /console/help/demo/roster.xlsx": HOLDERS,
    # the pages of people
    "GET /me/sign-in": OUTSIDE,
    "POST /me/sign-in": OUTSIDE,
    "GET /me/sign-in/code": OUTSIDE,
    "POST /me/sign-in/code": OUTSIDE,
    "POST /me/sign-in/language": OUTSIDE,
    "GET /me": EVERYBODY,
    "GET /me/notices": EVERYBODY,
    "GET /me/notices/{notice_id}": EVERYBODY,
    "POST /me/notices/{notice_id}": EVERYBODY,
    "GET /me/receipts": EVERYBODY,
    "GET /me/receipts/{act_id}.txt": EVERYBODY,
    "GET /me/receipts/{act_id}": EVERYBODY,
    "GET /me/cases/{case_id}": EVERYBODY,
    "GET /me/cases/{case_id}/questionnaire": EVERYBODY,
    "POST /me/cases/{case_id}/questionnaire": EVERYBODY,
    "POST /me/cases/{case_id}/items": EVERYBODY,
    "GET /me/cases/{case_id}/items/{item_id}": EVERYBODY,
    "POST /me/cases/{case_id}/items/{item_id}": EVERYBODY,
    "GET /me/cases/{case_id}/documents/{document_id}": EVERYBODY,
    "GET /console/{rest:path}": EVERYBODY,
}
CLOSED = {name: roles for name, roles in MATRIX.items() if roles != OUTSIDE}


def _filled(path: str) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "0" * 26, path)


@pytest.mark.parametrize("role", [None, *SIGN_IN_ROLES], ids=lambda role: role or "nobody")
async def test_each_role_sees_the_pages_that_the_matrix_says(tmp_path: Path, role: Role | None) -> None:
    parts = company(tmp_path, utc_now)
    app = create_app(parts, dispatch=False)
    cookies: dict[str, str] = {}
    token = ""
    if role is not None:
        number = NUMBER if role in (Role.MANAGER, Role.EMPLOYEE) else None
        account = open_account(parts, role, role.value, branch=BEIJING, number=number)
        cookies = {"countersign-session": parts.accounts.open(account, "")}
        signed_in = parts.accounts.recognise(cookies["countersign-session"])
        assert signed_in is not None
        token = signed_in.csrf
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test", cookies=cookies) as client:
        for name, roles in CLOSED.items():
            method, path = name.split(" ")
            if path == "/console/sign-out":
                continue
            form = {"csrf": token} if method == "POST" else None
            answer = await client.request(method, _filled(path), data=form)
            if role is None:
                assert answer.status_code == 303, name
                assert answer.headers["location"].startswith(("/console/sign-in", "/me/sign-in")), name
            else:
                assert (answer.status_code == 403) == (role not in roles), f"{name}: {answer.status_code}"
            assert answer.status_code < 500, f"{name}: {answer.status_code}"
            if method == "POST" and role in roles:
                without = await client.request(method, _filled(path), data={})
                assert without.status_code == 403, f"{name} without its token: {without.status_code}"
    parts.database.close()


def test_every_page_has_a_line_and_every_line_a_page(tmp_path: Path) -> None:
    parts = company(tmp_path, utc_now)
    routes = all_routes(create_app(parts, dispatch=False))
    assert sorted(set(routes) - set(of_the_api(routes))) == sorted(MATRIX)
    parts.database.close()
