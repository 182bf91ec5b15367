"""What waits for a second person."""

from api.console.route import console_router

router = console_router()
