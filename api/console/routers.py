"""Every page of the console, in one list."""

from api.console import (
    accounts,
    approvals,
    calendar,
    cases,
    first,
    help,
    imports,
    own,
    people,
    policies,
    reports,
    sending,
    signing_in,
    single_sign_on,
    starting,
    texts,
)
from api.me import pages as me

ROUTERS = (
    signing_in.router,
    signing_in.static_router,
    single_sign_on.router,
    first.router,
    cases.router,
    starting.router,
    people.router,
    imports.router,
    policies.router,
    texts.router,
    calendar.router,
    accounts.router,
    own.router,
    approvals.router,
    sending.router,
    reports.router,
    help.router,
    me.router,
)
