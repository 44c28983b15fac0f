"""Checks of the requests to a page: under which name, from which page, with which form. Knows nothing of MCP."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from starlette.background import BackgroundTask
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoho_mcp.pages.html import STYLE, notice_page, source_hash

_MAX_FORM = 4096
"""Bytes."""
_POLICY = (
    f"default-src 'none'; style-src {source_hash(STYLE)}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    # Not no-referrer: with it, browsers send `Origin: null` with a form, and the check of Origin is worth more.
    # The address still goes to no other origin.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def local_only(app: ASGIApp, port: int, script: str = "") -> ASGIApp:
    """`app` for this machine's browsers: with `HEADERS`, and refusing requests under any other host name.

    `script`: the source of the only script that may run.
    """
    names = {f"127.0.0.1:{port}", f"localhost:{port}"}
    policy = f"{_POLICY}; script-src {source_hash(script)}" if script else _POLICY
    headers = {**HEADERS, "content-security-policy": policy}

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        hosts = Headers(scope=scope).getlist("host")
        is_known = len(hosts) == 1 and hosts[0] in names
        answer = app if is_known else refusal("This address is not served under that host name.")
        await answer(scope, receive, send_with_headers)

    return guard


def notice(title: str, text: str, status: int = 200, then: Callable[[], None] | None = None) -> Response:
    """A page with one message. `then` is called when it has been sent."""
    return HTMLResponse(notice_page(title, text), status, background=BackgroundTask(then) if then else None)


def refusal(why: str, next_step: str = "Open the approval again.") -> Response:
    """A 403: nothing was done, the reason, and what to do."""
    return notice("Refused", f"{why} Nothing was done. {next_step}", 403)


def is_from(request: Request, origin: str) -> bool:
    """Whether a page at `origin` sent this form.

    Browsers name the origin of a form, and no page can make them lie. A request without an origin is refused.
    """
    if request.headers.getlist("origin") != [origin]:
        return False
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def is_own_form(request: Request) -> bool:
    """The same for a page on this machine, after `local_only` has checked the host name."""
    return is_from(request, f"http://{request.headers.get('host', '')}")


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a small form. A field that is sent twice is left out."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        return {}
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items() if len(values) == 1}
