"""`demo`: the main job as a story, told by a real server process on the sandbox and the SDK's own client."""

import argparse
import base64
import os
import shutil
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.shared.exceptions import MCPError

from zoho_mcp.cli import console
from zoho_mcp.cli.console import PROGRAM
from zoho_mcp.server.results.projection import with_records
from zoho_mcp.server.results.result import compact_json

FOLDER = Path("demo-output")
_READING = 1.2
"""Seconds before the answer: a faster one would not count as a person's."""
_STYLES = {"calls": "cyan", "gets": "dim", "asked": "bold yellow", "answer": "bold green"}
_LONGEST_RESULT = 400


class StepFailedError(Exception):
    """A step did not do what it says."""


@dataclass
class Story:
    """The client side of the demo: calls tools, answers questions as told, and prints what happens."""

    verbose: bool
    client: Client | None = None
    answer: bool = True
    step: int = 0
    asked: list[str] = field(default_factory=list[str])

    def say(self, text: str, happened: str) -> None:
        """A step that is done: what the user said, and what happened."""
        self.step += 1
        console.block(f"{self.step:2}. ", f"“{text}”", lead_style="bold", style="bold")
        console.block("    ", happened)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; StepFailedError when it did not work."""
        result = await self.attempt(tool, **arguments)
        check(not result.is_error, f"{tool} works")
        return with_records(result.structured_content)

    async def attempt(self, tool: str, **arguments: Any) -> types.CallToolResult:
        """Call a tool, error or not."""
        assert self.client is not None
        self.show("calls", f"{tool} {compact_json(arguments)}")
        with console.busy(tool):
            result = await self.client.call_tool(tool, arguments)
        text = " ".join(part.text for part in result.content if isinstance(part, types.TextContent))
        self.show("gets", text if len(text) <= _LONGEST_RESULT else text[: _LONGEST_RESULT - 1] + "…")
        return result

    async def elicit(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        """The confirmation question, answered as the story wants it."""
        self.asked.append(params.message)
        self.show("asked", params.message)
        await anyio.sleep(_READING)
        self.show("answer", "Yes, do it." if self.answer else "No.")
        if self.answer:
            return types.ElicitResult(action="accept", content={"confirm": True})
        return types.ElicitResult(action="decline")

    def show(self, who: str, text: str) -> None:
        """With --verbose, what went over the wire."""
        bar, style = "│" if console.decorated() else "|", _STYLES[who]
        for number, part in enumerate(text.splitlines() if self.verbose else ()):
            lead = f"     {'' if number else who:6} {bar} "
            console.block(lead, part, hang=f"     {'':6} {bar} ", lead_style=style, style=style)


def add_options(command: argparse.ArgumentParser) -> None:
    """How much to show."""
    command.set_defaults(run=demo)
    command.description = "Bill a made-up customer, step by step, in the sandbox. Needs no account."
    command.add_argument("--verbose", action="store_true", help="show every call, its answer and the questions")


def demo(options: argparse.Namespace) -> int:
    """Run the story; 0 when every step did what it says, else 1."""
    console.line("A design studio bills a customer, in the sandbox: a practice Zoho on this computer.", "dim")
    console.line()
    found = anyio.run(_run, options.verbose)
    if not isinstance(found, Path):
        console.complain(f"the demo failed: it should be true that {found}.")
        return 1
    console.line()
    console.line(f"All steps worked, and the figures add up. The invoice is in {found}.", "bold green")
    console.line()
    console.line("Next, add it to your chat app, for example Claude Desktop:")
    console.verbatim(f"  {_program()} install claude-desktop")
    console.line("Then ask “Who owes us money?” A page opens: try demo data, or connect your Zoho account.")
    return 0


def _program() -> str:
    """This command as a person can type it here: after `make demo` it is not on the PATH."""
    started = Path(sys.argv[0])
    if shutil.which(PROGRAM) or started.stem != PROGRAM:
        return PROGRAM
    return os.path.relpath(started) if started.is_relative_to(Path.cwd()) else str(started)


async def _run(verbose: bool) -> Path | Exception:
    """The PDF of the story, or why it failed."""
    story = Story(verbose)
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "zoho_mcp.cli.main", "--sandbox", "--toolsets", "all"],
        # The caller's own Zoho settings must not change the story.
        env={name: value for name, value in os.environ.items() if not name.startswith("ZOHO_")},
    )
    async with AsyncExitStack() as stack:
        with console.busy("Starting the server"):
            story.client = await stack.enter_async_context(Client(server, elicitation_callback=story.elicit))
        try:
            return await _tell(story)
        except (StepFailedError, MCPError) as problem:
            return problem


async def _tell(story: Story) -> Path:
    person = {"first_name": "Ada", "last_name": "Quay", "email": "ada@harbour.example", "is_primary_contact": True}
    created = await story.call(
        "create_customer", contact_name="Harbour Café", payment_terms=30, contact_persons=[person]
    )
    customer = created["customer"]["customer_id"]
    story.say("New customer: Harbour Café, 30 days to pay.", "Created. They owe nothing yet.")
    invoice = await _invoice(story, customer, ("Design, per day", 800, 3), ("Logo", 450, 1))
    this, number, total = invoice["invoice_id"], invoice["invoice_number"], _amount(invoice["total"])
    story.say("Bill them 3 days of design at 800 and a logo at 450.", f"Draft {number} for {total}.")
    await story.call("email_invoice", invoice_id=this, to_mail_ids=[person["email"]])
    await _expect(story, this, "sent", 2850)
    story.say("E-mail it to Ada.", "You are asked first, because her address is new. You say yes. They owe 2,850.00.")
    await story.call("record_invoice_payment", invoice_id=this, amount=1000, payment_mode="banktransfer")
    await _expect(story, this, "partially_paid", 1850)
    story.say("They paid 1,000 by bank transfer.", "Recorded. They owe 1,850.00.")
    await _credit(story, this, customer)
    shown = await story.call("get_payment_reminder", invoice_id=this)
    address = shown["data"]["to_contacts"][0]["email"]
    await story.call("send_payment_reminder", invoice_id=this, to_mail_ids=[address])
    story.say("Remind them about the rest.", f"A reminder about 1,600.00 for {number} went to {address}.")
    path = await _pdf(story, this)
    story.say("Give me the PDF.", f"Saved as {path}.")
    await _mistake(story, customer)
    await _books(story, customer)
    return path


async def _credit(story: Story, invoice: str, customer: str) -> None:
    late = {"name": "For late delivery", "rate": 250, "quantity": 1}
    note = (await story.call("create_credit_note", customer_id=customer, line_items=[late]))["creditnote"]
    applied = [{"invoice_id": invoice, "amount_applied": 250}]
    await story.call("apply_credit_note", creditnote_id=note["creditnote_id"], invoices=applied)
    await _expect(story, invoice, "partially_paid", 1600)
    number = note["creditnote_number"]
    story.say("Credit them 250 for the delay.", f"Credit note {number} for 250.00 is applied. They owe 1,600.00.")


async def _invoice(story: Story, customer: str, *lines: tuple[str, int, int]) -> dict[str, Any]:
    """A draft with lines of name, rate and quantity."""
    items = [{"name": name, "rate": rate, "quantity": quantity} for name, rate, quantity in lines]
    invoice = (await story.call("create_invoice", customer_id=customer, line_items=items))["invoice"]
    total = sum(rate * quantity for _, rate, quantity in lines)
    check(_money(invoice["total"]) == total, f"the invoice's total is {total}")
    check(invoice["status"] == "draft", "a new invoice is a draft")
    return invoice


async def _expect(story: Story, invoice: str, status: str, balance: int) -> None:
    found = (await story.call("get_invoice", invoice_id=invoice))["invoice"]
    check(found["status"] == status, f"the invoice's status is {status}")
    check(status == "void" or _money(found["balance"]) == balance, f"its balance is {balance}")


async def _pdf(story: Story, invoice: str) -> Path:
    assert story.client is not None
    link = await story.call("get_invoice_pdf", invoice_id=invoice)
    blob = (await story.client.read_resource(link["uri"])).contents[0]
    content = base64.b64decode(blob.blob) if isinstance(blob, types.BlobResourceContents) else b""
    check(content.startswith(b"%PDF-"), "the link leads to a PDF")
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / link["name"]
    path.write_bytes(content)
    return path


async def _mistake(story: Story, customer: str) -> None:
    """Nothing is lost without a person's approval: asked twice, declined once."""
    invoice = await _invoice(story, customer, ("Logo", 450, 1))
    mistake = invoice["invoice_id"]
    await story.call("mark_invoice_sent", invoice_id=mistake)
    story.say("Bill them for a second logo, 450.", f"{invoice['invoice_number']} for 450.00. This one is a mistake.")
    story.answer = False
    story.asked.clear()
    refused = await story.attempt("void_invoice", invoice_id=mistake)
    check(bool(refused.is_error) and len(story.asked) == 1, "a declined void is an error, after one question")
    await _expect(story, mistake, "sent", 450)
    question = story.asked[0].splitlines()[0]
    story.say("Void that one.", f"You are asked: {question} You say no. They still owe the 450.00.")
    story.answer = True
    await story.call("void_invoice", invoice_id=mistake)
    check(len(story.asked) == 2, "the user was asked a second time")
    await _expect(story, mistake, "void", 0)
    story.say("Void it after all.", "You are asked again and say yes. It is void. They owe nothing on it.")


async def _books(story: Story, customer: str) -> None:
    async def total(tool: str, key: str, amount: str) -> Decimal:
        rows = (await story.call(tool, customer_id=customer))[key]
        return sum((_money(row[amount]) for row in rows if row.get("status") != "void"), Decimal())

    invoiced = await total("list_invoices", "invoices", "total")
    paid = await total("list_payments", "customerpayments", "amount")
    credited = await total("list_credit_notes", "creditnotes", "total")
    owed = (await story.call("get_customer", customer_id=customer))["customer"]["outstanding_receivable_amount"]
    check(invoiced - paid - credited == _money(owed), "invoiced less paid and credited is what is owed")
    check((invoiced, paid, credited) == (2850, 1000, 250), "2,850 was invoiced, 1,000 paid, 250 credited")
    sums = f"Invoiced {_amount(invoiced)}, paid {_amount(paid)}, credited {_amount(credited)}"
    story.say("Where do we stand with Harbour Café?", f"{sums}. They owe {_amount(owed)}.")


def check(fine: bool, what: str) -> None:
    """Stop the demo unless `fine`."""
    if not fine:
        raise StepFailedError(what)


def _amount(value: object) -> str:
    return f"{_money(value):,.2f}"


def _money(value: object) -> Decimal:
    return Decimal(str(value))
