"""A server on the sandbox, in memory, for clients of both eras."""

import atexit
import gc
import itertools
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import anyio
import anyio.lowlevel
import mcp_types as types
import pytest
from machine import Accounts, Machine, serving
from marks import pytest_collection_modifyitems as pytest_collection_modifyitems
from marks import pytest_runtest_protocol as pytest_runtest_protocol
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.server.lowlevel import Server
from sandbox_support import Sandbox, demo_store

from zoho_mcp.cli.local_sandbox import SandboxTransport, environment_for
from zoho_mcp.pages.browser import OpenBrowser, open_browser
from zoho_mcp.policy.approvals import Approvals
from zoho_mcp.sandbox.app import create_app
from zoho_mcp.sandbox.faults import Faults
from zoho_mcp.sandbox.limits import Limits
from zoho_mcp.sandbox.store import Store
from zoho_mcp.server.app import create_server
from zoho_mcp.server.context import ServerContext
from zoho_mcp.server.results.projection import with_records
from zoho_mcp.settings import Settings, from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import Rates

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As of what a shell starts in the background; the commands that the tests start would not hear of Ctrl-C either.
    signal.signal(signal.SIGINT, signal.default_int_handler)

Era = Literal["2026-07-28", "legacy"]
ERAS: tuple[Era, ...] = ("2026-07-28", "legacy")
URL = "http://127.0.0.1"

# jsonschema reads a grammar of URIs, for a second, wherever this is installed, as it is by `make lint`.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # As importlib documents: import raises.

# No test, and no process of one, is to see or touch the profiles, tokens and keyring of the person who runs them.
_HOME = tempfile.mkdtemp(prefix="zoho-invoice-mcp-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
for _folder in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
    os.environ[_folder] = os.path.join(_HOME, _folder)
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


def pytest_collection_finish() -> None:
    """What was collected stays to the end: garbage collection need not look through it again and again."""
    gc.freeze()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with an empty organisation, reached over bare HTTP."""
    with Sandbox() as opened:
        yield opened


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Clock:
    """Time that stands still until a test moves it."""

    now: datetime = datetime(2026, 6, 15, 16, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


NOON = 1_780_000_000.0


class Time:
    """A clock in seconds, which stands still but for what is slept."""

    def __init__(self) -> None:
        self.now = NOON
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await anyio.lowlevel.checkpoint()


@dataclass
class Person:
    """The person at the client: answers questions as told and remembers them."""

    answer: types.ElicitResult | types.ErrorData = field(
        default_factory=lambda: types.ElicitResult(action="accept", content={"confirm": True})
    )
    questions: list[str] = field(default_factory=list[str])
    reads: float = 0.0
    """Seconds before the answer, for servers in processes of their own, whose clock no test can move."""

    async def elicit(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult | types.ErrorData:
        self.questions.append(params.message)
        await anyio.sleep(self.reads)
        asked: dict[str, Any] = getattr(params, "requested_schema", {}).get("properties", {})
        if "number" in asked and isinstance(self.answer, types.ElicitResult) and self.answer.content:
            typed = str(asked["number"]["description"]).split()[-1]
            return self.answer.model_copy(update={"content": {"number": typed, **self.answer.content}})
        return self.answer


async def _unchecked(name: str, result: types.CallToolResult) -> None:
    """Before a client checks its first answer, it lists the tools and compiles a schema: a fifth of all tests' time."""


@dataclass
class Zoho:
    """The sandbox of a test, a server on it, and clients for that server."""

    store: Store
    app: Any
    clock: Clock
    settings: Settings
    person: Person = field(default_factory=Person)

    def server(
        self,
        *,
        approvals: Approvals | None = None,
        browser: OpenBrowser = open_browser,
        public_page: str = "",
        catalog: Catalog | None = None,
        **changes: Any,
    ) -> Server[ServerContext]:
        settings = replace(self.settings, **changes)
        client = ZohoClient(
            settings, transport=SandboxTransport(self.app), clock=self.seconds, sleep=self.sleep,
            limiter=Limiter(Rates(10**9, 10**9, at_once=5), clock=self.seconds),
        )  # fmt: skip
        catalog = catalog or load(settings.product, settings.edition)
        return create_server(settings, catalog, client, approvals=approvals, browser=browser, public_page=public_page)

    on_sleep: Callable[[], None] = lambda: None
    """Called whenever the server begins to wait for something."""
    wrong_by: float = 0.0
    """Seconds by which the server's clock is ahead of Zoho's."""

    @property
    def faults(self) -> Faults:
        return self.app.state.faults

    def seconds(self) -> float:
        return self.clock().timestamp() + self.wrong_by

    async def sleep(self, seconds: float) -> None:
        """What the server waits for passes at once."""
        self.on_sleep()
        self.clock.advance(seconds=seconds)

    @asynccontextmanager
    async def client(
        self, era: Era = "2026-07-28", *, can_ask: bool = True, checks: bool = False, **changes: Any
    ) -> AsyncGenerator[Client]:
        """A client of a new server on the sandbox; if it `checks`, it holds every answer against the tool's schema."""
        elicit = self.person.elicit if can_ask else None
        async with Client(self.server(**changes), mode=era, elicitation_callback=elicit) as client:
            if not checks:
                client.session.validate_tool_result = _unchecked
            yield client

    def received(self, *methods: str) -> list[str]:
        """`METHOD /path` of what reached the API, in order; of these methods only, if any are named."""
        return [
            f"{request.method} {request.path}"
            for request in self.app.state.request_log
            if not request.path.startswith("/oauth") and (not methods or request.method in methods)
        ]

    def changes(self) -> list[str]:
        """What could have changed something."""
        return self.received("POST", "PUT", "DELETE")


@pytest.fixture
def zoho() -> Iterator[Zoho]:
    """A sandbox with demo data, dated before a fixed day."""
    with opened_zoho() as zoho:
        yield zoho


@contextmanager
def opened_zoho() -> Generator[Zoho]:
    """The same, for tests that compare two."""
    clock = Clock()
    store = demo_store(clock().date())
    app = create_app(store, clock=clock, limits=Limits(per_minute=100_000, per_day=100_000))
    yield Zoho(store, app, clock, replace(from_environment(environment_for(URL)), reading_time=0))
    store.close()


_mark = itertools.count(1)


def reference() -> str:
    """A reference number of its own: the very same invoice again would be asked about."""
    return f"R-{next(_mark)}"


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """A tool's structured answer; fails the test when the tool did not work."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return with_records(result.structured_content)


def text_of(result: types.CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, types.TextContent))


def kind_of(result: types.CallToolResult) -> str:
    """The kind of a call's error; empty for a call that worked."""
    content: dict[str, Any] = result.structured_content or {}
    assert not result.is_error or "error" in content, text_of(result)
    return content["error"]["kind"] if result.is_error else ""


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    """A sandbox in a process of its own, for commands."""
    with serving(tmp_path_factory.mktemp("zoho")) as found:
        yield found


@pytest.fixture
def machine(accounts: Accounts, tmp_path: Path) -> Machine:
    """A user's machine that can reach it."""
    return Machine(accounts, tmp_path)
