"""The page over HTTP on which a person chooses demo data or connects their account, and the way back from Zoho.

Protected like the approval page: host names, origin, an address that nobody can guess. Imported on first use.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping

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
            Route(self._path, self._show),
            self._form(self._path, self._choose),
            Route(f"{self._path}/account", self._ask_where),
            Route(f"{self._path}/account/{{centre}}", self._ask_client),
            self._form(f"{self._path}/account/{{centre}}", self._take_client),
            Route(f"{self._path}/zoho", self._go_to_zoho),
            Route(f"{self._path}/organization", self._ask_organization),
            self._form(f"{self._path}/organization", self._take_organization),
            Route(PATH, self._come_back),
            Route("/{rest:path}", _not_found, methods=["GET", "POST"]),
        ]
        return local_only(Starlette(routes=routes), port, html.SCRIPT)

    def _form(self, path: str, handler: Callable[[Request, Mapping[str, str]], Awaitable[Response]]) -> Route:
        """A route for a form of this page."""

        async def answer(request: Request) -> Response:
            if not is_own_form(request):
                return refusal("This request did not come from this page.", _ASK_AGAIN)
            return await handler(request, await form_of(request))

        return Route(path, answer, methods=["POST"])

    async def _show(self, _: Request) -> Response:
        if self._books.is_account:
            return self._ready()
        if self._sign_in.lacks_organization:
            return RedirectResponse(f"{self._path}/organization", 303)
        return HTMLResponse(html.choice_page(self._path, stored=self._books.stored(), demo=self._books.demo_owner))

    async def _choose(self, _: Request, form: Mapping[str, str]) -> Response:
        if self._books.is_account:
            return self._ready()  # A page that was left open must not undo what another one did.
        match form.get("choice"):
            case "demo":
                await self._books.use_demo()
                return self._ready()
            case "stored":
                return await self._use_account()
            case _:
                return refusal("This page is out of date.", _ASK_AGAIN)

    async def _ask_where(self, _: Request) -> Response:
        return HTMLResponse(html.data_centre_page(self._path))

    async def _ask_client(self, request: Request) -> Response:
        centre = request.path_params["centre"]
        return self._client_page(centre) if centre in DATA_CENTRES else await _not_found(request)

    def _client_page(self, centre: str, problem: str = "") -> Response:
        page = html.account_page(self._path, DATA_CENTRES[centre], self._sign_in.redirect_uri, self._typed, problem)
        return HTMLResponse(page, 422 if problem else 200)

    async def _take_client(self, request: Request, form: Mapping[str, str]) -> Response:
        centre = request.path_params["centre"]
        if centre not in DATA_CENTRES:
            return await _not_found(request)
        client_id, secret, product = (form.get(name, "").strip() for name in ("client_id", "client_secret", "product"))
        self._centre = centre
        self._typed = Typed(client_id[:200], product or "invoice", form.get("read_only") == "true")
        if not client_id or not secret:
            return self._client_page(centre, "Paste both the client ID and the client secret.")
        try:
            self._sign_in.begin(client_id, secret, centre, product, read_only=self._typed.read_only)
        except SettingsError as problem:
            return self._client_page(centre, problem.what)
        return RedirectResponse(f"{self._path}/zoho", 303)

    async def _go_to_zoho(self, _: Request) -> Response:
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

    def _not_connected(self, problem: ZohoMcpError) -> Response:
        advice = "Check the client ID, the client secret and the address where you log in."
        next_step = advice if isinstance(problem, AuthError) else problem.next_step
        back = f"account/{self._centre}"
        return self._problem("Not connected", problem.what, "Nothing was stored.", next_step, back=back)

    async def _ask_organization(self, _: Request) -> Response:
        try:
            rows = await self._sign_in.organizations()
        except ZohoMcpError as problem:
            text = "You are logged in, but your organisations could not be read."
            return self._problem("Almost there", text, problem.what, back="organization")
        if len(rows) == 1:
            return await self._choose_organization(rows[0][0])
        return HTMLResponse(html.organization_page(self._path, rows))

    async def _take_organization(self, _: Request, form: Mapping[str, str]) -> Response:
        return await self._choose_organization(form.get("organization", ""))

    async def _choose_organization(self, number: str) -> Response:
        try:
            await self._sign_in.choose(number)
        except ZohoMcpError as problem:
            return self._problem("Not connected yet", problem.what, back="organization", status=422)
        return await self._use_account()

    async def _use_account(self) -> Response:
        try:
            await self._books.use_account()
        except ZohoMcpError as problem:
            text = "The login is stored, but the server cannot use it."
            return self._problem("Not connected yet", text, problem.what, problem.next_step)
        return self._ready()

    def _ready(self) -> Response:
        is_account = self._books.is_account
        page = html.ready_page(self._books.owner, is_demo=not is_account, path=self._path)
        return HTMLResponse(page, background=BackgroundTask(self._done) if is_account else None)

    def _problem(self, title: str, *sentences: str, back: str = "", status: int = 502) -> Response:
        """A page with a link to try again at `back`, which is below this page's own path."""
        return HTMLResponse(html.problem_page(title, sentences, f"{self._path}/{back}".rstrip("/")), status)


def new_path() -> str:
    """An address that nobody can guess."""
    return f"/connect/{secrets.token_urlsafe(24)}"


async def _not_found(_: Request) -> Response:
    return notice("Not found", f"This page has closed or never existed. {_ASK_AGAIN}", 404)
