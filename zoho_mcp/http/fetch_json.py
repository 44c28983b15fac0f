"""Gets JSON from an address that somebody else chose: encrypted or local, without redirects, neither large nor late."""

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import httpx

from zoho_mcp.errors import UnavailableError
from zoho_mcp.settings.values import is_loopback

_PATIENCE = 10.0
_LARGEST = 500_000
Json = dict[str, Any]


async def fetch_json(address: str, form: Mapping[str, str] | None = None) -> Json:
    """A JSON object from exactly there, as the answer to a form if there is one. Raises UnavailableError.

    Of an address with a query, or of a form, nothing is said in an error: they may hold secrets.
    """
    parts = urlsplit(address)
    where = f"{parts.scheme}://{parts.netloc}{parts.path}"
    try:
        with anyio.fail_after(_PATIENCE):
            status, body = await _exchanged(address, form, trust_env=not is_loopback(parts.hostname or ""))
        found: Any = json.loads(body) if status == 200 and len(body) <= _LARGEST else None
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as problem:
        raise UnavailableError(f"{where} could not be read ({type(problem).__name__}).") from None
    if not isinstance(found, dict):
        raise UnavailableError(f"{where} gives no JSON object (status {status}).")
    return cast(Json, found)


async def _exchanged(address: str, form: Mapping[str, str] | None, *, trust_env: bool) -> tuple[int, bytes]:
    """Status and body, or as much of it as is more than it should be.

    `trust_env`: a proxy of the environment must not come between this machine and itself.
    """
    body = b""
    async with (
        httpx.AsyncClient(timeout=_PATIENCE, trust_env=trust_env, follow_redirects=False) as http,
        http.stream("POST" if form else "GET", address, data=form, headers={"Accept": "application/json"}) as answer,
    ):
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _LARGEST:
                break
    return answer.status_code, body
