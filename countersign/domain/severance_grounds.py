"""Which end of an employment gives economic compensation: articles 36 to 46 of the Labour Contract Law."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from countersign.domain.departure import Ground, ProposedBy

_ARTICLES: Mapping[Ground, str] = MappingProxyType(
    {
        Ground.EMPLOYER_FAULT: "46(1)",
        Ground.AGREEMENT: "46(2)",
        Ground.NO_FAULT: "46(3)",
        Ground.LAYOFF: "46(4)",
        Ground.EXPIRY: "46(5)",
    }
)


@dataclass(frozen=True)
class Entitlement:
    """Whether compensation is due and which article says so; `article` is that of the ground where it is not.

    Articles are those of the Labour Contract Law, written `46(2)`.
    """

    due: bool
    article: str


def entitlement(ground: Ground, proposed_by: ProposedBy, *, renewal_refused: bool = False) -> Entitlement:
    """Say whether an end gives compensation.

    An agreement gives it where the employer proposed the end, an expiry unless the employee has refused a
    renewal on the same or better terms (`renewal_refused`).
    """
    if ground is Ground.AGREEMENT and proposed_by is not ProposedBy.EMPLOYER:
        return Entitlement(False, "36, 46(2)")
    if ground is Ground.EXPIRY and renewal_refused:
        return Entitlement(False, "44(1), 46(5)")
    if ground in _ARTICLES:
        return Entitlement(True, _ARTICLES[ground])
    return Entitlement(False, {Ground.RESIGNATION: "37", Ground.WORKER_FAULT: "39"}[ground])
