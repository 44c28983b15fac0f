"""One process of soak_bursts.py: bursts of writes for one customer, each noted before and after, so that a killed
process leaves a note of what it was about. Its successor makes those calls again, as an assistant would.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from zoho_mcp.server.app import create_server
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import Rates

BURST = 8
"""Calls that a process begins at the same time."""
AGAIN = 0.5
"""How often a call that was told not to have happened is made again."""
NOT_DONE_BY_THIS_CALL = ("could_not_ask", "duplicate", "declined")


@dataclass(frozen=True)
class Journal:
    """What a process wrote down: one line when a call begins, one when it ends. It outlives a killed process."""

    path: Path

    def note(self, mark: str, outcome: str) -> None:
        """`outcome`: begun, done, not done, unknown, or asked (an equal call went before)."""
        line = json.dumps({"mark": mark, "outcome": outcome}) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)

    def entries(self) -> list[dict[str, str]]:
        """All lines; one that a kill cut off is none."""
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]


def arguments_of(mark: str, customer_id: str) -> tuple[str, Mapping[str, Any]]:
    """The call that a mark stands for: `<tool>:<process>-<number>`, recognised in the books by reference or amount."""
    tool, _, own = mark.partition(":")
    process, number = map(int, own.split("-"))
    amount = round(1 + process * 10_000 + number / 100, 2)
    by_reference: dict[str, Any] = {"reference_number": mark} if number % 2 else {}
    if tool == "record_payment":
        return tool, {"customer_id": customer_id, "amount": amount, "payment_mode": "cash", **by_reference}
    line = {"name": "Work", "rate": amount, "quantity": 1}
    return tool, {"customer_id": customer_id, "line_items": [line], **by_reference}


def outcome_of(kind: str) -> str:
    """In the words of the journal, from the kind of an error; empty: there was none."""
    if kind in ("", "unknown"):
        return kind or "done"
    return "asked" if kind in NOT_DONE_BY_THIS_CALL else kind if kind == "limited" else "not done"


class Worker:
    """Works through its share, in bursts."""

    def __init__(self, number: int, client: Client, customer_id: str, journal: Journal, chance: random.Random) -> None:
        self._number = number
        self._client = client
        self._customer_id = customer_id
        self._journal = journal
        self._chance = chance

    async def write(self, mark: str) -> None:
        """Make the call until it is told something; sometimes once more when that is `not done`."""
        tool, arguments = arguments_of(mark, self._customer_id)
        outcome, again = "", self._chance.random() < AGAIN
        while outcome in ("", "limited"):
            self._journal.note(mark, "begun")
            result = await self._client.call_tool(tool, dict(arguments))
            content: dict[str, Any] = result.structured_content or {}
            outcome = outcome_of(content["error"]["kind"] if result.is_error else "")
            self._journal.note(mark, outcome)
            if outcome == "limited":
                await anyio.sleep(1)
            elif outcome == "not done" and again:
                outcome, again = "", False

    def marks(self, calls: int) -> Iterator[str]:
        """First what a killed predecessor was about, then what is left of its share."""
        seen: dict[str, str] = {}
        for entry in self._journal.entries():
            seen[entry["mark"]] = entry["outcome"]
        yield from (mark for mark, outcome in seen.items() if outcome in ("begun", "limited"))
        tools = ("create_invoice", "create_invoice", "create_invoice", "record_payment", "create_estimate")
        numbers = {int(mark.rpartition("-")[2]) for mark in seen}
        for number in range(1, calls + 1):
            if number not in numbers:
                yield f"{tools[number % len(tools)]}:{self._number}-{number}"

    async def run(self, calls: int) -> None:
        """All bursts, one after the other."""
        marks = list(self.marks(calls))
        for start in range(0, len(marks), BURST):
            async with anyio.create_task_group() as group:
                for mark in marks[start : start + BURST]:
                    group.start_soon(self.write, mark)


async def work(given: Mapping[str, Any]) -> None:
    """A server with the state folder that all processes share, and its client, in one process."""
    folder, number = Path(given["folder"]), int(given["number"])
    settings = from_environment({**os.environ, "ZOHO_CONFIRM": "allow", "ZOHO_CONFIRM_FALLBACK": "refuse"})
    settings = replace(settings, token_cache=folder / "tokens", claims_file=str(folder / "claims.db"), audit_file="")
    limiter = Limiter(Rates(*given["rates"]), folder / "limits.db", clock=time.time)
    zoho = ZohoClient(settings, limiter=limiter, sleep=lambda seconds: anyio.sleep(seconds * given["hurry"]))
    journal = Journal(folder / f"journal-{number}.jsonl")
    chance = random.Random(f"{given['seed']} {number} {len(journal.entries())}")
    async with Client(create_server(settings, load(), zoho)) as client:
        await Worker(number, client, given["customer_id"], journal, chance).run(given["calls"])


if __name__ == "__main__":
    anyio.run(work, json.loads(sys.argv[1]))
