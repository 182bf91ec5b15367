"""The ways out of the house, and which of them carry personal data out of the country.

Sources: Personal Information Protection Law (个人信息保护法), articles 38 to 40: whoever gives personal data
abroad needs one of the grounds of article 38 (assessment, certification, standard contract, or what else the
law allows), tells the people concerned and has their separate consent (39), and above a threshold stores it
inside the country (40). The product checks none of that; it asks once that somebody answers for it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countersign.domain.policy import Channel

BY_NAME = (Channel.EMAIL, Channel.IN_SYSTEM, Channel.COURIER, Channel.VISIT)
"""Channels with one way out, which has the channel's name; text messages have one for each provider."""


class Setup(StrEnum):
    """What stands behind a way out."""

    REAL = "real"  # it reaches people
    STAND_IN = "stand_in"  # it stays on this machine
    MISSING = "not_configured"  # nothing leaves by it


@dataclass(frozen=True)
class WayOut:
    """One way out: `name` is the SMS provider's, or the channel's own."""

    name: str
    channel: Channel
    setup: Setup
    leaves_country: bool


@dataclass(frozen=True)
class Acknowledged:
    """Who answers for a way out that leaves the country; `at` is aware."""

    by: str
    at: datetime
    reason: str


def ways_out(sms: Mapping[str, Setup], email: Setup, crossing: Collection[str]) -> tuple[WayOut, ...]:
    """Return every way out; `sms` holds the providers, `crossing` the names that leave the country.

    Raises `ValueError` for a name in `crossing` that is no way out.
    """
    setups = {**sms, Channel.EMAIL.value: email}
    names = (*sms, *(channel.value for channel in BY_NAME))
    for name in crossing:
        if name not in names:
            raise ValueError(f"cross_border_channels: {name!a} is no way out; known: {', '.join(names)}")
    return tuple(
        WayOut(
            name,
            Channel.SMS if name in sms else Channel(name),
            setups.get(name, Setup.REAL),
            name in crossing,
        )
        for name in names
    )


def why_not_abroad(used: Sequence[WayOut], acknowledged: Collection[str]) -> str | None:
    """Return the sentence that refuses a case which would send abroad unacknowledged, or None."""
    open_ways = [way for way in used if way.leaves_country and way.name not in acknowledged]
    if not open_ways:
        return None
    named = " and ".join(_named(way) for way in open_ways)
    first = open_ways[0].name
    return (
        f"{named} would carry personal data out of the country, for which nobody has answered yet; have HR "
        "of the whole company or a system administrator do so once "
        f"(POST /api/v1/channels/{first}/acknowledge), or take the channel out of the policy"
    )


def _named(way: WayOut) -> str:
    return f"{way.name} ({way.channel.value})" if way.channel is Channel.SMS else way.name
