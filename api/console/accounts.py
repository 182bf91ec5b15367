"""Accounts, rights, tokens and who stands in for whom."""

from api.console.route import console_router

router = console_router()
