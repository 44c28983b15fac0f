"""Which books the tools work on: none yet, the demo's, or an account's. It changes while the server runs."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import Server
from mcp.server.session import ServerSession
from mcp.server.subscriptions import ToolsListChanged
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from zoho_mcp.server.context import RequestContext, ServerContext

_PATIENCE = 2.0
"""Seconds for a client to accept the notification that the tools have changed."""


@dataclass(frozen=True, slots=True)
class Account:
    """The stored login, as far as this layer has to know it.

    Attributes:
        owner: the name of its organisation; empty without a usable login.
        open: builds the server for it. Blocks. Raises ZohoMcpError.
    """

    owner: Callable[[], str]
    open: Callable[[], Server[ServerContext]]


class BooksSwitch:
    """Middleware that gives each request the context of the books that are open, and the switch itself.

    The demo's server is there from the start. An account's is entered beside it, in the same lifespan, so that calls
    under way on the demo end undisturbed.
    """

    def __init__(self, demo_owner: str, account: Account, *, demo: bool) -> None:
        self.demo_owner = demo_owner
        self.owner = demo_owner if demo else ""
        self.is_account = False
        self.chosen = anyio.Event()
        """Set by the next choice of books; then another one takes its place."""
        self._account = account
        self._context: ServerContext | None = None
        self._group: TaskGroup | None = None
        self._ended = anyio.Event()
        self._switching = anyio.Lock()
        self._session: ServerSession | None = None

    @property
    def group(self) -> TaskGroup:
        """Runs what lives as long as the server."""
        assert self._group is not None, "only while the server runs"
        return self._group

    def stored(self) -> str:
        """The owner of the stored login that could be used; empty when there is none."""
        return self._account.owner()

    @asynccontextmanager
    async def lifespan(
        self, demo: AbstractAsyncContextManager[ServerContext], at_end: Callable[[], None]
    ) -> AsyncGenerator[ServerContext]:
        """The demo's lifespan, with room beside it for an account's and whatever else `at_end` stops."""
        async with demo as context, anyio.create_task_group() as group:
            self._context, self._group = context, group
            try:
                yield context
            finally:
                self._group = None
                self._ended.set()
                at_end()

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        """Pass the request on with the context of the open books."""
        if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            self._session = ctx.session
        return await call_next(self.current(ctx))

    def current(self, ctx: RequestContext) -> RequestContext:
        """The same request on the books that are open now."""
        return replace(ctx, lifespan_context=self._context) if self._context else ctx

    async def use_demo(self) -> None:
        """Work on the demo's books."""
        self.owner = self.owner or self.demo_owner
        self._announce()

    async def use_account(self) -> None:
        """Work on the books of the stored login; notifies the client of the new tools. Raises ZohoMcpError."""
        async with self._switching:
            if self.is_account:
                return
            server = await anyio.to_thread.run_sync(self._account.open)
            assert self._context is not None
            context = await self.group.start(self._run, server)
            # Existing subscribers stay subscribed.
            self._context = replace(context, subscribers=self._context.subscribers)
            self.owner, self.is_account = self._account.owner(), True
        self._announce()
        await self._tell()

    def _announce(self) -> None:
        self.chosen.set()
        self.chosen = anyio.Event()

    async def _run(self, server: Server[ServerContext], *, task_status: TaskStatus[ServerContext]) -> None:
        async with server.lifespan(server) as context:
            task_status.started(context)
            await self._ended.wait()

    async def _tell(self) -> None:
        assert self._context is not None
        await self._context.subscribers.bus.publish(ToolsListChanged())
        if self._session is not None:
            with anyio.move_on_after(_PATIENCE), suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                await self._session.send_tool_list_changed()
