"""The list of cases and the page of one case."""

from api.console.route import console_router

router = console_router()
