"""Logging in: the address of Zoho's consent page, its redirect, the exchange of the code; and revoking the grant."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from pydantic import SecretStr

from zoho_mcp.errors import AuthError, ZohoMcpError
from zoho_mcp.settings import Settings
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.zoho.oauth.cache import accounts_host, cache_for
from zoho_mcp.zoho.oauth.grant_state import Failure, GrantState, apply_response, error_for
from zoho_mcp.zoho.oauth.pkce import challenge_of, new_verifier
from zoho_mcp.zoho.oauth.tokens import Http, post_form

PATH = "/callback"
PORT = 8765
_NEW_CODE = "Make a new one, or run `zoho-invoice-mcp login` again: a code works once, for a few minutes."


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to log in. `state` and `verifier` tie the redirect and the code to it."""

    port: int = PORT
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    verifier: str = field(default_factory=new_verifier, repr=False)

    @property
    def redirect_uri(self) -> str:
        """The address to which Zoho redirects the browser. Zoho refuses to register 127.0.0.1 (seen with rclone)."""
        return f"http://localhost:{self.port}{PATH}"


def consent_url(settings: Settings, attempt: Attempt, scopes: tuple[str, ...]) -> str:
    """The address of Zoho's page on which a person grants these scopes."""
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "scope": ",".join(scopes),
        "redirect_uri": attempt.redirect_uri,
        "access_type": "offline",
        "prompt": "consent",
        "state": attempt.state,
        "code_challenge": challenge_of(attempt.verifier),
        "code_challenge_method": "S256",
    }
    return f"{accounts_host(settings)}/oauth/v2/auth?{urlencode(query)}"


def code_from(settings: Settings, query: Mapping[str, str]) -> tuple[str, str]:
    """The code of a redirect, and the accounts server that exchanges it.

    Raises AuthError if there is no code, or if the server is unknown.
    """
    if not query.get("code"):
        reason = query.get("error", "no code")[:100]
        raise AuthError(f"Zoho did not grant access ({reason}).", "Run login again, and accept on Zoho's page.")
    server = query.get("accounts-server", "").rstrip("/") or accounts_host(settings)
    if server not in {accounts_host(settings), *(centre.accounts for centre in DATA_CENTRES.values())}:
        raise AuthError(
            f"The answer names {server[:100]} as the accounts server, which is none of Zoho's that are known here.",
            "The code was not sent there. Set ZOHO_ACCOUNTS_URL if this server is really meant.",
        )
    return query["code"], server


def data_centre_of(accounts: str) -> str | None:
    """The data centre with this accounts server."""
    return next((name for name, centre in DATA_CENTRES.items() if centre.accounts == accounts), None)


async def exchange(
    http: Http, settings: Settings, code: str, attempt: Attempt | None = None, scopes: tuple[str, ...] = ()
) -> Settings:
    """The settings with the refresh token for a code; the first access token is stored in the cache.

    `attempt` is None for the code of a Self Client; `scopes` are those that were requested.
    Raises AuthError, LimitedError or UnavailableError.
    """
    form = {
        "grant_type": "authorization_code",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.get_secret_value(),
        "code": code,
    }
    if attempt:
        form |= {"redirect_uri": attempt.redirect_uri, "code_verifier": attempt.verifier}
    asked_at = time.time()
    known = apply_response(
        GrantState(), await post_form(http, accounts_host(settings), "/oauth/v2/token", form), asked_at
    )
    if known.failure:
        raise _refused(known.failure, attempt)
    if not known.refresh_token:
        raise AuthError("Zoho gave no refresh token.", "Run login again; with a Self Client, make a new code.")
    granted = known.token.scopes if known.token else None
    settings = replace(settings, refresh_token=SecretStr(known.refresh_token), scopes=tuple(sorted(granted or scopes)))
    if cache := cache_for(settings):
        cache.write(replace(known, refresh_token=""))
    return settings


def _refused(failure: Failure, attempt: Attempt | None) -> ZohoMcpError:
    if failure.error == "invalid_code":
        return AuthError("Zoho does not accept the code.", _NEW_CODE)
    if failure.error == "invalid_redirect_uri":
        uri = attempt.redirect_uri if attempt else "the one the code was made for"
        return AuthError("Zoho knows another redirect address.", f"Register {uri} with the client in the API console.")
    return error_for(failure)


async def revoke(http: Http, settings: Settings) -> bool:
    """Revoke the grant at Zoho; False if Zoho does not confirm it. Raises UnavailableError."""
    cache = cache_for(settings)
    known = cache.read() if cache else GrantState()
    access = known.token.secret if known.token else ""
    grant = known.refresh_token or settings.refresh_token.get_secret_value() or access
    # In a form, not in the query of Zoho's examples: queries end up in logs.
    answer = await post_form(http, accounts_host(settings), "/oauth/v2/token/revoke", {"token": grant}) if grant else {}
    return not grant or answer.get("status") == "success"
