"""Zoho's accounts server: grants, refreshes and revokes tokens, and checks the token of an API call.

Refusals of the token endpoint come with HTTP 200 and an `error`, as the real ones do.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from zoho_mcp.sandbox.store import Books, Store
from zoho_mcp.sandbox.times import parse_stamp, stamp
from zoho_mcp.sandbox.wire.errors import ZohoError, not_authorized
from zoho_mcp.sandbox.wire.json_wire import Record

LIFETIME = timedelta(hours=1)
CODE_LIFETIME = timedelta(minutes=2)
WINDOW = timedelta(minutes=10)
REFRESHES_PER_WINDOW = 10
LIVE_TOKENS = 15
THROTTLED: Record = {
    "error": "Access Denied",
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "status": "failure",
}


def add_client(store: Store, client_id: str, client_secret: str) -> None:
    """Register a client."""
    store.shared.put("oauth_client", client_id, {"client_id": client_id, "client_secret": client_secret})


def add_refresh_token(store: Store, client_id: str, scopes: Iterable[str], token: str = "") -> str:
    """Grant a refresh token with these scopes, as the consent page would. Returns the token."""
    token = token or _new_token()
    store.shared.put("refresh_token", token, {"token": token, "client_id": client_id, "scopes": list(scopes)})
    return token


def add_code(store: Store, client_id: str, scopes: Iterable[str], now: datetime, **more: str) -> str:
    """Mint an authorization code, as the consent page or a Self Client would; it is valid once, for two minutes.

    `more` may hold redirect_uri, code_challenge and access_type ("online": no refresh token comes with it).
    """
    code = _new_token()
    record = {"client_id": client_id, "scopes": list(scopes), **more}
    store.shared.put("grant_code", code, {**record, "expires": stamp(now + CODE_LIFETIME)})
    return code


def consent(store: Store, params: Mapping[str, str], now: datetime, accounts_server: str) -> str:
    """Handle GET /oauth/v2/auth as if the user had agreed. Returns the address that the browser opens next.

    It is empty for an unknown client and for a redirect address that is not on this machine. Real Zoho compares the
    address with the registered ones; the sandbox has no console to register one.
    """
    redirect_uri = params.get("redirect_uri", "")
    parts = urlsplit(redirect_uri)
    client = store.shared.get("oauth_client", params.get("client_id", ""))
    if client is None or parts.scheme != "http" or parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        return ""
    scopes = [scope for scope in params.get("scope", "").replace(" ", ",").split(",") if scope]
    state = {"state": params["state"]} if "state" in params else {}
    method = params.get("code_challenge_method", "S256")
    if params.get("response_type") != "code" or not scopes or method != "S256":
        return f"{redirect_uri}?{urlencode({**state, 'error': 'invalid_request'})}"  # the word is OAuth's: unverified
    more = {"redirect_uri": redirect_uri, "code_challenge": params.get("code_challenge", "")}
    more["access_type"] = params.get("access_type", "online")
    code = add_code(store, params["client_id"], scopes, now, **more)
    answer = {**state, "code": code, "location": "us", "accounts-server": accounts_server}
    return f"{redirect_uri}?{urlencode(answer)}"


def token(store: Store, params: Mapping[str, str], now: datetime, api_domain: str) -> Record:
    """Answer POST /oauth/v2/token."""
    client = store.shared.get("oauth_client", params.get("client_id", ""))
    if client is None:
        return {"error": "invalid_client"}
    if not secrets.compare_digest(str(client["client_secret"]).encode(), params.get("client_secret", "").encode()):
        return {"error": "invalid_client_secret"}
    grant_type = params.get("grant_type", "")
    if grant_type == "refresh_token":
        return _refresh(store.shared, params, now, api_domain)
    if grant_type == "authorization_code":
        return _exchange(store, params, now, api_domain)
    if grant_type == "client_credentials":
        return _client_credentials(store, params, now, api_domain)
    return {"error": "unsupported_grant_type"}  # the word is OAuth's own; unverified with Zoho


def revoke(store: Store, params: Mapping[str, str]) -> Record:
    """Answer POST /oauth/v2/token/revoke: revoking a refresh token revokes its access tokens."""
    shared, revoked = store.shared, params.get("token", "")
    for kind in ("refresh_token", "access_token"):
        if shared.get(kind, revoked) is not None:
            shared.drop(kind, revoked)
            for access in _live(shared, revoked):
                shared.drop("access_token", str(access["token"]))
            return {"status": "success"}
    return {"error": "invalid_code"}  # for an unknown token: unverified


def revoke_all(store: Store) -> None:
    """Every access token stops working, as after a change of password; refresh tokens stay."""
    with store.transaction():
        for access in store.shared.all("access_token"):
            store.shared.drop("access_token", str(access["token"]))


def authenticate(store: Store, authorization: str, now: datetime) -> Record:
    """The access token record of an Authorization header. Raises ZohoError."""
    if not authorization:
        raise ZohoError(
            14,
            "The request could not be authenticated as the authentication value you entered is invalid. "
            "Enter a valid authentication value and try again.",
            401,
        )
    scheme, _, presented = authorization.partition(" ")
    record = store.shared.get("access_token", presented.strip())
    if scheme.lower() not in ("zoho-oauthtoken", "bearer") or record is None or _expired(record, now):
        raise not_authorized()
    return record


def authorize(access: Record, product: str, scope: str) -> None:
    """Raise unless the token covers a scope such as "invoices.READ" of the product."""
    prefix = {"invoice": "zohoinvoice", "books": "zohobooks"}[product]
    module, _, _ = scope.lower().partition(".")
    enough = {f"{prefix}.{scope.lower()}", f"{prefix}.{module}.all", f"{prefix}.fullaccess.all"}
    if enough.isdisjoint(str(granted).lower() for granted in access["scopes"]):
        raise not_authorized()


def _refresh(shared: Books, params: Mapping[str, str], now: datetime, api_domain: str) -> Record:
    refresh = shared.get("refresh_token", params.get("refresh_token", ""))
    if refresh is None or refresh["client_id"] != params["client_id"]:
        return {"error": "invalid_code"}
    recent = [made for made in refresh.get("refreshes", []) if now - (parse_stamp(made) or now) < WINDOW]
    if len(recent) >= REFRESHES_PER_WINDOW:
        return THROTTLED
    shared.put("refresh_token", str(refresh["token"]), {**refresh, "refreshes": [*recent, stamp(now)]})
    return _grant(shared, str(refresh["token"]), refresh["scopes"], now, api_domain)


def _exchange(store: Store, params: Mapping[str, str], now: datetime, api_domain: str) -> Record:
    code = params.get("code", "")
    grant = store.shared.get("grant_code", code)
    if grant is None or grant["client_id"] != params["client_id"] or _expired(grant, now):
        return {"error": "invalid_code"}
    if grant.get("redirect_uri") and grant["redirect_uri"] != params.get("redirect_uri", ""):
        return {"error": "invalid_redirect_uri"}
    store.shared.drop("grant_code", code)
    if grant.get("code_challenge") and grant["code_challenge"] != _challenge(params.get("code_verifier", "")):
        return {"error": "invalid_code"}  # unverified: Zoho's answer to a wrong verifier is not known
    if grant.get("access_type") == "online":
        return _grant(store.shared, "", grant["scopes"], now, api_domain)
    refresh = add_refresh_token(store, params["client_id"], grant["scopes"])
    return {**_grant(store.shared, refresh, grant["scopes"], now, api_domain), "refresh_token": refresh}


def _challenge(verifier: str) -> str:
    """The PKCE challenge that belongs to a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _client_credentials(store: Store, params: Mapping[str, str], now: datetime, api_domain: str) -> Record:
    scopes = [scope for scope in params.get("scope", "").replace(" ", ",").split(",") if scope]
    if not scopes:
        return {"error": "invalid_scope"}
    product, _, organization_id = params.get("soid", "").partition(".")
    organization = store.shared.get("organization", organization_id)
    if product.lower() not in ("zohoinvoice", "zohobooks") or organization is None:
        return {"error": "missing_org_info"}
    return _grant(store.shared, "", scopes, now, api_domain)


def _grant(shared: Books, refresh: str, scopes: list[str], now: datetime, api_domain: str) -> Record:
    for expired in [access for access in shared.all("access_token") if _expired(access, now)]:
        shared.drop("access_token", str(expired["token"]))
    for oldest in _live(shared, refresh)[: -(LIVE_TOKENS - 1)] if refresh else []:
        shared.drop("access_token", str(oldest["token"]))
    access = _new_token()
    record = {"token": access, "refresh_token": refresh, "scopes": scopes, "expires": stamp(now + LIFETIME)}
    shared.put("access_token", access, record)
    return {
        "access_token": access,
        "scope": " ".join(scopes),
        "api_domain": api_domain,
        "token_type": "Bearer",
        "expires_in": int(LIFETIME.total_seconds()),
    }


def _live(shared: Books, refresh: str) -> list[Record]:
    return [access for access in shared.all("access_token") if access["refresh_token"] == refresh]


def _expired(record: Record, now: datetime) -> bool:
    expires = parse_stamp(str(record["expires"]))
    return expires is None or now >= expires


def _new_token() -> str:
    return f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
