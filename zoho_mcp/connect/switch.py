"""The books that the tools work on: none yet, the demo data, or an account's. They change while the server runs."""

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

_NOTIFY_TIMEOUT = 2.0
"""Seconds for a client to accept the notification that the tools have changed."""


@dataclass(frozen=True, slots=True)
class Account:
    """The stored login.

    Attributes:
        owner: returns the name of its organisation; empty without a usable login.
        open: builds the server for it. Blocks. Raises ZohoMcpError.
    """

    owner: Callable[[], str]
    open: Callable[[], Server[ServerContext]]


class BooksSwitch:
    """The switch, and the middleware that gives each request the context of the open books.

    The demo's server runs from the start. An account's server starts beside it, in the same lifespan, so that calls in
    progress on the demo data can finish.

    Attributes:
        demo_owner: the organisation of the demo data.
        owner: the organisation of the open books; empty while none are open.
        is_account: whether the open books are an account's.
        chosen: set by the next choice of books, which then puts a new event in its place.
    """

    def __init__(self, demo_owner: str, account: Account, *, demo: bool) -> None:
        self.demo_owner = demo_owner
        self.owner = demo_owner if demo else ""
        self.is_account = False
        self.chosen = anyio.Event()
        self._account = account
        self._context: ServerContext | None = None
        self._group: TaskGroup | None = None
        self._ended = anyio.Event()
        self._switching = anyio.Lock()
        self._session: ServerSession | None = None

    @property
    def group(self) -> TaskGroup:
        """Runs tasks that live as long as the server."""
        assert self._group is not None, "only while the server runs"
        return self._group

    def stored(self) -> str:
        """The owner of a usable stored login; empty without one."""
        return self._account.owner()

    @asynccontextmanager
    async def lifespan(
        self, demo: AbstractAsyncContextManager[ServerContext], at_end: Callable[[], None]
    ) -> AsyncGenerator[ServerContext]:
        """The demo's lifespan, in which an account's can be entered. `at_end` stops everything else in `group`."""
        async with demo as context, anyio.create_task_group() as group:
            self._context, self._group = context, group
            try:
                yield context
            finally:
                self._group = None
                self._ended.set()
                at_end()

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        """Pass a request on with the context of the open books."""
        if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            self._session = ctx.session
        return await call_next(self.current(ctx))

    def current(self, ctx: RequestContext) -> RequestContext:
        """The same request with the context of the books that are open now."""
        return replace(ctx, lifespan_context=self._context) if self._context else ctx

    async def use_demo(self) -> None:
        """Open the demo data."""
        self.owner = self.owner or self.demo_owner
        self._announce()

    async def use_account(self) -> None:
        """Open the books of the stored login, and notify the client of the new tools. Raises ZohoMcpError."""
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
        await self._notify()

    def _announce(self) -> None:
        self.chosen.set()
        self.chosen = anyio.Event()

    async def _run(self, server: Server[ServerContext], *, task_status: TaskStatus[ServerContext]) -> None:
        async with server.lifespan(server) as context:
            task_status.started(context)
            await self._ended.wait()

    async def _notify(self) -> None:
        assert self._context is not None
        await self._context.subscribers.bus.publish(ToolsListChanged())
        if self._session is not None:
            with anyio.move_on_after(_NOTIFY_TIMEOUT), suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                await self._session.send_tool_list_changed()
