"""The hash of a process's outcome: written when the case closes, found again by whoever replays it."""

import hashlib
from typing import Any

from pydantic import TypeAdapter

from countersign.domain.evidence import canonical

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


def outcome_sha256(result: object) -> str:
    """Return SHA-256 of the canonical JSON of what a process returned, as its history ends with it."""
    return hashlib.sha256(canonical(_ANYTHING.dump_python(result, mode="json"))).hexdigest()
