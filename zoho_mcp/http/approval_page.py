"""The approval page at the server's public address, for the person whose assistant asks.

The address of a question reveals nothing by itself: a request without a valid cookie gets the login page.
"""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from functools import partial

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from zoho_mcp.approval_page.app import Page
from zoho_mcp.errors import UnavailableError
from zoho_mcp.http.identity import Identity
from zoho_mcp.http.login import BrowserLogin, CookieSigner, WrongTokens
from zoho_mcp.http.settings import PAGE, HttpSettings
from zoho_mcp.pages.html import fill, whole_page
from zoho_mcp.pages.requests import HEADERS, form_of, is_from, notice, refusal
from zoho_mcp.policy.approvals import Approvals

Handler = Callable[[Request], Awaitable[Response]]
_fill = partial(fill, "http")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,100}")


class ApprovalSite:
    """The page's routes. `key`: 32 random bytes; servers that share it accept each other's logins and forms."""

    def __init__(self, approvals: Approvals, http: HttpSettings, who: Identity, key: bytes) -> None:
        self._origin = http.url
        self._who = who
        self._page = Page(approvals, hmac.new(key, b"approval page forms", hashlib.sha256).digest())
        self._cookies = CookieSigner(key, http.url)
        self._wrong_tokens = WrongTokens()
        self._issuer_login = (
            BrowserLogin(who.issued, http.client_id, f"{http.url}{PAGE}/callback") if who.issued else None
        )

    def routes(self) -> list[Route]:
        """All routes below `PAGE`."""
        found = [
            self._route("/{secret}", self._show, "GET"),
            self._route("/{secret}", self._decide, "POST"),
            self._route("/{secret}/logout", self._log_out, "POST"),
        ]
        if self._issuer_login is None:
            return [self._route("/{secret}/login", self._log_in_with_token, "POST"), *found]
        return [
            self._route("/{secret}/login", self._go_to_issuer, "GET"),
            self._route("/callback", self._come_back, "GET"),
            *found,
        ]

    def _route(self, path: str, handler: Handler, method: str) -> Route:
        async def answer(request: Request) -> Response:
            response = await handler(request)
            response.headers.update(HEADERS)
            return response

        return Route(f"{PAGE}{path}", answer, methods=[method])

    async def _show(self, request: Request) -> Response:
        principal = self._principal(request)
        if not principal:
            return self._log_in_first(request)
        return self._or_other_login(principal, request, await self._page.show(request, principal))

    async def _decide(self, request: Request) -> Response:
        principal = self._principal(request)
        if not principal:
            return self._log_in_first(request)
        return self._or_other_login(principal, request, await self._page.decide(request, principal, self._origin))

    def _principal(self, request: Request) -> str:
        """The logged-in principal, if the login is still valid; else empty."""
        session = self._cookies.get(request, "session")
        if session is None:
            return ""
        tokens = self._who.tokens
        return "" if tokens and not tokens.still_has(session["principal"], session["token"]) else session["principal"]

    def _or_other_login(self, principal: str, request: Request, response: Response) -> Response:
        """The page's response. With a 404, an offer to log in as someone else, whose question it may be."""
        if response.status_code != 404:
            return response
        return HTMLResponse(not_theirs_page(self._path(request), principal), 404)

    def _path(self, request: Request) -> str:
        """The path of the question, without anything else."""
        secret = str(request.path_params["secret"])
        return f"{PAGE}/{secret if _SECRET.fullmatch(secret) else '-'}"

    def _log_in_first(self, request: Request, problem: str = "", status: int = 401) -> Response:
        return HTMLResponse(log_in_page(self._path(request), problem, by_token=self._issuer_login is None), status)

    async def _log_out(self, request: Request) -> Response:
        if not is_from(request, self._origin):
            return refusal("This request did not come from the approval page.")
        response = RedirectResponse(self._path(request), 303)
        self._cookies.drop(response, "session")
        return response

    async def _log_in_with_token(self, request: Request) -> Response:
        if not is_from(request, self._origin):
            return refusal("This request did not come from the approval page.")
        tokens = self._who.tokens
        known = tokens.owner((await form_of(request)).get("token", "").strip()) if tokens else None
        if known is None:
            return self._wrong_token(request)
        response = RedirectResponse(self._path(request), 303)
        self._cookies.put(response, "session", {"principal": known.name, "token": known.sha256})
        return response

    def _wrong_token(self, request: Request) -> Response:
        # Only wrong tokens are limited: behind a proxy, a stranger's attempts would otherwise lock everyone out.
        address = request.client.host if request.client else ""
        if self._wrong_tokens.too_many(address):
            return self._log_in_first(request, "Too many failed attempts. Try again in a minute.", 429)
        self._wrong_tokens.add(address)
        return self._log_in_first(request, "This is not a valid token for this server.")

    async def _go_to_issuer(self, request: Request) -> Response:
        assert self._issuer_login is not None
        try:
            address, kept = await self._issuer_login.begin()
        except UnavailableError:
            return _unavailable()
        response = RedirectResponse(address, 303)
        self._cookies.put(response, "login", {**kept, "path": self._path(request)})
        return response

    async def _come_back(self, request: Request) -> Response:
        assert self._issuer_login is not None
        known = self._cookies.get(request, "login")
        try:
            principal = await self._issuer_login.end(request.query_params, known) if known else ""
        except UnavailableError:
            return _unavailable()
        if known is None or not principal:
            return refusal("You could not be logged in.")
        # No redirect: the browser would treat it as coming from the issuer's site and not send the cookie.
        path = str(known["path"])
        response = HTMLResponse(logged_in_page(path, principal))
        self._cookies.drop(response, "login")
        self._cookies.put(response, "session", {"principal": principal})
        return response


def log_in_page(path: str, problem: str, *, by_token: bool) -> str:
    """The login, before anything is shown. `path`: the question's."""
    how = _fill("token.html", path=path) if by_token else Markup('<p><a href="{}/login">Log in</a></p>').format(path)
    return whole_page("Log in", _fill("log_in.html", path=path, problem=problem, how=how))


def logged_in_page(path: str, principal: str) -> str:
    """Goes on to the question at `path`."""
    return whole_page("Logged in", _fill("logged_in.html", path=path, principal=principal), go_to=path)


def not_theirs_page(path: str, principal: str) -> str:
    """For a person who is logged in but has no question at `path`."""
    return whole_page("Not found", _fill("not_theirs.html", path=path, principal=principal))


def _unavailable() -> Response:
    text = "The login service cannot be reached at the moment. Nothing was done. Try again in a minute."
    return notice("Temporarily unavailable", text, 503)
