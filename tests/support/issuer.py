"""An OpenID Connect issuer of a test on the loopback address; it can misbehave in every way that counts."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "countersign", "a secret of the tests"


class Mood(StrEnum):
    """What the issuer does wrong."""

    WELL = "well"
    WRONG_NONCE = "wrong nonce"
    NO_NONCE = "no nonce"
    WRONG_AUDIENCE = "wrong audience"
    WRONG_AUDIENCE_BY_US = "wrong audience, but we are the authorised party"
    ANOTHER_PARTY = "another authorised party"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from the future"
    OTHER_KEY = "another key under the same id"
    ALG_NONE = "alg none"
    HS256_BY_PUBLIC_KEY = "HS256 keyed with the public key"
    HS256_BY_SECRET = "HS256 keyed with the client's secret"
    WRONG_ISSUER = "wrong issuer"
    NO_SUBJECT = "no subject"
    NO_TOKEN = "no ID token"
    GARBAGE = "no JSON"
    REFUSES_CODE = "refuses the code"
    REFUSES_CLIENT = "refuses the client"
    REFUSES_PERSON = "refuses the person"
    DOCUMENT_OF_ANOTHER = "its document names another issuer"
    NO_KEYS = "its keys are no keys"
    OTHER_USER_INFO = "user info of another subject"


@dataclass
class LocalIssuer:
    """What it is asked and how it answers; `claims` are those of the person who signs in."""

    url: str
    mood: Mood = Mood.WELL
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "s-1", "preferred_username": "hr"})
    user_info: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: new_key("one"))
    other: RSAKey = field(default_factory=lambda: new_key("one"))
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self.key = new_key("two")

    def id_token(self, nonce: str) -> str:
        """Return an ID token, right or as wrong as the mood says."""
        now, mood = int(time.time()), self.mood
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.claims,
        }
        wrong: dict[Mood, dict[str, Any]] = {
            Mood.WRONG_NONCE: {"nonce": "another"},
            Mood.WRONG_AUDIENCE: {"aud": "another"},
            Mood.WRONG_AUDIENCE_BY_US: {"aud": ["another"], "azp": CLIENT_ID},
            Mood.ANOTHER_PARTY: {"aud": [CLIENT_ID, "another"], "azp": "another"},
            Mood.EXPIRED: {"iat": now - 900, "exp": now - 600},
            Mood.FROM_THE_FUTURE: {"iat": now + 600, "exp": now + 900},
            Mood.WRONG_ISSUER: {"iss": "https://another.example"},
        }
        claims |= wrong.get(mood, {})
        claims.pop({Mood.NO_NONCE: "nonce", Mood.NO_SUBJECT: "sub"}.get(mood, ""), None)
        if mood is Mood.ALG_NONE:
            return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."
        secrets = {
            Mood.HS256_BY_PUBLIC_KEY: self.key.as_pem(private=False),
            Mood.HS256_BY_SECRET: CLIENT_SECRET,
        }
        if mood in secrets:
            return _signed_with_secret(claims, secrets[mood], str(self.key.kid))
        key = self.other if mood is Mood.OTHER_KEY else self.key
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, key)


def new_key(name: str) -> RSAKey:
    """Return a fresh RSA key with an id."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@contextmanager
def local_issuer() -> Iterator[LocalIssuer]:
    """Yield an issuer that answers on a free port until the block ends."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    issuer = LocalIssuer(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(_app(issuer), port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield issuer
    finally:
        server.should_exit = True
        thread.join()


def _app(issuer: LocalIssuer) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def note(request: Request, call_next: Any) -> Response:
        issuer.asked.append(request.url.path)
        answer: Response = await call_next(request)
        return answer

    @app.get("/.well-known/openid-configuration")
    def document() -> dict[str, Any]:
        named = "https://another.example" if issuer.mood is Mood.DOCUMENT_OF_ANOTHER else issuer.url
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        ends |= {"userinfo_endpoint": "me"}
        return {"issuer": named, **{name: f"{issuer.url}/{path}" for name, path in ends.items()}}

    @app.get("/keys")
    def keys() -> Any:
        return {"keys": 5} if issuer.mood is Mood.NO_KEYS else KeySet([issuer.key]).as_dict(private=False)

    @app.get("/authorize")
    def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT_ID
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        back = f"{asked['redirect_uri']}?state={asked['state']}"
        if issuer.mood is Mood.REFUSES_PERSON:
            return RedirectResponse(f"{back}&error=access_denied&error_description=secret+words", 303)
        code = f"code-{len(issuer.codes)}"
        issuer.codes[code] = asked
        return RedirectResponse(f"{back}&code={code}", 303)

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = await request.form()
        begun = issuer.codes.pop(str(form["code"]), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if issuer.mood is Mood.REFUSES_CLIENT or request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        fits = begun is not None and begun["code_challenge"] == _challenge(str(form["code_verifier"]))
        fits = fits and begun is not None and begun["redirect_uri"] == form["redirect_uri"]
        if begun is None or not fits or issuer.mood is Mood.REFUSES_CODE:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if issuer.mood is Mood.GARBAGE:
            return Response("<html>", media_type="text/html")
        answer = {"access_token": "a", "token_type": "Bearer", "expires_in": 300}
        if issuer.mood is not Mood.NO_TOKEN:
            answer["id_token"] = issuer.id_token(begun["nonce"])
        return JSONResponse(answer)

    @app.get("/me")
    def me() -> dict[str, Any]:
        subject = "another" if issuer.mood is Mood.OTHER_USER_INFO else issuer.claims["sub"]
        return {"sub": subject, **issuer.user_info}

    return app


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _signed_with_secret(claims: dict[str, Any], secret: str | bytes, key_id: str) -> str:
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': key_id})}.{_part(claims)}"
    raw = secret.encode() if isinstance(secret, str) else secret
    mac = hmac.new(raw, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
