"""Opens an address in the user's browser."""

import subprocess
import sys
from collections.abc import Awaitable, Callable

import anyio

OpenBrowser = Callable[[str], Awaitable[bool]]
"""Opens an address; returns whether a browser took it."""
_TIMEOUT = 15.0
_OPEN = """
import sys, webbrowser
from os import environ
for name in [name for name in environ if name.startswith("ZOHO_")]:
    del environ[name]
sys.exit(not webbrowser.open(sys.stdin.read()))
"""
"""Runs in a process of its own: browsers write to the standard output they inherit, which over stdio belongs to the
protocol. The address is passed by stdin. The credentials are removed from the environment."""


async def open_browser(address: str) -> bool:
    """Whether a browser took the address. Respects `BROWSER`, as `webbrowser` documents it."""
    with anyio.move_on_after(_TIMEOUT):
        result = await anyio.run_process(
            [sys.executable, "-c", _OPEN],
            input=address.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return result.returncode == 0
    # A command in BROWSER that stays in the foreground: the page is open.
    return True
