"""What guards the pages behind a link: headers, the origin of a post, its size, and who is asking."""

import logging
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import Message, Receive

log = logging.getLogger("countersign.links")
_PAPERS_FACTOR = 4


class Gone(Exception):
    """Nothing is behind this address; whether it ever was is not told."""


class ForeignPost(Exception):
    """A form that was sent from another site."""


class TooMuch(Exception):
    """A request body beyond every limit."""


def page_headers(style_hash: str) -> dict[str, str]:
    """Return the headers of every page; `style_hash` is the CSP source of the one inline stylesheet.

    A hash instead of a nonce: the stylesheet never changes within a release, and only so are the pages for
    unknown, expired and revoked codes the same bytes.
    """
    policy = (
        f"default-src 'none'; style-src '{style_hash}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; img-src 'self' data:"
    )
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": policy,
    }


def refuse_foreign_post(request: Request, public_base_url: str) -> None:
    """Raise `ForeignPost` when the browser says that another site sent this form.

    Under `Referrer-Policy: no-referrer` browsers send `Origin: null` with our own forms too, so a null
    origin alone says nothing; the code in the address is what entitles to act, and the one cookie that opens
    anything is Strict.
    """
    site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin", "null")
    hosts = {urlsplit(public_base_url).netloc.lower(), request.headers.get("host", "").lower()}
    if site not in {"same-origin", "none"} or (origin != "null" and _host_of(origin) not in hosts):
        log.warning("a form from another site was refused")
        raise ForeignPost


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # such as http://[, which no browser sends
        return None


def refuse_long_body(request: Request, limit: int) -> Request:
    """Return the request with a body that raises `TooMuch` beyond `limit` bytes, announced or not."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limit:
        raise TooMuch
    return Request(request.scope, _counting(request.receive, limit))


def refuse_long_papers(request: Request, upload_limit: int) -> Request:
    """Return the request with a body that may hold papers of up to `upload_limit` bytes.

    A file somewhat too large still gets its answer on the form, with what was typed kept.
    """
    return refuse_long_body(request, upload_limit * _PAPERS_FACTOR + 64 * 1024)


def _counting(receive: Receive, limit: int) -> Receive:
    left = limit

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooMuch
        return message

    return counted


def client_address(request: Request, trusted_proxies: Iterable[str]) -> str:
    """Return who asks: the peer, or the nearest address in X-Forwarded-For behind trusted proxies."""
    trusted = [ip_network(entry, strict=False) for entry in trusted_proxies]
    peer = request.client.host if request.client else "unknown"
    forwarded = request.headers.get("x-forwarded-for", "")
    for hop in [*reversed([part.strip() for part in forwarded.split(",")]), None]:
        address = _address(peer)
        if hop is None or address is None or not any(address in network for network in trusted):
            return peer
        if _address(hop) is None:
            return peer
        peer = hop
    return peer


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
