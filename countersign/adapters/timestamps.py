"""Timestamps of an outside authority (RFC 3161): asked for, and checked."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx2
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)

from countersign.adapters.signing import leads_to, read_certificates

_LARGEST = 64 * 1024
_SHA256_OID = "2.16.840.1.101.3.4.2.1"
_GRANTED = b"\x30\x03\x02\x01\x00"


class NoTimestamp(RuntimeError):
    """No token could be had; the sentence says why, without the content."""


class TokenFault(ValueError):
    """A token that does not fit; the sentence says why."""


@dataclass(frozen=True)
class Stamped:
    """A token over the content: `at` is the authority's time (UTC), `by` its name, else of its certificate.

    `trusted` is None when no authority was named against which the token could be checked, and False when no
    chain leads from its certificate to those named.
    """

    at: datetime
    by: str
    trusted: bool | None


class Authority:
    """A timestamp authority; with a file of certificates, its tokens are checked when they come."""

    def __init__(self, url: str, ca_file: Path | None, timeout_s: float = 10) -> None:
        self.url, self._ca_file, self._timeout_s = url, ca_file, timeout_s

    def stamp(self, content: bytes) -> bytes:
        """Return a token (DER, ContentInfo) over SHA-256 of the content; raises `NoTimestamp`.

        Nothing but the hash leaves this machine.
        """
        builder = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256)
        request = builder.build()
        headers = {"Content-Type": "application/timestamp-query"}
        try:
            answer = httpx2.post(
                self.url, content=request.as_bytes(), headers=headers, timeout=self._timeout_s
            )
            answer.raise_for_status()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NoTimestamp(f"the timestamp authority did not answer ({type(error).__name__})") from None
        try:
            if len(answer.content) > _LARGEST:
                raise TokenFault("is too large")
            response = _decoded(answer.content)
            if response.status != 0:
                raise TokenFault(f"was refused with status {response.status}")
            if response.tst_info.nonce != request.nonce:
                raise TokenFault("answers another request")
            token = response.time_stamp_token()
            roots = None if self._ca_file is None else read_certificates(self._ca_file)
            if check_token(token, content, roots).trusted is False:
                raise TokenFault("is not of the authority whose certificate is set")
        except ValueError as error:
            raise NoTimestamp(f"the timestamp authority's token {error}") from None
        return token


def check_token(token: bytes, content: bytes, roots: Sequence[x509.Certificate] | None) -> Stamped:
    """Check a token against the content, and with `roots` its signature and chain.

    The certificates have to be valid at the token's own time. Raises `TokenFault` when it is no token, one
    over other bytes, or one that its certificate, which the roots vouch for, has not signed.
    """
    response = _response(token)
    imprint = response.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256_OID or imprint.message != sha256(content).digest():
        raise TokenFault("is a timestamp of other bytes")
    try:
        at = response.tst_info.gen_time.astimezone(UTC)
        within = [x509.load_der_x509_certificate(raw) for raw in response.signed_data.certificates]
        infos = response.signed_data.signer_infos
        signers = [
            c for c in within for i in infos if (c.issuer, c.serial_number) == (i.issuer, i.serial_number)
        ]
        by = _named(response.tst_info.name, signers)
    except Exception:  # a damaged certificate or name makes the library raise what it likes
        raise TokenFault("is not an RFC 3161 timestamp") from None
    if roots is None:
        return Stamped(at, by, None)
    ends = [root for root in roots if root.subject == root.issuer]
    if not any(_may_stamp(one) and leads_to(one, within, ends, at) for one in signers):
        return Stamped(at, by, False)
    if not _fits(response, content, roots):
        raise TokenFault("is not signed by the certificate that it names")
    return Stamped(at, by, True)


def _response(token: bytes) -> TimeStampResponse:
    """Read a token; the library reads whole answers only, so the token becomes one again."""
    return _decoded(_sequence(_GRANTED + token))


def _decoded(answer: bytes) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(answer)
        # Read now what is read later: a part that is missing is told only when it is asked for.
        _ = response.status or (response.tst_info.message_imprint, response.signed_data.signer_infos)
        return response
    except Exception:  # whatever the bytes are, they are no answer
        raise TokenFault("is not an RFC 3161 timestamp") from None


def _may_stamp(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except Exception:  # no such extension, or damaged ones: the library raises what it likes
        return False
    return usage.critical and ExtendedKeyUsageOID.TIME_STAMPING in usage.value


def _fits(response: TimeStampResponse, content: bytes, roots: Sequence[x509.Certificate]) -> bool:
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    with contextlib.suppress(Exception):  # a damaged part makes the library raise what it likes
        return bool(builder.build().verify_message(response, content))
    return False


def _named(by: x509.GeneralName | None, signers: Sequence[x509.Certificate]) -> str:
    if isinstance(by, x509.DirectoryName):
        return by.value.rfc4514_string()
    return signers[0].subject.rfc4514_string() if signers else "an authority that does not name itself"


def _sequence(content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else _long(size)
    return b"\x30" + length + content


def _long(size: int) -> bytes:
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits
