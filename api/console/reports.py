"""Reports and what can be taken along from them."""

from api.console.route import console_router

router = console_router()
