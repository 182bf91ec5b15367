"""The list of employees and the page of one."""

from api.console.route import console_router

router = console_router()
