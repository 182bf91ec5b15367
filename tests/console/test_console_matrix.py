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
    # one's own account
    "GET /console/me": EVERYBODY,
    # cases
    # starting
    # people
    # imports
    # policies
    # texts
    # calendar
    # accounts
    # approvals
    # single sign-on
    # sending
    # reports
    # help
    # the pages of people
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
