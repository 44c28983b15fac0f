"""`demo`: the main job as a story, told by a real server process on the sandbox and the SDK's own client."""

import argparse
import base64
import os
import shutil
import sys
from collections.abc import Mapping
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
        """A step that is done, in a line: what the user said, and what happened."""
        self.step += 1
        console.block(f"{self.step}. ", f"“{text}” {happened}", lead_style="bold")

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
        if not self.verbose:
            return
        bar = "│" if console.decorated() else "|"
        for number, part in enumerate(text.splitlines()):
            style = _STYLES[who]
            lead = f"     {'' if number else who:6} {bar} "
            console.block(lead, part, hang=f"     {'':6} {bar} ", lead_style=style, style=style)


def add_options(command: argparse.ArgumentParser) -> None:
    """How much to show."""
    command.set_defaults(run=demo)
    command.add_argument("--verbose", action="store_true", help="show every call, its result and the questions")


def demo(options: argparse.Namespace) -> int:
    """Run the story; 0 when every step did what it says, else 1."""
    console.line("A design studio bills a customer, in the sandbox: nothing reaches a real Zoho account.", "dim")
    found = anyio.run(_run, options.verbose)
    if not isinstance(found, Path):
        console.complain(f"the demo failed: it should be true that {found}.")
        return 1
    console.line()
    console.line("Every step worked and the figures add up.", "bold green")
    console.line(f"The invoice as a PDF: {found}")
    console.line("Next, use it in your chat app, for example:")
    console.verbatim(f"  {_program()} install claude-desktop")
    console.line("Your first question opens a page: try demo data there, or connect your Zoho.")
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
        env=dict(_without_settings(os.environ)),
    )
    async with AsyncExitStack() as stack:
        with console.busy("Starting the server"):
            story.client = await stack.enter_async_context(Client(server, elicitation_callback=story.elicit))
        try:
            return await _tell(story)
        except (StepFailedError, MCPError) as problem:
            return problem


def _without_settings(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The caller's own Zoho settings must not change the story."""
    return {name: value for name, value in environment.items() if not name.startswith("ZOHO_")}


async def _tell(story: Story) -> Path:
    person = {"first_name": "Ada", "last_name": "Quay", "email": "ada@harbour.example", "is_primary_contact": True}
    created = await story.call(
        "create_customer", contact_name="Harbour Café", payment_terms=30, contact_persons=[person]
    )
    customer = created["customer"]["customer_id"]
    story.say("New customer: Harbour Café, 30 days to pay.", "Created; owes 0.00.")

    invoice = await _invoice(story, customer, [_line("Design, per day", 800, 3), _line("Logo", 450, 1)], "2850")
    number, total = invoice["invoice_number"], _amount(invoice["total"])
    story.say("Bill them 3 days of design at 800 and a logo at 450.", f"Draft {number}: {total}.")

    await story.call("email_invoice", invoice_id=invoice["invoice_id"], to_mail_ids=["ada@harbour.example"])
    await _expect(story, invoice, status="sent", balance="2850")
    story.say("Mail it to Ada.", "Asked first, because the address is new. Yes: sent; they owe 2,850.00.")

    await story.call(
        "record_invoice_payment", invoice_id=invoice["invoice_id"], amount=1000, payment_mode="banktransfer"
    )
    await _expect(story, invoice, status="partially_paid", balance="1850")
    story.say("They paid 1,000 by bank transfer.", "Recorded; they owe 1,850.00.")

    await _credit(story, invoice, customer)
    await _remind(story, invoice)

    path = await _pdf(story, invoice["invoice_id"])
    story.say("Give me the PDF.", f"Saved as {path}.")

    mistake = await _invoice(story, customer, [_line("Logo", 450, 1)], "450")
    await story.call("mark_invoice_sent", invoice_id=mistake["invoice_id"])
    story.say("Bill them a second logo, 450.", f"{mistake['invoice_number']}: 450.00. (This one is a mistake.)")

    await _void(story, mistake)
    await _books(story, customer)
    return path


def _line(name: str, rate: int, quantity: int) -> dict[str, Any]:
    return {"name": name, "rate": rate, "quantity": quantity}


async def _invoice(story: Story, customer: str, lines: list[dict[str, Any]], total: str) -> dict[str, Any]:
    invoice = (await story.call("create_invoice", customer_id=customer, line_items=lines))["invoice"]
    check(_money(invoice["total"]) == Decimal(total), f"the invoice's total is {total}")
    check(invoice["status"] == "draft", "a new invoice is a draft")
    return invoice


async def _expect(story: Story, invoice: Mapping[str, Any], *, status: str, balance: str | None = None) -> None:
    found = (await story.call("get_invoice", invoice_id=invoice["invoice_id"]))["invoice"]
    check(found["status"] == status, f"the invoice's status is {status}")
    check(balance is None or _money(found["balance"]) == Decimal(balance or 0), f"its balance is {balance}")


async def _credit(story: Story, invoice: Mapping[str, Any], customer: str) -> None:
    late = {"name": "For late delivery", "rate": 250, "quantity": 1}
    note = (await story.call("create_credit_note", customer_id=customer, line_items=[late]))["creditnote"]
    applied = [{"invoice_id": invoice["invoice_id"], "amount_applied": 250}]
    await story.call("apply_credit_note", creditnote_id=note["creditnote_id"], invoices=applied)
    await _expect(story, invoice, status="partially_paid", balance="1600")
    number = note["creditnote_number"]
    story.say("Credit them 250 for the delay.", f"{number} is applied: 250.00; they owe 1,600.00.")


async def _remind(story: Story, invoice: Mapping[str, Any]) -> None:
    shown = await story.call("get_payment_reminder", invoice_id=invoice["invoice_id"])
    address = shown["data"]["to_contacts"][0]["email"]
    await story.call("send_payment_reminder", invoice_id=invoice["invoice_id"], to_mail_ids=[address])
    story.say("Remind them of the rest.", f"Mailed to {address}: 1,600.00 of {invoice['invoice_number']} is open.")


async def _pdf(story: Story, invoice: str) -> Path:
    assert story.client is not None
    link = await story.call("get_invoice_pdf", invoice_id=invoice)
    read = await story.client.read_resource(link["uri"])
    blob = read.contents[0]
    check(isinstance(blob, types.BlobResourceContents), "the link leads to a file")
    assert isinstance(blob, types.BlobResourceContents)
    content = base64.b64decode(blob.blob)
    check(content.startswith(b"%PDF-"), "the file is a PDF")
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / link["name"]
    path.write_bytes(content)
    return path


async def _void(story: Story, mistake: Mapping[str, Any]) -> None:
    """Nothing is lost without a person's approval: asked twice, declined once."""
    story.answer = False
    story.asked.clear()
    refused = await story.attempt("void_invoice", invoice_id=mistake["invoice_id"])
    check(bool(refused.is_error) and len(story.asked) == 1, "a declined void is an error, after one question")
    await _expect(story, mistake, status="sent", balance="450")
    question = story.asked[0].splitlines()[0]
    story.say("Void that one.", f"You are asked “{question}” and say no. Still owed: 450.00.")
    story.answer = True
    await story.call("void_invoice", invoice_id=mistake["invoice_id"])
    check(len(story.asked) == 2, "the user was asked a second time")
    await _expect(story, mistake, status="void")
    story.say("Void it after all.", "You are asked again and say yes. Void; owed on it: 0.00.")


async def _books(story: Story, customer: str) -> None:
    invoices = (await story.call("list_invoices", customer_id=customer))["invoices"]
    payments = (await story.call("list_payments", customer_id=customer))["customerpayments"]
    owed = (await story.call("get_customer", customer_id=customer))["customer"]["outstanding_receivable_amount"]
    invoiced = sum((_money(row["total"]) for row in invoices if row["status"] != "void"), Decimal())
    paid = sum((_money(row["amount"]) for row in payments), Decimal())
    notes = (await story.call("list_credit_notes", customer_id=customer))["creditnotes"]
    credited = sum((_money(row["total"]) for row in notes), Decimal())
    check(invoiced - paid - credited == _money(owed), "invoiced less paid and credited is what is outstanding")
    figures = (invoiced, paid, credited)
    check(figures == (Decimal(2850), Decimal(1000), Decimal(250)), "2,850 was invoiced, 1,000 paid, 250 credited")
    story.say("How do we stand with Harbour Café?",
              f"Invoiced {_amount(invoiced)}, paid {_amount(paid)}, credited {_amount(credited)}, "
              f"outstanding {_amount(owed)}.")  # fmt: skip


def check(fine: bool, what: str) -> None:
    """Stop the demo unless `fine`."""
    if not fine:
        raise StepFailedError(what)


def _amount(value: object) -> str:
    return f"{_money(value):,.2f}"


def _money(value: object) -> Decimal:
    return Decimal(str(value))
