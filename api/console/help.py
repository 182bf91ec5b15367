"""Help: a page per role, and the glossary."""

from api.console.route import console_router

router = console_router()
