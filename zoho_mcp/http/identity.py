"""Who is let in: the holders of a file's tokens, or of an OAuth issuer's. Without either, only this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings

from zoho_mcp.http.issuer import LEEWAY, Issuer
from zoho_mcp.http.settings import HttpSettings
from zoho_mcp.http.tokens import TokenFile

_MAX_TOKEN = 10_000
_MAX_PRINCIPAL = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """How callers are identified: by one of these. With neither, they are not identified."""

    tokens: TokenFile | None = None
    issued: "Issued | None" = None

    @property
    def verifier(self) -> TokenVerifier | None:
        """Verifies each request's token for the SDK."""
        return self.issued or self.tokens


class Issued:
    """An issuer's tokens for this server. A TokenVerifier of the SDK."""

    def __init__(self, http: HttpSettings, issuer: Issuer) -> None:
        self.issuer = issuer
        self._audience = http.audience or http.resource
        self._resource = http.resource
        self._claim = http.principal_claim

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access of a valid token; None for any other."""
        claims = await self.issuer.claims(token, self._audience) if len(token) <= _MAX_TOKEN else None
        principal = self.principal(claims) if claims is not None else ""
        if claims is None or not principal:
            return None
        return AccessToken(
            token="",  # It is not passed on.
            client_id=str(claims.get("client_id") or claims.get("azp") or principal),
            scopes=_scopes(claims),
            expires_at=int(claims["exp"] + LEEWAY),
            resource=self._resource,
            subject=principal,
            claims={"iss": self.issuer.url},
        )

    def principal(self, claims: Mapping[str, Any]) -> str:
        """The principal in the claims; empty without a usable one."""
        found = claims.get(self._claim)
        plain = isinstance(found, str) and found.isprintable() and len(found) <= _MAX_PRINCIPAL
        return found if plain and isinstance(found, str) else ""


def identity(http: HttpSettings, issuer: Issuer | None = None) -> Identity:
    """The identity that the settings describe. `issuer` replaces theirs in tests."""
    if http.issuer:
        return Identity(issued=Issued(http, issuer or Issuer(http.issuer)))
    return Identity(tokens=TokenFile(http.tokens) if http.tokens else None)


def auth_settings(http: HttpSettings) -> AuthSettings | None:
    """The SDK's settings. With an issuer, the metadata of this resource name it."""
    if not http.knows_callers:
        return None
    return AuthSettings.model_validate(
        {
            # As texts: clients compare them letter by letter, and a URL object would grow a slash.
            "issuer_url": http.issuer or http.url,
            "resource_server_url": http.resource if http.issuer else None,
            "required_scopes": list(http.scopes) or None,
            "validate_token_resource": False,  # The audience was checked with the token.
        }
    )


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """The scopes, as RFC 9068 writes them or in some issuers' `scp`."""
    said: Any = claims.get("scope") or claims.get("scp") or ""
    return said.split() if isinstance(said, str) else [str(one) for one in cast("list[Any]", said)]
