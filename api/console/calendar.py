"""Working days, and what a new State Council notice moves."""

from api.console.route import console_router

router = console_router()
