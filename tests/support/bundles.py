"""A case's evidence as a bundle without witnesses and account: reading it adds nothing to the chain."""

from countersign.adapters.database.scope import Scope
from countersign.bootstrap import Parts
from countersign.domain.bundle import write_container


def bare_bundle(parts: Parts, case_id: str, *, redact: bool = False) -> bytes | None:
    content = parts.views.content(Scope(), case_id, redact=redact)
    return None if content is None else write_container(content.entries(None))
