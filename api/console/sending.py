"""The switch that stops all sending, alarms, and ways out."""

from api.console.route import console_router

router = console_router()
