"""Who may call what: a route says its roles, and a route without roles does not start."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Refused
from countersign.adapters.database.officers import scope_as
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tokens import Caller
from countersign.contracts.cases import Role

_bearer = HTTPBearer(auto_error=False, description="An API token made by `countersign token create`.")


def allow(*roles: Role) -> Callable[..., Caller]:
    """Return a dependency that lets only these roles pass; the roles can be read off it by the matrix."""

    def caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        if credentials is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, "Send an API token as `Authorization: Bearer …`.")
        known = request.app.state.tokens.recognise(credentials.credentials)
        if known is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, "This token is not known or was revoked; make a new one.")
        if known.role not in roles:
            named = ", ".join(role.value for role in roles)
            raise Refused(HTTPStatus.FORBIDDEN, f"This needs one of the roles: {named}.")
        return known  # type: ignore[no-any-return]

    caller.allowed_roles = frozenset(roles)  # type: ignore[attr-defined]
    return caller


def scope_of(caller: Caller) -> Scope:
    """Return what a caller may see."""
    return scope_as(caller.role, caller.branch_id, caller.person_id)


def actor_of(caller: Caller) -> dict[str, str]:
    """Return how a caller stands in the evidence."""
    return {"role": caller.role.value, "id": f"token:{caller.token_id}"}
