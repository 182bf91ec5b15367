"""Files that are handed in: preview, apply, undo."""

from api.console.route import console_router

router = console_router()
