"""What the pages behind a link work with; assembled at start and found at `app.state.people`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from api.people.limits import LinkLimits
from countersign.adapters.database.acts import Acts, Links
from countersign.adapters.links import LinkKeys


@dataclass(frozen=True)
class PeopleServices:
    """Collaborators and settings of the pages.

    `carry` awaits, at most 3 s, until an act has reached its workflow, and never raises. `documents` is the
    folder of papers handed in; `upload_limit` is in bytes; `contact` holds `name` and `phone`;
    `trusted_proxies` are addresses or networks whose X-Forwarded-For is believed.
    """

    links: Links
    acts: Acts
    keys: LinkKeys
    carry: Callable[[str], Awaitable[None]]
    documents: Path
    upload_limit: int
    contact: Mapping[str, str]
    company: str
    public_base_url: str
    trusted_proxies: tuple[str, ...]
    clock: Callable[[], datetime]
    limits: LinkLimits = field(default_factory=LinkLimits)
