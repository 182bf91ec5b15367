"""The one sender of text messages that the rest of the product sees: it picks the way out by the number."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from countersign.contracts.sending import ChannelError, SendOutcome, SentSms, SmsMessage, outcome_for
from countersign.domain.destinations import Capability, SmsProvider, by_longest_prefix, capability_of
from countersign.domain.sms_templates import RegisteredTexts, registered_texts
from countersign.domain.yaml_text import InputError, shown

_NOTHING = Capability(link_ok=False, reply_ok=False)


class SmsWayOut(Protocol):
    """One provider behind the routes."""

    async def send(self, message: SmsMessage) -> SendOutcome:
        """Hand over one message; every end is a value."""
        ...

    async def find(
        self, to: str, delivery_code: str, since: datetime, delivery_id: str | None = None
    ) -> str | None:
        """Return the provider's id of a message, if it ever got there."""
        ...

    async def fetch_status(self, sent: SentSms) -> tuple[str, str | None]:
        """Return the state of a message in the words of the receipt table, and its error code."""
        ...

    def capabilities(self, e164: str) -> Capability:
        """Say what the network of a number lets through."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def routes_of(table: Mapping[str, str], source: str) -> dict[str, SmsProvider]:
    """Read the routes: number prefix to provider, `""` for every number that no other prefix fits.

    Raises `InputError` with one sentence that names `source` and the prefix: for a prefix that is none, a
    provider that does not exist, and a provider that does not send to the prefix.
    """
    known = ", ".join(provider.value for provider in SmsProvider)
    routes = {}
    for prefix, name in table.items():
        if prefix and not (prefix[0] == "+" and prefix.isascii() and prefix[1:].isdecimal()):
            raise InputError(
                f'{source}: {shown(prefix)} is no prefix; write one like "+86", or "" for the rest'
            )
        if name not in list(SmsProvider):
            raise InputError(f"{source}: {shown(prefix)} goes to {shown(name)}; known providers: {known}")
        provider = SmsProvider(name)
        if capability_of(provider, prefix) is None:
            raise InputError(
                f"{source}: {provider.value} does not send to {shown(prefix)}; name a prefix it sends to"
            )
        routes[prefix] = provider
    if not routes:
        raise InputError(f'{source}: names no provider; write for example {{"": "twilio"}}')
    return routes


def load_registered_texts(file: Path) -> RegisteredTexts:
    """Read the installation's file of texts registered with providers.

    Raises `InputError` with one sentence that names the file, the place and the remedy.
    """
    try:
        content = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"sms_templates_file: {file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"sms_templates_file: {file} is not UTF-8 text; save it as UTF-8") from None
    return registered_texts(content, file.name)


class RoutedSms:
    """Sends through the provider of the longest prefix; `ways` holds a client for each provider named."""

    def __init__(self, routes: Mapping[str, SmsProvider], ways: Mapping[SmsProvider, SmsWayOut]) -> None:
        for provider in routes.values():
            if provider not in ways:
                raise ValueError(
                    f"sms_routes names {provider.value}, which is not set up; set its account first."
                )
        self._routes, self._ways = dict(routes), dict(ways)

    def provider_of(self, to: str) -> str:
        """Return the name of the provider for a number; empty where no route leads."""
        provider = by_longest_prefix(self._routes, to)
        return provider.value if provider is not None else ""

    async def send(self, message: SmsMessage) -> SendOutcome:
        """Hand one message to the provider of its number and say how that ended."""
        way = self._way(None, message.to)
        return outcome_for("sms_wrong_destination") if way is None else await way.send(message)

    async def find(
        self,
        to: str,
        delivery_code: str,
        since: datetime,
        delivery_id: str | None = None,
        provider: str | None = None,
    ) -> str | None:
        """Return the provider's id of a message that may have left, or None.

        `provider` is the one it was given to; without it the one that the routes name today.

        Raises:
            ChannelError: nothing is known, because the provider gave no list or is no longer set up.

        """
        return await self._asked(provider, to).find(to, delivery_code, since, delivery_id)

    async def fetch_status(self, sent: SentSms, provider: str | None = None) -> tuple[str, str | None]:
        """Return the state of a message in the words of the receipt table, and its error code.

        `provider` is the one it was given to; without it the one that the routes name today.

        Raises:
            ChannelError: nothing is known, because the provider gave no answer or is no longer set up.

        """
        return await self._asked(provider, sent.to).fetch_status(sent)

    def capabilities(self, e164: str) -> Capability:
        """Say what the way to a number lets through."""
        way = self._way(None, e164)
        return _NOTHING if way is None else way.capabilities(e164)

    async def aclose(self) -> None:
        """Close every way out."""
        for way in self._ways.values():
            await way.aclose()

    def _way(self, provider: str | None, to: str) -> SmsWayOut | None:
        name = provider or self.provider_of(to)
        return self._ways.get(SmsProvider(name)) if name in list(SmsProvider) else None

    def _asked(self, provider: str | None, to: str) -> SmsWayOut:
        way = self._way(provider, to)
        if way is None:
            raise ChannelError("sms_wrong_destination")
        return way
