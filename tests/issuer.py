"""An OAuth issuer on loopback: metadata, keys that can change, tokens as wished, and a log-in that says yes at once."""

import base64
import hashlib
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
from approving import serving
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "the-approval-page"


@dataclass
class Key:
    """A key pair with its name."""

    kid: str
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def algorithm(self) -> str:
        return "ES256" if isinstance(self.private, ec.EllipticCurvePrivateKey) else "RS256"

    def public(self) -> dict[str, Any]:
        made = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        return {**made, "kid": self.kid, "use": "sig"}


@dataclass
class TestIssuer:
    """What it says of itself, and what it was asked."""

    url: str = ""
    keys: list[Key] = field(default_factory=lambda: [Key("one")])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    subject: str = "ada"
    requests: list[str] = field(default_factory=list[str])
    down: bool = False
    id_claims: dict[str, Any] = field(default_factory=dict[str, Any])
    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    __test__ = False

    def claims(self, audience: str, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.url, "aud": audience, "sub": self.subject, "exp": now + 600, "iat": now, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, audience: str, *, key: Key | None = None, **changes: Any) -> str:
        """A token as it gives them; a claim that is None is left out."""
        key = key or self.keys[0]
        return jwt.encode(self.claims(audience, **changes), key.private, key.algorithm, headers={"kid": key.kid})

    def app(self) -> Starlette:
        async def metadata(request: Request) -> Response:
            self.requests.append(request.url.path)
            if self.down:
                return Response(status_code=503)
            own = {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
            return JSONResponse({**own, **self.metadata})

        async def keys(request: Request) -> Response:
            self.requests.append(request.url.path)
            if self.down:
                return Response(status_code=503)
            return JSONResponse({"keys": [key.public() for key in self.keys]})

        async def authorize(request: Request) -> Response:
            asked = dict(request.query_params)
            assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
            code = f"code-{len(self.codes)}"
            self.codes[code] = asked
            answer = urlencode({"code": code, "state": asked["state"], "iss": self.url})
            return RedirectResponse(f"{asked['redirect_uri']}?{answer}")

        async def token(request: Request) -> Response:
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            asked = self.codes.pop(form["code"], {})
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if (challenge, form["redirect_uri"]) != (asked.get("code_challenge"), asked.get("redirect_uri")):
                return JSONResponse({"error": "invalid_grant"}, 400)
            said: dict[str, Any] = {"nonce": asked["nonce"], **self.id_claims}
            made = self.token(asked["client_id"], key=None, **said)
            return JSONResponse({"access_token": "opaque", "token_type": "Bearer", "id_token": made})

        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", metadata),
                Route("/keys", keys),
                Route("/authorize", authorize),
                Route("/token", token, methods=["POST"]),
            ]
        )


@asynccontextmanager
async def an_issuer() -> AsyncGenerator[TestIssuer]:
    """Served on loopback."""
    issuer = TestIssuer()
    async with serving(issuer.app()) as issuer.url:
        yield issuer
