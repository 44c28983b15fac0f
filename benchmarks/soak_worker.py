"""One process of the soak: a server, a client, and a note of what it was told about every call. Started by soak.py."""

import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import mcp_types as types
from mcp import Client

from zoho_mcp.server.app import create_server
from zoho_mcp.settings import from_environment
from zoho_mcp.specs.load import load
from zoho_mcp.zoho.client import ZohoClient
from zoho_mcp.zoho.rate_limit.limiter import Limiter
from zoho_mcp.zoho.rate_limit.limits import Rates

MAIL = "ada@harbour.example"
LANES = 4
"""Calls at the same time."""


@dataclass
class Told:
    """An invoice or a customer, as its owner was told it is. `unsure` names what nobody knows."""

    kind: str
    mark: str
    """Its name or reference, or its amount where it has neither: unlike any other's."""
    record_id: str = ""
    status: str = "draft"
    notes: str = ""
    paid: list[str] = field(default_factory=list[str])
    mails: int = 0
    unsure: str = ""


@dataclass
class Worker:
    """Works with records of its own only: nobody else changes them, so what it was told must be so."""

    number: int
    client: Client
    chance: random.Random
    told: list[Told] = field(default_factory=list[Told])
    results: dict[str, int] = field(default_factory=dict[str, int])
    waits: float = 0.0
    violations: list[str] = field(default_factory=list[str])
    made: int = 0

    async def call(self, tool: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
        """`done` with the answer, `not done`, or `unknown`; over a limit, the same call again after a while."""
        while True:
            started = time.monotonic()
            result = await self.client.call_tool(tool, arguments)
            self.waits = max(self.waits, time.monotonic() - started)
            text = "\n".join(part.text for part in result.content if isinstance(part, types.TextContent))
            outcome = _outcome(bool(result.is_error), text)
            self.results[outcome] = self.results.get(outcome, 0) + 1
            if outcome == "limited":
                await anyio.sleep(2)
                continue
            if outcome == "unclear":
                self.violations.append(f"{tool}: {text[:300]}")
            return outcome, result.structured_content or {}

    def mark(self) -> str:
        """A text that nothing else carries."""
        self.made += 1
        return f"W{self.number}-{self.made}"

    def pick(self, kind: str, *statuses: str) -> Told | None:
        """Some record of its own that is certain, and that no other lane works with meanwhile."""
        fit = [one for one in self.told if one.kind == kind and one.record_id and not one.unsure]
        fit = [one for one in fit if not statuses or one.status in statuses]
        if not fit:
            return None
        chosen = self.chance.choice(fit)
        chosen.unsure = "under way"
        return chosen

    def settle(self, one: Told, outcome: str, what: str, change: Callable[[], None]) -> None:
        """Note what was told: the change, none, or that it is not known."""
        one.unsure = what if outcome == "unknown" else ""
        if outcome == "done":
            change()


def _outcome(failed: bool, text: str) -> str:
    if not failed:
        return "done"
    if "It is not known whether" in text:
        return "unknown"
    if "Zoho's limit" in text or "Zoho gives no more access tokens" in text or "under way" in text:
        return "limited"
    return "not done" if "Nothing was" in text else "unclear"


async def create_customer(worker: Worker) -> None:
    """A customer with a name of its own."""
    one = Told("customer", f"Customer {worker.mark()}", unsure="under way")
    worker.told.append(one)
    person = {"first_name": "Ada", "email": MAIL, "is_primary_contact": True}
    outcome, answer = await worker.call("create_customer", contact_name=one.mark, contact_persons=[person])
    one.unsure = "creation" if outcome == "unknown" else ""
    one.record_id = answer["customer"]["customer_id"] if outcome == "done" else ""
    if outcome == "not done":
        one.status = "never"


async def create_invoice(worker: Worker) -> None:
    """An invoice, marked by its reference or by its amount alone."""
    customer = next((one for one in worker.told if one.kind == "customer" and one.record_id), None)
    if customer is None:
        return await create_customer(worker)
    mark = worker.mark()
    more: dict[str, Any] = {"reference_number": mark} if worker.chance.random() < 0.5 else {}
    rate = round(10 + worker.number * 10_000 + worker.made / 100, 2)
    one = Told("invoice", mark if more else f"{rate:.2f}", unsure="under way")
    worker.told.append(one)
    lines = [{"name": "Work", "rate": rate, "quantity": 1}]
    outcome, answer = await worker.call("create_invoice", customer_id=customer.record_id, line_items=lines, **more)
    one.unsure = "creation" if outcome == "unknown" else ""
    one.record_id = answer["invoice"]["invoice_id"] if outcome == "done" else ""
    if outcome == "not done":
        one.status = "never"
    return None


async def update_invoice(worker: Worker) -> None:
    """Its notes."""
    if one := worker.pick("invoice", "draft"):
        notes = worker.mark()
        outcome, _ = await worker.call("update_invoice", invoice_id=one.record_id, notes=notes)
        worker.settle(one, outcome, "notes", lambda: setattr(one, "notes", notes))


def _changing(tool: str, status: str, *before: str) -> Callable[[Worker], Awaitable[None]]:
    async def change(worker: Worker) -> None:
        if one := worker.pick("invoice", *before):
            outcome, _ = await worker.call(tool, invoice_id=one.record_id)
            worker.settle(one, outcome, "status", lambda: setattr(one, "status", status))

    return change


async def record_payment(worker: Worker) -> None:
    """A part of what is owed, by an amount of its own."""
    if one := worker.pick("invoice", "sent"):
        amount = round(0.01 * (worker.made % 90 + 1) + len(one.paid), 2)
        outcome, _ = await worker.call("record_invoice_payment", invoice_id=one.record_id, amount=amount)
        worker.settle(one, outcome, "payments", lambda: one.paid.append(f"{amount:.2f}"))


async def email_invoice(worker: Worker) -> None:
    """Once per invoice: a second time would be asked about."""
    if (one := worker.pick("invoice", "draft", "sent")) is None:
        return
    if one.mails:
        one.unsure = ""
        return
    outcome, _ = await worker.call("email_invoice", invoice_id=one.record_id, to_mail_ids=[MAIL])

    def mailed() -> None:
        one.mails, one.status = 1, "sent"

    worker.settle(one, outcome, "mails", mailed)


async def read(worker: Worker) -> None:
    """Lists change nothing."""
    await worker.call(worker.chance.choice(["list_invoices", "list_customers", "list_payments"]), per_page=20)


STEPS: list[tuple[int, Callable[[Worker], Awaitable[None]]]] = [
    (3, create_customer),
    (22, create_invoice),
    (10, update_invoice),
    (12, _changing("mark_invoice_sent", "sent", "draft")),
    (15, record_payment),
    (4, _changing("void_invoice", "void", "draft", "sent")),
    (4, _changing("delete_invoice", "deleted", "draft")),
    (8, email_invoice),
    (22, read),
]
"""How often, and what."""


async def work(number: int, calls: int, seed: int, hurry: float, rates: Rates, folder: Path) -> None:
    """Make that many calls and write down what was told."""
    settings = from_environment({**os.environ, "ZOHO_CONFIRM": "allow", "ZOHO_CONFIRM_FALLBACK": "refuse"})
    policy = folder / f"policy-{number}.toml"
    policy.write_text('[defaults]\nsend = "allow"\n')  # also to addresses that were added a moment ago
    settings = replace(
        settings, token_cache=folder / "tokens", claims_file=str(folder / "claims.db"), policy_file=str(policy)
    )
    limiter = Limiter(rates, folder / "limits.db", clock=time.time)
    zoho = ZohoClient(settings, limiter=limiter, sleep=lambda seconds: anyio.sleep(seconds * hurry))
    async with Client(create_server(settings, load(), zoho)) as client:
        worker = Worker(number, client, random.Random(seed))

        async def lane() -> None:
            weights = [weight for weight, _ in STEPS]
            while sum(worker.results.values()) - worker.results.get("limited", 0) < calls:
                await worker.chance.choices(STEPS, weights)[0][1](worker)
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as group:
            for _ in range(LANES):
                group.start_soon(lane)
    report = {"results": worker.results, "longest": worker.waits, "violations": worker.violations}
    text = json.dumps({**report, "told": [asdict(one) for one in worker.told]})
    (folder / f"told-{number}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    anyio.run(
        work,
        given["number"],
        given["calls"],
        given["seed"],
        given["hurry"],
        Rates(*given["rates"]),
        Path(given["folder"]),
    )
