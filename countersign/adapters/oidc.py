"""The company's identity provider, by OpenID Connect: Authorization Code with PKCE, verified ID tokens.

Sources: OpenID Connect Core 1.0, section 3.1.3.7 (what of an ID token is checked) and 5.3 (user info);
RFC 7636 (PKCE); RFC 9207 (the issuer in the answer); OpenID Connect Discovery 1.0, section 4.
"""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

LEEWAY_S = 120
"""How far the clocks of both servers may be apart."""
_KEPT = timedelta(hours=1)
_TIMEOUT_S = 10
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# Only what a private key signs: with a shared secret, or with none, anybody who knows the public key could.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OF_TIME = {"exp", "iat", "nbf"}


class Fault(StrEnum):
    """Why nobody was signed in, as far as the identity provider goes."""

    UNREACHABLE = "unreachable"
    NOT_AS_SET_UP = "not_as_set_up"
    REFUSED = "refused"
    UNVERIFIED = "unverified"
    CLOCKS = "clocks"
    NO_LOGIN = "no_login"


class OidcFault(Exception):
    """A sign-in that failed; `why` is for the log and holds names of claims and errors, never a value."""

    def __init__(self, fault: Fault, why: str) -> None:
        super().__init__(f"{fault}: {why}")
        self.fault, self.why = fault, why


@dataclass(frozen=True)
class Journey:
    """The way to the provider, and what must be known again when somebody comes back from there."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Arrived:
    """Who came back: `<issuer>|<subject>`, and the login that their account here has."""

    subject: str = field(repr=False)
    login: str = field(repr=False)


@dataclass(frozen=True)
class _Provider:
    endpoints: Mapping[str, Any]
    keys: KeySet
    read_at: datetime


class Issuer:
    """One identity provider. What it says of itself is kept for an hour, and read again for unknown keys."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        name_claim: str,
        redirect_uri: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._issuer, self._client_id, self._client_secret = issuer, client_id, client_secret
        self.name_claim, self._redirect_uri, self._clock = name_claim, redirect_uri, clock
        self._known: _Provider | None = None
        self._reading = threading.Lock()

    def begin(self) -> Journey:
        """Return the way to the provider's sign-in page; raises `OidcFault`."""
        provider = self._provider()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        with self._client(provider) as client:
            url, _ = client.create_authorization_url(
                provider.endpoints["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce
            )
        return Journey(url, state, nonce, verifier)

    def finish(self, code: str, nonce: str, verifier: str, says_issuer: str | None) -> Arrived:
        """Exchange a code and return who it stands for, everything verified; raises `OidcFault`.

        `says_issuer` is the issuer that the answer names, where it names one.
        """
        if says_issuer is not None and says_issuer != self._issuer:
            raise OidcFault(Fault.UNVERIFIED, "the answer names another issuer")
        provider = self._provider()
        token = self._token(provider, code, verifier)
        claims = self._verified(provider, token, nonce)
        login = claims.get(self.name_claim)
        if login is None:
            claims = {**self._more(provider, token, claims["sub"]), **claims}
            login = claims.get(self.name_claim)
        if not isinstance(login, str) or not login.strip():
            raise OidcFault(Fault.NO_LOGIN, f"no claim {self.name_claim!a}")
        if self.name_claim == "email" and claims.get("email_verified") is False:
            raise OidcFault(Fault.NO_LOGIN, "the e-mail address is not verified")
        return Arrived(f"{self._issuer}|{claims['sub']}", login.strip())

    # -- what the provider says of itself -----------------------------------------------------------------

    def _provider(self, *, again: bool = False) -> _Provider:
        with self._reading:
            known = self._known
            if known is None or again or self._clock() - known.read_at > _KEPT:
                self._known = known = self._read()
            return known

    def _read(self) -> _Provider:
        found = _json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise OidcFault(Fault.NOT_AS_SET_UP, "oidc_issuer is not the issuer that its own document names")
        for name in _ENDPOINTS:
            if not safe_address(found.get(name)):
                raise OidcFault(Fault.NOT_AS_SET_UP, f"{name} is missing or no https address")
        try:
            keys = KeySet.import_key_set(_json(found["jwks_uri"]))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise OidcFault(Fault.NOT_AS_SET_UP, f"its keys: {type(error).__name__}") from None
        return _Provider(found, keys, self._clock())

    def _client(self, provider: _Provider) -> Any:
        ways = provider.endpoints.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        secret_by = "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
        return OAuth2Client(
            self._client_id,
            self._client_secret or None,
            token_endpoint_auth_method=secret_by if self._client_secret else "none",
            scope="openid profile email" if self.name_claim.startswith("email") else "openid profile",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
        )

    # -- one sign-in --------------------------------------------------------------------------------------

    def _token(self, provider: _Provider, code: str, verifier: str) -> dict[str, Any]:
        try:
            with self._client(provider) as client:
                token = client.fetch_token(
                    provider.endpoints["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                )
        except AuthlibBaseError as error:
            at_fault = Fault.NOT_AS_SET_UP if error.error == "invalid_client" else Fault.REFUSED
            raise OidcFault(at_fault, f"the code was not exchanged: {known_error(error.error)}") from None
        except httpx2.HTTPError as error:
            raise OidcFault(Fault.UNREACHABLE, type(error).__name__) from None
        except ValueError:
            raise OidcFault(Fault.NOT_AS_SET_UP, "its answer to the code cannot be read") from None
        if not isinstance(token.get("id_token"), str):
            raise OidcFault(Fault.NOT_AS_SET_UP, "its answer to the code has no id_token")
        return dict(token)

    def _verified(self, provider: _Provider, token: dict[str, Any], nonce: str) -> dict[str, Any]:
        try:
            try:
                signed = _signed(token["id_token"], provider.keys)
            except (InvalidKeyIdError, BadSignatureError):
                # It signs with a new key since its keys were read.
                signed = _signed(token["id_token"], self._provider(again=True).keys)
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "sub": {"essential": True},
                },
                {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")},
            )
            claims.validate(now=int(self._clock().timestamp()), leeway=LEEWAY_S)
        except ExpiredTokenError:
            raise OidcFault(Fault.CLOCKS, "exp has passed") from None
        except ClaimError as error:
            of_time = error.error == "invalid_claim" and error.claim in _OF_TIME
            at_fault = Fault.CLOCKS if of_time else Fault.UNVERIFIED
            raise OidcFault(at_fault, f"{error.error} {error.claim}") from None
        except JoseError as error:
            raise OidcFault(Fault.UNVERIFIED, error.error) from None
        except (ValueError, TypeError) as error:
            raise OidcFault(Fault.UNVERIFIED, type(error).__name__) from None
        return dict(claims)

    def _more(self, provider: _Provider, token: dict[str, Any], subject: str) -> dict[str, Any]:
        """Return the user info of the same subject; many providers name the login only there."""
        address = provider.endpoints.get("userinfo_endpoint")
        if not safe_address(address) or not isinstance(token.get("access_token"), str):
            return {}
        found = _json(str(address), {"Authorization": f"Bearer {token['access_token']}"})
        if found.get("sub") != subject:
            raise OidcFault(Fault.UNVERIFIED, "the user info is of another subject")
        return found


def safe_address(address: object) -> bool:
    """Say whether an address is https, or http on this very machine."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        )
    except ValueError:
        return False


_ERRORS = {
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
}


def known_error(code: object) -> str:
    """Return an error code of OAuth; anything else, which could hold anything, as `another error`."""
    return code if isinstance(code, str) and code in _ERRORS else "another error"


def _signed(text: str, keys: KeySet) -> jwt.Token:
    registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
    return jwt.decode(text, keys, registry=registry)


def _json(address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    try:
        answer = httpx2.get(address, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except httpx2.HTTPStatusError as error:
        away = error.response.status_code >= 500
        at_fault = Fault.UNREACHABLE if away else Fault.NOT_AS_SET_UP
        raise OidcFault(at_fault, f"status {error.response.status_code}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise OidcFault(Fault.UNREACHABLE, type(error).__name__) from None
    except ValueError:
        raise OidcFault(Fault.NOT_AS_SET_UP, "a document that is no JSON") from None
    if not isinstance(found, dict):
        raise OidcFault(Fault.NOT_AS_SET_UP, "a document that is no JSON object")
    return found
