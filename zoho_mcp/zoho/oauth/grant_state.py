"""The state of a grant, and what a response of the accounts server changes in it. Pure.

Token errors come with HTTP 200, so only the body's `error` counts.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from zoho_mcp.errors import AuthError, LimitedError, UnavailableError, ZohoMcpError
from zoho_mcp.settings.variables import DATA_CENTRES

LONGEST_LIFE = 3600.0
"""Seconds; Zoho's tokens are valid for an hour, and a longer time is not believed."""
REFUSED_FOR = 60.0
"""Seconds after a refusal without another request."""
THROTTLED_FOR = 600.0
KNOWN_API_HOSTS = frozenset(centre.api for centre in DATA_CENTRES.values())
WEB_PAGE = "web_page"
"""Our own error for a response that is not JSON: from a proxy, a firewall or another host."""
_LOGIN = "Run `zoho-invoice-mcp login`"
_ADVICE: Mapping[str, tuple[str, str]] = {
    "invalid_client": (
        "Zoho does not know this client id.",
        "Check ZOHO_CLIENT_ID, and ZOHO_DC: a client exists only in the data centre where it was made.",
    ),
    "invalid_client_secret": ("The client secret is wrong.", "Check ZOHO_CLIENT_SECRET."),
    "invalid_code": (
        "The refresh token is wrong, revoked, or was made for another client.",
        f"{_LOGIN}, or make a new one and set ZOHO_REFRESH_TOKEN, then restart this server; "
        "a one-time grant code is not a refresh token.",
    ),
    "missing_org_info": (
        "Zoho does not find the organisation of this Self Client.",
        "Check ZOHO_SOID: the product and the organisation's number, as in ZohoInvoice.10234695.",
    ),
    "invalid_scope": ("Zoho does not know one of the scopes.", "Check ZOHO_SCOPES and ZOHO_PRODUCT."),
}


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `expires_at`: in seconds of the clock of its `TokenSource`."""

    secret: str = field(repr=False)
    expires_at: float
    api_domain: str = ""
    scopes: frozenset[str] | None = None
    """None: unknown."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there was no token; the next request is made after `until`, in seconds of the same clock."""

    error: str
    description: str
    until: float


@dataclass(frozen=True, slots=True)
class GrantState:
    """A grant's token, its rotated refresh token and the last refusal."""

    token: Token | None = None
    asked_at: float = 0.0
    """The time of the last request."""
    refresh_token: str = field(default="", repr=False)
    failure: Failure | None = None


def apply_response(known: GrantState, answer: Mapping[str, object], asked_at: float) -> GrantState:
    """The state after the response of the token endpoint to a request made at `asked_at`."""
    error, secret = _text(answer, "error"), _text(answer, "access_token")
    if error or not secret:
        description = _text(answer, "error_description")
        failure = Failure(error, description, asked_at)
        failure = replace(failure, until=asked_at + (THROTTLED_FOR if _throttled(failure) else REFUSED_FOR))
        # A rotated refresh token that is refused is dropped: the configured one is tried next.
        refresh_token = "" if error == "invalid_code" else known.refresh_token
        return replace(known, asked_at=asked_at, refresh_token=refresh_token, failure=failure)
    domain = _text(answer, "api_domain").rstrip("/")
    token = Token(
        secret=secret,
        expires_at=asked_at + _life(answer),
        # A token is sent only to hosts of Zoho.
        api_domain=domain if domain in KNOWN_API_HOSTS else "",
        scopes=scopes_in(_text(answer, "scope")),
    )
    return GrantState(token, asked_at, _text(answer, "refresh_token") or known.refresh_token)


def scopes_in(text: str) -> frozenset[str] | None:
    """The scopes in a text with commas or spaces; None if there are none."""
    return frozenset(scope for scope in text.replace(",", " ").split() if scope.count(".") == 2) or None


def error_for(failure: Failure) -> ZohoMcpError:
    """The error for a failure."""
    if _throttled(failure):
        moment = time.strftime("%H:%M", time.localtime(failure.until))
        return LimitedError(
            "Zoho gives no more access tokens for now (it allows ten in ten minutes).",
            f"It does again at {moment} (time of this machine): call again then. Until then nothing is tried.",
        )
    if failure.error == WEB_PAGE:
        return UnavailableError(
            f"The accounts server sent a web page in place of a token ({failure.description}).",
            "Check ZOHO_DC and ZOHO_ACCOUNTS_URL, and whether a proxy or firewall answers for Zoho. It is tried again "
            "in a minute at the earliest.",
        )
    what, next_step = _ADVICE.get(
        failure.error,
        (
            f"Zoho gave no access token ({failure.error[:100] or 'an answer without one'}).",
            f"{_LOGIN}, or check ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC.",
        ),
    )
    return AuthError(what, f"{next_step} It is tried again in a minute at the earliest.")


def _throttled(failure: Failure) -> bool:
    # With a space: `access_denied` means that a person declined.
    return failure.error.lower() == "access denied" or "too many requests" in failure.description.lower()


def _life(answer: Mapping[str, object]) -> float:
    try:
        seconds = float(_text(answer, "expires_in_sec") or _text(answer, "expires_in") or LONGEST_LIFE)
    except ValueError:
        return LONGEST_LIFE
    return min(seconds, LONGEST_LIFE) if seconds > 0 else LONGEST_LIFE


def _text(answer: Mapping[str, object], name: str) -> str:
    value = answer.get(name)
    return str(value) if isinstance(value, (str, int, float)) else ""
