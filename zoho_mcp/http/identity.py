"""Who may come in: the holders of a file's tokens, or those whom an OAuth issuer vouches for. Neither: this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings

from zoho_mcp.http.issuer import LEEWAY, Issuer
from zoho_mcp.http.settings import HttpSettings
from zoho_mcp.http.tokens import TokenFile

_LONGEST_TOKEN = 10_000
_LONGEST_PRINCIPAL = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """How callers are known: by one of these, or, with neither, not at all."""

    tokens: TokenFile | None = None
    issued: "Issued | None" = None

    @property
    def verifier(self) -> TokenVerifier | None:
        """What the SDK asks about each request's token."""
        return self.issued or self.tokens


class Issued:
    """Tokens of an issuer, for this server. A TokenVerifier of the SDK."""

    def __init__(self, http: HttpSettings, issuer: Issuer) -> None:
        self.issuer = issuer
        self._audience = http.audience or http.resource
        self._resource = http.resource
        self._claim = http.principal_claim

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who is vouched for; None when nobody is."""
        claims = await self.issuer.claims(token, self._audience) if len(token) <= _LONGEST_TOKEN else None
        principal = self.principal(claims) if claims is not None else ""
        if claims is None or not principal:
            return None
        return AccessToken(
            token="",  # Handed on to nobody.
            client_id=str(claims.get("client_id") or claims.get("azp") or principal),
            scopes=_scopes(claims),
            expires_at=int(claims["exp"] + LEEWAY),
            resource=self._resource,
            subject=principal,
            claims={"iss": self.issuer.url},
        )

    def principal(self, claims: Mapping[str, Any]) -> str:
        """Whom the claims are about; empty when they do not say."""
        found = claims.get(self._claim)
        plain = isinstance(found, str) and found.isprintable() and len(found) <= _LONGEST_PRINCIPAL
        return found if plain and isinstance(found, str) else ""


def identity(http: HttpSettings, issuer: Issuer | None = None) -> Identity:
    """As the settings say; `issuer` is theirs, where a test has one of its own."""
    if http.issuer:
        return Identity(issued=Issued(http, issuer or Issuer(http.issuer)))
    return Identity(tokens=TokenFile(http.tokens) if http.tokens else None)


def auth_settings(http: HttpSettings) -> AuthSettings | None:
    """For the SDK. Where an issuer has to be found, the metadata of this resource say where."""
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
    """However the issuer writes them: RFC 9068, or its own `scp`."""
    said: Any = claims.get("scope") or claims.get("scp") or ""
    return said.split() if isinstance(said, str) else [str(one) for one in cast("list[Any]", said)]
