"""Starting one case, and many at once."""

from api.console.route import console_router

router = console_router()
