"""Policies: the ladder editor and what each branch uses."""

from api.console.route import console_router

router = console_router()
