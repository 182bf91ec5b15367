"""The whole API as its description says it is: invented requests for every route, as every role."""

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from api.app import create_app
from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from tests.support.company import BEIJING, NUMBER, add_leave, company

load_all_checks()
HOLDS = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    ]
)
EXAMPLES = {Role.HR: 8, Role.SYSTEM_ADMINISTRATOR: 2}
"""How many requests each route gets; the roles that may do little are turned away early."""


@pytest.mark.parametrize("role", list(Role))
def test_no_request_breaks_the_server_or_its_own_description(tmp_path: Path, role: Role) -> None:
    parts = company(tmp_path, utc_now)
    leave = add_leave(parts, date(2027, 3, 1))
    case_id = parts.starts.start(StartWish(leave), {"role": "hr", "id": "test"})
    token = Tokens(parts.database, utc_now).create(role, BEIJING)
    real = {"case_id": case_id, "person_number": NUMBER, "name": "twilio"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(parts, dispatch=False))
    operations = [found.ok() for found in schema.get_all_operations()]
    tried = sum(attack(operation, token, real, EXAMPLES.get(role, 1)) for operation in operations)
    assert tried >= len(operations) > 30
    parts.database.close()


def attack(operation: Any, token: str, real: dict[str, str], examples: int) -> int:
    """Send invented requests to one route, every second one about something known; return how many."""
    tried = itertools.count()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        if next(tried) % 2:
            known = {name: real[name] for name in case.path_parameters if name in real}
            case.path_parameters = {**case.path_parameters, **known}
        case.validate_response(case.call(headers={"Authorization": f"Bearer {token}"}), checks=HOLDS)

    ask()
    return next(tried)
