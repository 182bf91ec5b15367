"""Signing in with the company's identity provider."""

from api.console.route import console_router

router = console_router()
