"""What is asked of me, my notices and my receipts."""

from fastapi import APIRouter

from api.console.route import ConsoleRoute

router = APIRouter(prefix="/me", route_class=ConsoleRoute, include_in_schema=False)
