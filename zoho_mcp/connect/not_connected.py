"""A server that starts without an account: it lists its tools, and the first call opens a page to choose the books.

Modules that only calls need are imported with the first call, as in `server.middleware.requests`.
"""

from contextlib import AbstractAsyncContextManager

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from zoho_mcp.connect.serving import ConnectServer
from zoho_mcp.connect.switch import BooksSwitch
from zoho_mcp.errors import NotConnectedError, ZohoMcpError
from zoho_mcp.pages.browser import OpenBrowser
from zoho_mcp.server.context import RequestContext, ServerContext
from zoho_mcp.server.middleware import requests
from zoho_mcp.server.prompts import skills
from zoho_mcp.server.tools.offered import list_tools
from zoho_mcp.telemetry.calls import current_call

WAIT = 20.0
"""Seconds that the call which opens the page waits for the choice, so that the result can come in the same turn."""
CONNECT = types.Tool(
    name="connect_zoho",
    title="Connect Zoho",
    description=(
        "Open a page on the user's computer where they connect their Zoho account or try demo data. Takes no "
        "credentials: never ask for any."
    ),
    input_schema={"type": "object", "properties": {}},
    annotations=types.ToolAnnotations(
        title="Connect Zoho", read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
)
_INSTRUCTIONS = "connect_zoho opens a page where the user connects their Zoho. Never ask for credentials in the chat."


class ConnectOffer:
    """The handlers of such a server. While books are open, they pass requests on to the ordinary handlers."""

    def __init__(self, switch: BooksSwitch, page: ConnectServer, browser: OpenBrowser, wait: float) -> None:
        self._switch = switch
        self._page = page
        self._browser = browser
        self._wait = wait
        self._shown = ""  # The address that was shown last.
        self._has_browser = False

    async def list_tools(
        self, ctx: RequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """The offered tools, with `connect_zoho` before them until an account is connected."""
        listed = await list_tools(ctx, params)
        return listed if self._switch.is_account else types.ListToolsResult(tools=[CONNECT, *listed.tools])

    async def call_tool(
        self, ctx: RequestContext, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """The tool's result if books are open; otherwise the next step."""
        from zoho_mcp.server.results import result

        try:
            if params.name == CONNECT.name:
                return await self._connect(ctx)
            if not self._switch.owner:
                await self._open(ctx, again=False)
                ctx = self._switch.current(ctx)
        except ZohoMcpError as problem:
            current_call().outcome = problem.kind
            return result.failure(problem)
        answer = await requests.call_tool(ctx, params)
        return answer if self._switch.is_account else result.with_fields(answer, {"demo_data": self._demo_note()})

    async def read_resource(
        self, ctx: RequestContext, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | types.InputRequiredResult:
        """The resource if books are open. Raises MCPError otherwise."""
        if not self._switch.owner and not str(params.uri).startswith(skills.SCHEME):
            raise MCPError(types.INVALID_REQUEST, "No Zoho account is connected yet. Call the tool connect_zoho first.")
        return await requests.read_resource(ctx, params)

    async def complete(self, ctx: RequestContext, params: types.CompleteRequestParams) -> types.CompleteResult:
        """Suggestions if books are open; otherwise none."""
        if not self._switch.owner:
            return types.CompleteResult(completion=types.Completion(values=[]))
        return await requests.complete(ctx, params)

    async def _connect(self, ctx: RequestContext) -> types.CallToolResult:
        from zoho_mcp.server.results import result

        if not self._switch.is_account:
            await self._open(ctx, again=True)
        is_account = self._switch.is_account
        says = {
            "books": self._switch.owner,
            "state": "connected" if is_account else "demo_data",
            "next_step": "Continue with what the user asked."
            if is_account
            else "The user chose demo data. Say so with every figure; connect_zoho connects their own Zoho.",
        }
        return types.CallToolResult(
            content=[types.TextContent(text=result.compact_json(says))], structured_content=says
        )

    async def _open(self, ctx: RequestContext, *, again: bool) -> None:
        """Return when books were chosen. Raises NotConnectedError with the next step when that takes too long.

        Unless `again`, a page that is already open is neither shown again nor waited for.
        """
        switch = self._switch
        if not switch.owner and switch.stored():
            # Connected in the meantime by `login`, or on the page of another chat app.
            await switch.use_account()
            return
        chosen = switch.chosen
        address = await self._page.address(switch.group, switch)
        is_new, self._shown = self._shown != address, address
        if again or is_new:
            has_browser = ctx.lifespan_context.settings.can_open_browser
            self._has_browser = has_browser and await self._browser(address)
            if self._has_browser:
                with anyio.move_on_after(self._wait):
                    await chosen.wait()
        if not chosen.is_set():
            raise _not_yet(address, has_browser=self._has_browser)

    def _demo_note(self) -> str:
        return f"Made-up books of {self._switch.demo_owner}, not the user's. connect_zoho connects their own Zoho."


def _not_yet(address: str, *, has_browser: bool) -> NotConnectedError:
    where = (
        f"A page is open in the user's browser ({address.split('/')[2]}; connect_zoho opens it again): ask the user"
        if has_browser
        else f"No browser could be opened: ask the user to open {address} on the computer that this server runs on, and"
    )
    return NotConnectedError(
        "No Zoho account is connected yet.",
        f"{where} to choose demo data or to connect their Zoho account there. Then call the tool again. Never ask for "
        "a client id, a secret or a password in the chat.",
    )


def offering(
    demo: Server[ServerContext],
    switch: BooksSwitch,
    page: ConnectServer,
    browser: OpenBrowser,
    *,
    wait: float = WAIT,
) -> Server[ServerContext]:
    """The demo's server, with an offer to connect an account."""
    offer = ConnectOffer(switch, page, browser, wait)
    inner = demo.lifespan

    def lifespan(server: Server[ServerContext]) -> AbstractAsyncContextManager[ServerContext]:
        return switch.lifespan(inner(server), page.close)

    demo.lifespan = lifespan
    # Inside the span, outside everything that depends on the offered tools.
    demo.middleware.insert(1, switch)
    demo.instructions = f"{demo.instructions}\n{_INSTRUCTIONS}"
    # The list of tools changes with the books.
    demo.cache_hints.pop("tools/list", None)
    demo.add_request_handler("tools/list", types.PaginatedRequestParams, offer.list_tools)
    demo.add_request_handler("tools/call", types.CallToolRequestParams, offer.call_tool)
    demo.add_request_handler("resources/read", types.ReadResourceRequestParams, offer.read_resource)
    demo.add_request_handler("completion/complete", types.CompleteRequestParams, offer.complete)
    return demo
