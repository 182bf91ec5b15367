"""What the pages behind a link work with; assembled at start and found at `app.state.people`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from api.people.limits import LinkLimits
from countersign.adapters.database.acts import Acts
from countersign.adapters.database.handover_book import HandoverBook
from countersign.adapters.database.identity import Identity
from countersign.adapters.database.leaver_pages import LeaverPages
from countersign.adapters.database.links import Links
from countersign.adapters.database.questionnaires import Questionnaires
from countersign.adapters.documents import Documents
from countersign.adapters.links import LinkKeys
from countersign.domain.sms_templates import FilledText


@dataclass(frozen=True)
class PeopleServices:
    """Collaborators and settings of the pages.

    `carry` awaits, at most 3 s, until an act has reached its workflow, and never raises. `documents` are
    papers handed in; `upload_limit` is in bytes; `contact` holds `name` and `phone`;
    `trusted_proxies` are addresses or networks whose X-Forwarded-For is believed. `send_code` hands a text to
    the SMS provider for a number in E.164 and says whether it may have left; it never raises. `code_text`
    makes that text from a language tag and a code.
    """

    links: Links
    acts: Acts
    identity: Identity
    handover: HandoverBook
    leavers: LeaverPages
    questionnaires: Questionnaires
    keys: LinkKeys
    carry: Callable[[str], Awaitable[None]]
    send_code: Callable[[str, FilledText], Awaitable[bool]]
    code_text: Callable[[str, str, str], FilledText]
    documents: Documents
    upload_limit: int
    contact: Mapping[str, str]
    company: str
    public_base_url: str
    trusted_proxies: tuple[str, ...]
    clock: Callable[[], datetime]
    limits: LinkLimits = field(default_factory=LinkLimits)
