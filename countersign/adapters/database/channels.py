"""Who answers for ways out that leave the country: kept once, asked before a case starts."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import ChannelAcknowledgement
from countersign.domain.channels import Acknowledged, WayOut, why_not_abroad
from countersign.domain.policy import Channel


class NothingToAcknowledge(ValueError):
    """A way out that stays in the country."""


class Channels:
    """The ways out. `providers_for` names the SMS providers by which a number (E.164) may be reached."""

    def __init__(
        self,
        database: Database,
        ways: Sequence[WayOut],
        providers_for: Callable[[str | None], Sequence[str]],
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._providers_for, self._clock = database, providers_for, clock
        self._ways = {way.name: way for way in ways}

    def listing(self) -> list[tuple[WayOut, Acknowledged | None]]:
        """Return every way out with who acknowledged it."""
        with self._database.reading() as session:
            known = _known(session)
        return [(way, known.get(way.name)) for way in self._ways.values()]

    def acknowledge(self, name: str, reason: str, by: str) -> tuple[Acknowledged, bool]:
        """Keep who answers for a way out; return what is kept, and whether it is new: the first one stays.

        Raises `LookupError` for an unknown name, `NothingToAcknowledge` for one that stays in the country.
        """
        if name not in self._ways:
            raise LookupError(f"there is no channel {name!a}; known: {', '.join(self._ways)}")
        if not self._ways[name].leaves_country:
            raise NothingToAcknowledge(
                f"{name} does not leave the country, so nothing is to be acknowledged; if it does, name it "
                "in the setting cross_border_channels"
            )

        def keep(session: Session) -> tuple[Acknowledged, bool]:
            row = session.get(ChannelAcknowledgement, name)
            if row is not None:
                return _acknowledged(row), False
            row = ChannelAcknowledgement(
                channel=name, reason=reason, acknowledged_by=by, acknowledged_at=self._clock()
            )
            session.add(row)
            return _acknowledged(row), True

        return self._database.write(keep)

    def why_not(self, session: Session, channels: Iterable[tuple[Channel, str | None]]) -> str | None:
        """Return why a case that uses these channels, each with its address, may not start, or None.

        The sentence names the channel and the remedy, and never an address.
        """
        names = dict.fromkeys(name for channel, address in channels for name in self._names(channel, address))
        used = [self._ways[name] for name in names if name in self._ways]
        if not any(way.leaves_country for way in used):
            return None
        return why_not_abroad(used, _known(session).keys())

    def _names(self, channel: Channel, address: str | None) -> Sequence[str]:
        return self._providers_for(address) if channel is Channel.SMS else (channel.value,)


def _known(session: Session) -> dict[str, Acknowledged]:
    return {row.channel: _acknowledged(row) for row in session.exec(select(ChannelAcknowledgement))}


def _acknowledged(row: ChannelAcknowledgement) -> Acknowledged:
    return Acknowledged(row.acknowledged_by, row.acknowledged_at, row.reason)
