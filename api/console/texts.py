"""The texts that leave the house, and who may change them."""

from api.console.route import console_router

router = console_router()
