"""How many modules of the package a call passes through, and how often it goes from one to another.

`python benchmarks/call_path.py [--modules]`: for `list_invoices`, `create_invoice` and each round of a `void_invoice`
that a person is asked about and accepts, without the sandbox and the commands.
"""

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import anyio
import mcp_types as types
from mcp import Client
from mcp.client import ClientRequestContext

from zoho_mcp.cli.local_sandbox import sandboxed
from zoho_mcp.server.app import create_server
from zoho_mcp.server.results.projection import with_records
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient

_OUTSIDE = ("zoho_mcp.sandbox", "zoho_mcp.cli")


@dataclass
class Path:
    """The modules that a call ran code of, in order; each as often as it was entered from another one."""

    visits: list[str] = field(default_factory=list[str])

    @property
    def modules(self) -> set[str]:
        return set(self.visits)

    @property
    def switches(self) -> int:
        return max(0, len(self.visits) - 1)


@contextmanager
def recorded() -> Generator[Path]:
    """What runs meanwhile, in whichever thread."""
    path = Path()

    def note(frame: FrameType, event: str, _: object) -> None:
        name = str(frame.f_globals.get("__name__", ""))
        ours = event == "call" and name.startswith("zoho_mcp.") and not name.startswith(_OUTSIDE)
        if ours and path.visits[-1:] != [name]:
            path.visits.append(name)

    before = sys.getprofile()
    threading.setprofile_all_threads(note) if sys.version_info >= (3, 12) else threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield path
    finally:
        sys.setprofile(before)
        threading.setprofile_all_threads(None) if sys.version_info >= (3, 12) else threading.setprofile(None)  # type: ignore[arg-type] # as documented


async def _accept(context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
    rounds.append(len(current.visits))
    return types.ElicitResult(action="accept", content={"confirm": True})


current = Path()
rounds: list[int] = []


async def measure() -> dict[str, Path]:
    """The path of each call, once everything that is loaded on first use is there."""
    global current
    found: dict[str, Path] = {}
    settings, transport = sandboxed({})
    settings = replace(settings, reading_time=0)
    client = ZohoClient(settings, transport=transport)
    async with Client(create_server(settings, load(), client), elicitation_callback=_accept) as mcp:

        async def one(name: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
            global current
            rounds.clear()
            with recorded() as current:
                result = await mcp.call_tool(tool, arguments)
            assert not result.is_error, result.content
            for number, start in enumerate([0, *rounds]):
                ends = [*rounds, len(current.visits)]
                label = name if not rounds else f"{name}, round {number + 1}"
                found[label] = Path(current.visits[start : ends[number]])
            return with_records(result.structured_content or {})

        for attempt in range(2):
            rows = (await one("list_invoices", "list_invoices", {"per_page": 5}))["invoices"]
            lines = [{"name": "Logo", "rate": 450, "quantity": attempt + 1}]
            made = await one(
                "create_invoice", "create_invoice", {"customer_id": rows[0]["customer_id"], "line_items": lines}
            )
            await one("void_invoice", "void_invoice", {"invoice_id": made["invoice"]["invoice_id"]})
    return found


def main() -> None:
    for name, path in anyio.run(measure).items():
        print(f"{name:28}{len(path.modules):4} modules {path.switches:5} switches")
        if "--modules" in sys.argv:
            print("   ", "\n    ".join(sorted(path.modules)))


if __name__ == "__main__":
    main()
