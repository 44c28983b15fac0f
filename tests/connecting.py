"""A person on the page for connecting an account, and servers that start without one."""

import os
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from approving import Desk, a_desk, browser_session, post, serving
from mcp.server.lowlevel import Server
from sandbox_support import demo_store
from starlette.applications import Starlette

from zoho_mcp.cli.serve.stdio import offering_server
from zoho_mcp.connect.serving import IDLE, ConnectServer
from zoho_mcp.sandbox.app import create_app
from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.demo.organization import today_there
from zoho_mcp.server.context import ServerContext
from zoho_mcp.settings.profiles import Profile, Profiles

CLIENT = {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret, "product": "invoice"}


@dataclass
class Newcomer:
    """A user with nothing stored, whose Zoho is a sandbox served at `url`."""

    url: str
    zoho: Starlette
    home: Path
    desk: Desk

    @property
    def environment(self) -> dict[str, str]:
        home = str(self.home)
        folders = {"HOME": home, "XDG_CONFIG_HOME": f"{home}/config", "XDG_STATE_HOME": f"{home}/state"}
        places = {"APPDATA": f"{home}/config", "LOCALAPPDATA": f"{home}/state"}
        return {**folders, **places, "ZOHO_API_URL": self.url, "ZOHO_ACCOUNTS_URL": self.url, "BROWSER": "a desk"}

    def server(
        self, *, demo: bool = False, wait: float = 0.0, idle: float = IDLE, **environment: str
    ) -> Server[ServerContext]:
        """A server that offers to connect."""
        variables = {**self.environment, **environment}
        page = ConnectServer(variables, idle=idle)
        return offering_server(variables, demo=demo, browser=self.desk.open, page=page, wait=wait)

    @property
    def profiles(self) -> Profiles:
        return Profiles.of(self.environment)

    def stored(self, name: str = "default") -> Profile:
        return self.profiles.load(name)

    def refreshes(self) -> int:
        """How many grants Zoho holds besides the sandbox's own."""
        return len(self.zoho.state.store.shared.all("refresh_token")) - 1


@asynccontextmanager
async def a_newcomer(home: Path) -> AsyncGenerator[Newcomer]:
    """With their Zoho served on loopback, and a desk for the browser's windows."""
    os.makedirs(home, exist_ok=True)
    zoho = create_app(demo_store(today_there(datetime.now(UTC))))
    async with serving(zoho, "off") as url, a_desk() as desk:
        yield Newcomer(url, zoho, home, desk)


async def use_demo(address: str) -> httpx.Response:
    """Press “Try it with demo data”."""
    return await post(address, {"choice": "demo"})


async def to_consent(address: str, **changes: str) -> str:
    """Fill in the form; the address of Zoho's question."""
    answer = await post(f"{address}/account/us", {**CLIENT, **changes})
    assert answer.status_code == 303, answer.text
    page = await look(f"{address}/zoho")
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', page.text)
    assert found, page.text
    return unescape(found[1])


async def agree(consent: str) -> httpx.Response:
    """Agree at Zoho, and follow the way back."""
    back = (await look(consent)).headers["location"]
    return await look(back)


async def decline(consent: str) -> httpx.Response:
    """Decline at Zoho, and follow the way back."""
    asked = parse_qs(urlsplit(consent).query)
    return await look(f"{asked['redirect_uri'][0]}?error=access_denied&state={asked['state'][0]}")


async def connect(address: str, **changes: str) -> httpx.Response:
    """Fill in the form, agree at Zoho, and come back."""
    return await agree(await to_consent(address, **changes))


async def look(address: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    async with browser_session() as browser:
        return await browser.get(address, headers=headers)


async def refuses_connections(address: str) -> None:
    """Return once nothing listens there any more."""
    while True:
        try:
            await look(address)
        except httpx.ConnectError:
            return
        except httpx.TransportError:
            continue  # accepted while the server was stopping


def kind_of(result: Any) -> str:
    """The kind of a result that is an error; empty when the call worked."""
    return result.structured_content["error"]["kind"] if result.is_error else ""
