"""The page over HTTP on which a person chooses demo data or connects their account, and the way back from Zoho.

Protected like the approval page: host names, origin, an address that nobody can guess. Imported on first use.
"""

import secrets
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from zoho_mcp.connect import html
from zoho_mcp.connect.html import Typed
from zoho_mcp.connect.sign_in import SignIn
from zoho_mcp.connect.switch import BooksSwitch
from zoho_mcp.errors import AuthError, SettingsError, ZohoMcpError
from zoho_mcp.pages.requests import form_of, is_own_form, local_only, notice, refusal
from zoho_mcp.settings.variables import DATA_CENTRES
from zoho_mcp.zoho.oauth.login import PATH

_ASK_AGAIN = "To open a new page, ask your assistant to call connect_zoho."


class ConnectPage:
    """The page's routes. `done` is called when the last page has been sent."""

    def __init__(self, books: BooksSwitch, sign_in: SignIn, path: str, done: Callable[[], None]) -> None:
        self._books = books
        self._sign_in = sign_in
        self._path = path
        self._done = done
        self._typed = Typed()
        self._centre = next(iter(DATA_CENTRES))

    def app(self, port: int) -> ASGIApp:
        """The page for a server on this port of loopback."""
        routes = [
            Route(self._path, self._show, methods=["GET"]),
            Route(self._path, self._choose, methods=["POST"]),
            Route(f"{self._path}/account", self._ask_where, methods=["GET"]),
            Route(f"{self._path}/account/{{centre}}", self._ask_client, methods=["GET"]),
            Route(f"{self._path}/account/{{centre}}", self._take_client, methods=["POST"]),
            Route(f"{self._path}/zoho", self._go_to_zoho, methods=["GET"]),
            Route(f"{self._path}/organization", self._ask_organization, methods=["GET"]),
            Route(f"{self._path}/organization", self._take_organization, methods=["POST"]),
            Route(PATH, self._come_back, methods=["GET"]),
            Route("/{rest:path}", _nothing_here, methods=["GET", "POST"]),
        ]
        return local_only(Starlette(routes=routes), port, html.SCRIPT)

    async def _show(self, request: Request) -> Response:
        if self._books.is_account:
            return self._ready()
        if self._sign_in.lacks_organization:
            return RedirectResponse(f"{self._path}/organization", 303)
        return HTMLResponse(html.choice_page(self._path, stored=self._books.stored(), demo=self._books.demo_owner))

    async def _choose(self, request: Request) -> Response:
        if not is_own_form(request):
            return _elsewhere()
        if self._books.is_account:
            return self._ready()  # A page that was left open must not undo what another one did.
        match (await form_of(request)).get("choice"):
            case "demo":
                await self._books.use_demo()
                return self._ready()
            case "stored":
                return await self._use_account()
            case _:
                return refusal("This page is out of date.", _ASK_AGAIN)

    async def _ask_where(self, request: Request) -> Response:
        return HTMLResponse(html.data_centre_page(self._path))

    async def _ask_client(self, request: Request) -> Response:
        if request.path_params["centre"] not in DATA_CENTRES:
            return await _nothing_here(request)
        return self._client_page(request.path_params["centre"])

    def _client_page(self, centre: str, problem: str = "") -> Response:
        page = html.account_page(self._path, DATA_CENTRES[centre], self._sign_in.redirect_uri, self._typed, problem)
        return HTMLResponse(page, 422 if problem else 200)

    async def _take_client(self, request: Request) -> Response:
        centre = request.path_params["centre"]
        if not is_own_form(request) or centre not in DATA_CENTRES:
            return _elsewhere()
        form = {name: value.strip() for name, value in (await form_of(request)).items()}
        client_id, secret, product = (form.get(name, "") for name in ("client_id", "client_secret", "product"))
        self._centre = centre
        self._typed = Typed(client_id[:200], product or "invoice", form.get("read_only") == "true")
        if not client_id or not secret:
            return self._client_page(centre, "Paste both the client id and the client secret.")
        try:
            self._sign_in.begin(client_id, secret, centre, product, read_only=self._typed.read_only)
        except SettingsError as problem:
            return self._client_page(centre, problem.what)
        return RedirectResponse(f"{self._path}/zoho", 303)

    async def _go_to_zoho(self, request: Request) -> Response:
        address = self._sign_in.address
        if not address:
            return RedirectResponse(f"{self._path}/account", 303)
        return HTMLResponse(html.leaving_page(self._path, address, self._sign_in.redirect_uri))

    async def _come_back(self, request: Request) -> Response:
        query = dict(request.query_params)
        if not self._sign_in.expects(query):
            text = "This answer does not belong to a login in progress, or was already used. Nothing was done."
            return notice("Not this login", text, 400)
        try:
            await self._sign_in.finish(query)
        except ZohoMcpError as problem:
            return self._not_connected(problem)
        return await self._ask_organization(request)

    async def _ask_organization(self, request: Request) -> Response:
        try:
            rows = await self._sign_in.organizations()
        except ZohoMcpError as problem:
            sentences = ("You are logged in, but your organisations could not be read.", problem.what)
            return HTMLResponse(html.problem_page("Almost there", sentences, f"{self._path}/organization"), 502)
        if len(rows) == 1:
            return await self._choose_organization(rows[0][0])
        return HTMLResponse(html.organization_page(self._path, rows))

    async def _take_organization(self, request: Request) -> Response:
        if not is_own_form(request):
            return _elsewhere()
        return await self._choose_organization((await form_of(request)).get("organization", ""))

    async def _choose_organization(self, number: str) -> Response:
        try:
            await self._sign_in.choose(number)
        except ZohoMcpError as problem:
            return HTMLResponse(
                html.problem_page("Not connected yet", (problem.what,), f"{self._path}/organization"), 422
            )
        return await self._use_account()

    async def _use_account(self) -> Response:
        try:
            await self._books.use_account()
        except ZohoMcpError as problem:
            sentences = ("The login is stored, but the server cannot use it.", problem.what, problem.next_step)
            return HTMLResponse(html.problem_page("Not connected yet", sentences, self._path), 502)
        return self._ready()

    def _ready(self) -> Response:
        is_account = self._books.is_account
        page = html.ready_page(self._books.owner, is_demo=not is_account, path=self._path)
        return HTMLResponse(page, background=BackgroundTask(self._done) if is_account else None)

    def _not_connected(self, problem: ZohoMcpError) -> Response:
        back = f"{self._path}/account/{self._centre}"
        sentences = [problem.what, "Nothing was stored."]
        if isinstance(problem, AuthError):
            sentences.append("Check the client id, the client secret and the address where you log in.")
        else:
            sentences.append(problem.next_step)
        return HTMLResponse(html.problem_page("Not connected", sentences, back), 502)


def new_path() -> str:
    """An address that nobody can guess."""
    return f"/connect/{secrets.token_urlsafe(24)}"


def _elsewhere() -> Response:
    return refusal("This request did not come from this page.", _ASK_AGAIN)


async def _nothing_here(request: Request) -> Response:
    return notice("Not found", f"This page has closed or never existed. {_ASK_AGAIN}", 404)
