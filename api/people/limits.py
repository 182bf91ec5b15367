"""How often codes may be tried, counted in this process's memory."""

import logging
import math
import time
from ipaddress import ip_address, ip_network

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_MISSES_OF_ONE = parse("30 per 15 minutes")
_MISSES_OF_ALL = parse("300 per 5 minutes")
_POSTS = parse("20 per 15 minutes")
_FILES = parse("60 per 15 minutes")
_CONFIRMS = parse("200 per 15 minutes")
_ASKED_BY_ONE = parse("30 per 15 minutes")
_ASKED_BY_ALL = parse("600 per 15 minutes")
_ALL = "all"

log = logging.getLogger("countersign.links")


class TooManyTries(Exception):
    """Somebody must wait; `seconds` says how long."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"too many tries; wait {seconds} seconds")


class LinkLimits:
    """Wrong codes by client and by everybody; answers, factor tries and files by code.

    Codes enter as keyed hashes only. A form that is shown again for a missing field counts for nothing.

    An address that has missed too often is turned away before its code is looked up. When everybody together
    has, only further misses are: otherwise anybody could close the pages to all who hold a right code.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def before_look_up(self, client: str) -> None:
        """Raise `TooManyTries` when this client has missed too often."""
        if not self._limiter.test(_MISSES_OF_ONE, _counted_as(client)):
            raise self._refusal("one client", _MISSES_OF_ONE, _counted_as(client))

    def missed(self, client: str) -> None:
        """Count a miss; raise `TooManyTries` when it is one too many."""
        everybody = self._limiter.hit(_MISSES_OF_ALL, _ALL)
        if not self._limiter.hit(_MISSES_OF_ONE, _counted_as(client)):
            raise self._refusal("one client", _MISSES_OF_ONE, _counted_as(client))
        if not everybody:
            raise self._refusal("all clients", _MISSES_OF_ALL, _ALL)

    def posting(self, code_hash: str) -> None:
        """Count a well-formed answer or a factor try; raise `TooManyTries` when it is one too many."""
        if not self._limiter.hit(_POSTS, code_hash):
            raise self._refusal("one link", _POSTS, code_hash)

    def confirming(self, code_hash: str) -> None:
        """Count a confirmation of items, which may come one by one; raise `TooManyTries` when too many."""
        if not self._limiter.hit(_CONFIRMS, "confirms", code_hash):
            raise self._refusal("one link's confirmations", _CONFIRMS, "confirms", code_hash)

    def reading_file(self, code_hash: str) -> None:
        """Count a file that is looked at, which costs work even when it is refused; raise `TooManyTries`."""
        if not self._limiter.hit(_FILES, code_hash):
            raise self._refusal("one link's files", _FILES, code_hash)

    def asking(self, client: str) -> None:
        """Count a wish for a one-time code, whoever it is for; raise `TooManyTries` beyond the limit."""
        if not self._limiter.hit(_ASKED_BY_ONE, "asks", _counted_as(client)):
            raise self._refusal("one client's wishes", _ASKED_BY_ONE, "asks", _counted_as(client))
        if not self._limiter.hit(_ASKED_BY_ALL, "asks", _ALL):
            raise self._refusal("all clients' wishes", _ASKED_BY_ALL, "asks", _ALL)

    def _refusal(self, whose: str, item: RateLimitItem, *key: str) -> TooManyTries:
        log.warning("too many tries by %s: more than %s", whose, item)
        free_again = self._limiter.get_window_stats(item, *key).reset_time
        return TooManyTries(max(1, math.ceil(free_again - time.time())))


def _counted_as(client: str) -> str:
    """Return whom tries are counted for: an IPv4 address, or the /64 network that one IPv6 customer holds."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else client
