"""Random sequences of calls, some with a lost answer, next to a small model of the books: both stay the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import anyio
import pytest
from conftest import Clock, Zoho, call, kind_of, text_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from zoho_mcp.cli.local_sandbox import environment_for
from zoho_mcp.sandbox.app import create_app
from zoho_mcp.sandbox.demo.organization import empty
from zoho_mcp.sandbox.limits import UNLIMITED
from zoho_mcp.sandbox.store import Store
from zoho_mcp.settings import from_environment

pytestmark = pytest.mark.slow

FAULTS = (
    "",
    "",
    "",
    "cut-after",
    "cut-before",
    "half",
    "broken",
    "status=502",
    "status-after=500",
    "code=1070",
    "revoke",
)


@dataclass
class Invoice:
    """What an invoice should be."""

    record_id: str
    total: Decimal
    status: str = "draft"
    paid: Decimal = Decimal(0)


@dataclass(frozen=True)
class Step:
    """One call: what to do, to which of the invoices, with which amount, and what goes wrong."""

    tool: str
    which: int
    cents: int
    fault: str


STEPS = st.builds(
    Step,
    tool=st.sampled_from(
        [
            "create_invoice",
            "mark_invoice_sent",
            "record_invoice_payment",
            "void_invoice",
            "delete_invoice",
            "update_invoice",
        ]
    ),
    which=st.integers(0, 3),
    cents=st.integers(1, 100_000),
    fault=st.sampled_from(FAULTS),
)


@dataclass
class Model:
    """The books as they should be: the few rules of invoices and payments, told once more and by somebody else."""

    invoices: list[Invoice] = field(default_factory=list[Invoice])
    advance: Decimal = Decimal(0)

    def allows(self, step: Step, invoice: Invoice) -> bool:
        match step.tool:
            case "record_invoice_payment":
                # Zoho takes a payment on a draft, too.
                owed = invoice.total - invoice.paid
                return invoice.status != "void" and 0 < Decimal(step.cents) / 100 <= owed
            case "delete_invoice":
                return invoice.paid == 0
            case "update_invoice":
                return invoice.status != "void"
            case _:
                return True

    def apply(self, step: Step, invoice: Invoice) -> None:
        match step.tool:
            case "mark_invoice_sent":
                invoice.status = "sent" if invoice.status == "draft" else invoice.status
            case "record_invoice_payment":
                invoice.paid += Decimal(step.cents) / 100
            case "void_invoice":
                self.advance += invoice.paid
                invoice.paid, invoice.status = Decimal(0), "void"
            case "delete_invoice":
                self.invoices.remove(invoice)
            case _:
                pass


def worlds() -> Iterator[Zoho]:
    clock = Clock()
    store = Store.open(None)
    empty(store, today=clock().date())
    app = create_app(store, clock=clock, limits=UNLIMITED)
    yield Zoho(store, app, clock, from_environment(environment_for("http://127.0.0.1")))
    store.close()


@settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=1, max_size=14))
def test_what_the_tools_say_and_what_the_books_say_is_what_should_be(steps: list[Step]) -> None:
    for zoho in worlds():
        anyio.run(run, zoho, steps)


async def run(zoho: Zoho, steps: list[Step]) -> None:
    model = Model()
    async with zoho.client(confirm="allow", repeat_window=0) as client:
        customer = (await call(client, "create_customer", contact_name="Harbour"))["customer"]["customer_id"]
        for step in steps:
            zoho.clock.advance(seconds=10)
            zoho.faults.clear()
            if step.fault:
                zoho.faults.add(f"POST *:{step.fault}", f"PUT *:{step.fault}", f"DELETE *:{step.fault}")
            await take(client, model, step, customer)
            zoho.faults.clear()
            await agree(client, model, customer)


async def take(client: Client, model: Model, step: Step, customer: str) -> None:
    if step.tool == "create_invoice" or not model.invoices:
        lines = [{"name": "Work", "rate": step.cents / 100, "quantity": 1}]
        result = await client.call_tool("create_invoice", {"customer_id": customer, "line_items": lines})
        if not result.is_error:
            made = result.structured_content["invoice"]
            model.invoices.append(Invoice(made["invoice_id"], Decimal(step.cents) / 100))
        else:
            assert kind_of(result) in ("rejected", "unavailable", "limited", "not_found"), text_of(result)
        return
    invoice = model.invoices[step.which % len(model.invoices)]
    result = await client.call_tool(step.tool, arguments(step, invoice))
    if not result.is_error:
        assert model.allows(step, invoice), (step, invoice)
        model.apply(step, invoice)
    else:
        assert kind_of(result) not in ("unknown", "failed"), text_of(result)
        assert step.fault or not model.allows(step, invoice), text_of(result)


def arguments(step: Step, invoice: Invoice) -> dict[str, Any]:
    more: dict[str, dict[str, Any]] = {
        "record_invoice_payment": {"amount": step.cents / 100},
        "update_invoice": {"notes": f"{step.cents}", "reason": "why not"},
    }
    return {"invoice_id": invoice.record_id, **more.get(step.tool, {})}


async def agree(client: Client, model: Model, customer: str) -> None:
    """Every invoice is there once, with its figures; so is what the customer owes and has in advance."""
    rows = {row["invoice_id"]: row for row in (await call(client, "list_invoices"))["invoices"]}
    assert set(rows) == {invoice.record_id for invoice in model.invoices}
    for invoice in model.invoices:
        row = rows[invoice.record_id]
        assert Decimal(str(row["total"])) == invoice.total
        if invoice.status != "void":
            assert Decimal(str(row["balance"])) == invoice.total - invoice.paid
        else:
            assert row["status"] == "void"
    paid = sum((invoice.paid for invoice in model.invoices), model.advance)
    payments = (await call(client, "list_payments"))["customerpayments"]
    assert sum((Decimal(str(row["amount"])) for row in payments), Decimal()) == paid
    found = (await call(client, "get_customer", customer_id=customer))["customer"]
    assert Decimal(str(found.get("unused_credits_receivable_amount", 0))) == model.advance
