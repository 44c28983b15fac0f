"""The main job, told step by step: a real server process on the embedded Zoho, driven by the SDK's own client."""

import base64
import os
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
from zoho_mcp.server.results.result import compact_json
from zoho_mcp.server.results.table import with_records

FOLDER = Path("demo-output")
_READING = 1.2
"""Seconds before the answer: a faster one would not count as a person's."""
_WIDTH = 100
_STYLES = {"calls": "cyan", "gets": "dim", "asked": "bold yellow", "answer": "bold green", "books": "bold"}


class StepFailedError(Exception):
    """A step did not do what it says."""


@dataclass
class Story:
    """The client side of the demo: calls tools, answers questions as told, and prints both."""

    client: Client | None = None
    answer: bool = True
    step: int = 0
    asked: list[str] = field(default_factory=list[str])

    def say(self, text: str) -> None:
        """The next step, as the user would put it."""
        self.step += 1
        console.line()
        console.line(f"{self.step}. {text}", "bold")

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and print what went out and what came back; StepFailedError when it did not work."""
        result = await self.attempt(tool, **arguments)
        check(not result.is_error, "the tool answers without an error")
        return with_records(result.structured_content)

    async def attempt(self, tool: str, **arguments: Any) -> types.CallToolResult:
        """Call a tool and print what went out and what came back, error or not."""
        assert self.client is not None
        show("calls", f"{tool} {compact_json(arguments)}")
        with console.busy(tool):
            result = await self.client.call_tool(tool, arguments)
        text = " ".join(part.text for part in result.content if isinstance(part, types.TextContent))
        show("gets", text if len(text) <= 400 else text[:399] + "…")
        return result

    async def elicit(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        """The confirmation question: shown, and answered as the story wants it."""
        self.asked.append(params.message)
        show("asked", params.message)
        await anyio.sleep(_READING)
        show("answer", "Yes, do it." if self.answer else "No.")
        return (
            types.ElicitResult(action="accept", content={"confirm": True})
            if self.answer
            else types.ElicitResult(action="decline")
        )


def show(who: str, text: str) -> None:
    """A few indented lines."""
    bar = "│" if console.decorated() else "|"
    for number, line in enumerate(text.splitlines()):
        lead = f"   {'' if number else who:6} {bar} "
        style = _STYLES.get(who, "")
        console.block(lead, line, hang=f"   {'':6} {bar} ", lead_style=style or "dim", style=style, width=_WIDTH)


def check(fine: bool, what: str) -> None:
    """Stop the demo unless `fine`."""
    if not fine:
        raise StepFailedError(what)


def demo() -> int:
    """Run the story; 0 when every step did what it says, else 1."""
    console.line("zoho-invoice-mcp on the embedded Zoho: nothing here reaches a real account.", "dim")
    problem = anyio.run(_connect)
    if problem is not None:
        console.complain(f"FAILED: this did not hold: {problem}.")
        return 1
    console.line()
    console.line("All steps did what they say.", "bold green")
    return 0


async def _connect() -> StepFailedError | MCPError | None:
    story = Story()
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "zoho_mcp.cli.main", "--sandbox"], env=dict(_without_settings(os.environ))
    )
    async with AsyncExitStack() as stack:
        with console.busy("Starting the server"):
            story.client = await stack.enter_async_context(Client(server, elicitation_callback=story.elicit))
        try:
            await _bill(story)
        except (StepFailedError, MCPError) as problem:
            return problem
    return None


def _without_settings(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The caller's own Zoho settings must not change the story."""
    return {name: value for name, value in environment.items() if not name.startswith("ZOHO_")}


async def _bill(story: Story) -> None:
    assert story.client is not None
    story.say("The assistant connects to the server and sees its tools.")
    tools = [tool.name for tool in (await story.client.list_tools()).tools]
    show("gets", f"{len(tools)} tools: {', '.join(tools[:6])}, …")
    check("create_invoice" in tools, "there is a tool to write an invoice")

    story.say("“We have a new customer: Harbour Café, Ada Quay, ada@harbour.example, 30 days to pay.”")
    person = {"first_name": "Ada", "last_name": "Quay", "email": "ada@harbour.example", "is_primary_contact": True}
    answer = await story.call(
        "create_customer", contact_name="Harbour Café", payment_terms=30, contact_persons=[person]
    )
    customer = answer["customer"]["customer_id"]

    story.say("“Bill them 3 days of design at 800 and a logo at 450.”")
    invoice = await _invoice(story, customer, [_line("Design, per day", 800, 3), _line("Logo", 450, 1)], "2850")

    story.say("“Mark it as sent.”")
    await story.call("mark_invoice_sent", invoice_id=invoice)
    await _expect(story, invoice, status="sent", balance="2850")

    story.say("“And mail it to Ada.”")
    await story.call("email_invoice", invoice_id=invoice, to_mail_ids=["ada@harbour.example"])

    story.say("“They paid 1,000 by bank transfer today.”")
    await story.call("record_invoice_payment", invoice_id=invoice, amount=1000, payment_mode="banktransfer")
    await _expect(story, invoice, status="partially_paid", balance="1850")

    story.say("“Give me the PDF.”")
    await _pdf(story, invoice)

    story.say("“Bill them a second logo, 450.” (This one will turn out to be a mistake.)")
    mistake = await _invoice(story, customer, [_line("Logo", 450, 1)], "450")
    await story.call("mark_invoice_sent", invoice_id=mistake)

    story.say("“Void that one.” The user is asked and says no: nothing happens.")
    story.answer = False
    refused = await story.attempt("void_invoice", invoice_id=mistake)
    check(bool(refused.is_error) and len(story.asked) == 1, "a declined void is an error, after one question")
    await _expect(story, mistake, status="sent", balance="450")

    story.say("“Void it after all.” The user is asked again and says yes.")
    story.answer = True
    await story.call("void_invoice", invoice_id=mistake)
    check(len(story.asked) == 2, "the user was asked a second time")
    await _expect(story, mistake, status="void")

    story.say("“How do we stand with Harbour Café?”")
    await _books(story, customer)


def _line(name: str, rate: int, quantity: int) -> dict[str, Any]:
    return {"name": name, "rate": rate, "quantity": quantity}


async def _invoice(story: Story, customer: str, lines: list[dict[str, Any]], total: str) -> str:
    written = (await story.call("create_invoice", customer_id=customer, line_items=lines))["invoice"]
    check(_money(written["total"]) == Decimal(total), f"the invoice's total is {total}")
    check(written["status"] == "draft", "a new invoice is a draft")
    return written["invoice_id"]


async def _expect(story: Story, invoice: str, *, status: str, balance: str | None = None) -> None:
    found = (await story.call("get_invoice", invoice_id=invoice))["invoice"]
    check(found["status"] == status, f"the invoice's status is {status}")
    check(balance is None or _money(found["balance"]) == Decimal(balance or 0), f"its balance is {balance}")


async def _pdf(story: Story, invoice: str) -> None:
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
    show("file", f"{path} ({len(content):,} bytes)")


async def _books(story: Story, customer: str) -> None:
    invoices = (await story.call("list_invoices", customer_id=customer))["invoices"]
    payments = (await story.call("list_payments", customer_id=customer))["customerpayments"]
    owed = (await story.call("get_customer", customer_id=customer))["customer"]["outstanding_receivable_amount"]
    invoiced = sum((_money(row["total"]) for row in invoices if row["status"] != "void"), Decimal())
    paid = sum((_money(row["amount"]) for row in payments), Decimal())
    show("books", f"Invoiced    {invoiced:>10,.2f}\nPaid        {paid:>10,.2f}\nOutstanding {_money(owed):>10,.2f}")
    check(invoiced - paid == _money(owed), "invoiced less paid is what is outstanding")
    check((invoiced, paid) == (Decimal(2850), Decimal(1000)), "2,850 was invoiced and 1,000 paid")


def _money(value: object) -> Decimal:
    return Decimal(str(value))
