"""Stories in which every tool is used once, as a business would use it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import Zoho, call
from routes import advice

from zoho_mcp.specs.load import load

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
NO_ROUTE = (5, 37)
"""Zoho's codes for an address that does not exist, and for a method that an address does not take."""
LINES = [{"name": "Design", "rate": 800, "quantity": 3}]
Tool = Callable[..., Awaitable[dict[str, Any]]]
WALKS: list[list[dict[str, Any]]] = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "cases" / "walks").glob("*.json"))
]


async def invoicing(use: Tool, customer: str) -> None:
    invoice = (await use("create_invoice", customer_id=customer, line_items=LINES))["invoice"]["invoice_id"]
    changed = (await use("update_invoice", invoice_id=invoice, notes="Thank you"))["invoice"]
    assert changed["notes"] == "Thank you"
    await use("mark_invoice_sent", invoice_id=invoice)
    await use("email_invoice", invoice_id=invoice, to_mail_ids=["ada@harbour.example"])
    await use("record_invoice_payment", invoice_id=invoice, amount=400)
    [payment] = (await use("list_invoice_payments", invoice_id=invoice))["payments"]
    await use("update_payment", payment_id=payment["payment_id"], reference_number="CHK-1")
    assert (await use("get_payment", payment_id=payment["payment_id"]))["payment"]["reference_number"] == "CHK-1"
    assert (await use("list_payments", customer_id=customer))["customerpayments"]
    await use("delete_payment", payment_id=payment["payment_id"])
    assert (await use("get_invoice", invoice_id=invoice))["invoice"]["balance"] == 2400
    await use("record_payment", customer_id=customer, amount=100)
    assert (await use("get_invoice_pdf", invoice_id=invoice))["mime_type"] == "application/pdf"
    await use("void_invoice", invoice_id=invoice)
    assert (await use("list_invoices", customer_id=customer, status="void"))["invoices"]
    await use("delete_invoice", invoice_id=invoice)


async def estimating(use: Tool, customer: str) -> None:
    made = [
        (await use("create_estimate", customer_id=customer, line_items=LINES))["estimate"]["estimate_id"]
        for _ in range(3)
    ]
    await use("update_estimate", estimate_id=made[0], notes="Valid for 30 days")
    await use("mark_estimate_sent", estimate_id=made[0])
    await use("accept_estimate", estimate_id=made[0])
    invoice = (await use("convert_estimate_to_invoice", estimate_id=made[0]))["invoice"]
    assert (invoice["total"], invoice["customer_id"]) == (2400, customer)
    assert (await use("get_estimate", estimate_id=made[0]))["estimate"]["status"] == "invoiced"
    await use("email_estimate", estimate_id=made[1], to_mail_ids=["ada@harbour.example"])
    await use("decline_estimate", estimate_id=made[1])
    assert (await use("list_estimates", customer_id=customer, status="declined"))["estimates"]
    await use("delete_estimate", estimate_id=made[2])


async def crediting(use: Tool, customer: str) -> None:
    note = (await use("create_credit_note", customer_id=customer, line_items=LINES))["creditnote"]
    identity = note["creditnote_id"]
    assert (note["status"], note["balance"]) == ("open", 2400)
    await use("update_credit_note", creditnote_id=identity, notes="Sorry")
    await use(
        "email_credit_note",
        creditnote_id=identity,
        to_mail_ids=["ada@harbour.example"],
        subject="Credit",
        body="Attached.",
    )
    known = (await use("list_expenses"))["expenses"][0]["expense_id"]
    account = (await use("get_expense", expense_id=known))["expense"].get("paid_through_account_id")
    refund = {"amount": 400, "date": "2026-06-15", "refund_mode": "cash"}
    # Zoho Invoice shows no accounts, Zoho Books asks for one.
    refund |= {"from_account_id": account} if account else {}
    await use("refund_credit_note", creditnote_id=identity, **refund)
    assert (await use("get_credit_note", creditnote_id=identity))["creditnote"]["balance"] == 2000
    other = (await use("create_credit_note", customer_id=customer, line_items=LINES))["creditnote"]["creditnote_id"]
    await use("void_credit_note", creditnote_id=other)
    assert (await use("list_credit_notes", customer_id=customer))["creditnotes"]
    await use("delete_credit_note", creditnote_id=other)


async def spending(use: Tool, folder: Path) -> None:
    category = (await use("list_expense_categories"))["expense_categories"][0]["account_id"]
    known = (await use("list_expenses"))["expenses"][0]["expense_id"]
    account = (await use("get_expense", expense_id=known))["expense"].get("paid_through_account_id")
    paid = {"paid_through_account_id": account} if account else {}
    made = await use("create_expense", account_id=category, date="2026-06-01", amount=12.5, **paid)
    expense = made["expense"]["expense_id"]
    await use("update_expense", expense_id=expense, description="Lunch")
    (folder / "lunch.png").write_bytes(PNG)
    await use("upload_expense_receipt", expense_id=expense, file_path="lunch.png")
    assert (await use("get_expense", expense_id=expense))["expense"]["total"] == 12.5
    assert (await use("list_expenses"))["expenses"]
    await use("delete_expense", expense_id=expense)


async def stocking(use: Tool) -> None:
    item = (await use("create_item", name="Icon set", rate=120))["item"]["item_id"]
    await use("update_item", item_id=item, name="Icon set", rate=130)
    await use("deactivate_item", item_id=item)
    await use("activate_item", item_id=item)
    assert (await use("get_item", item_id=item))["item"]["rate"] == 130
    assert (await use("list_items"))["items"]
    await use("delete_item", item_id=item)


async def repeating(use: Tool, customer: str) -> None:
    fields: dict[str, Any] = {"customer_id": customer, "recurrence_frequency": "months", "line_items": LINES}
    made = (await use("create_recurring_invoice", recurrence_name="Care", **fields))["recurring_invoice"]
    identity = made["recurring_invoice_id"]
    await use("update_recurring_invoice", recurring_invoice_id=identity, repeat_every=2)
    await use("stop_recurring_invoice", recurring_invoice_id=identity)
    await use("resume_recurring_invoice", recurring_invoice_id=identity)
    template = (await use("list_invoice_templates"))["templates"][0]["template_id"]
    await use("set_recurring_invoice_template", recurring_invoice_id=identity, template_id=template)
    assert len((await use("list_recurring_invoice_history", recurring_invoice_id=identity))["comments"]) >= 4
    unique = {"unique_field": "cf_contract", "unique_value": "C-77", "upsert": True}
    created = await use("upsert_recurring_invoice", recurrence_name="Hosting", **unique, **fields)
    assert created["message"].startswith("Created")
    assert (await use("get_recurring_invoice", recurring_invoice_id=identity))["recurring_invoice"][
        "status"
    ] == "active"
    assert len((await use("list_recurring_invoices", customer_id=customer))["recurring_invoices"]) == 2
    await use("delete_recurring_invoice", recurring_invoice_id=identity)


async def customers(use: Tool) -> str:
    person = {"first_name": "Ada", "email": "ada@harbour.example", "is_primary_contact": True}
    spare = (await use("create_customer", contact_name="Spare"))["customer"]["customer_id"]
    await use("deactivate_customer", customer_id=spare)
    await use("activate_customer", customer_id=spare)
    await use("delete_customer", customer_id=spare)
    customer = (await use("create_customer", contact_name="Harbour Café", contact_persons=[person]))["customer"][
        "customer_id"
    ]
    assert (await use("update_customer", customer_id=customer, payment_terms=14))["customer"]["payment_terms"] == 14
    assert (await use("get_customer", customer_id=customer))["customer"]["contact_name"] == "Harbour Café"
    assert (await use("list_contact_persons", customer_id=customer))["contact_persons"][0][
        "email"
    ] == "ada@harbour.example"
    assert (await use("list_customers", contact_name_contains="Harbour"))["customers"]
    return customer


def filled(value: Any, kept: dict[str, Any]) -> Any:
    """The value with each "$name" replaced by what an earlier step kept."""
    if isinstance(value, str) and value.startswith("$"):
        return kept[value[1:]]
    if isinstance(value, list):
        return [filled(part, kept) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: filled(part, kept) for name, part in cast("dict[str, Any]", value).items()}
    return value


def at(answer: Any, path: str) -> Any:
    """The part of an answer at a path such as `invoices.0.invoice_id`."""
    for step in path.split("."):
        answer = answer[int(step)] if step.isdigit() else answer[step]
    return answer


async def walk(zoho: Zoho, use: Tool, story: list[dict[str, Any]], kept: dict[str, Any], product: str) -> None:
    """One story of cases/walks: each step calls a tool, keeps parts of the answer and expects parts of it.

    A step that names a `product` is for that one only.
    """
    for step in (step for step in story if step.get("product", product) == product):
        try:
            answer = await use(step["tool"], **filled(step.get("arguments", {}), kept))
        except AssertionError as problem:
            request = zoho.app.state.request_log[-1]
            if request.code in NO_ROUTE:
                pytest.fail(advice(load(product).operations[step["tool"]]))
            raise AssertionError(f"{step['tool']}: {problem}") from None
        kept |= {name: at(answer, path) for name, path in step.get("keep", {}).items()}
        for path, expected in step.get("expect", {}).items():
            assert at(answer, path) == filled(expected, kept), (step["tool"], path)


@dataclass
class Use:
    """A tool that was used: its name, its arguments and its answer."""

    tool: str
    arguments: dict[str, Any]
    answer: dict[str, Any]


async def use_every_tool(zoho: Zoho, folder: Path, product: str) -> list[Use]:
    """Tell all stories to a server on that sandbox; what was used, in order."""
    used: list[Use] = []
    async with zoho.client(
        checks=True, product=product, toolsets=("all",), upload_dir=folder, repeat_window=0
    ) as client:

        async def use(tool: str, **arguments: Any) -> dict[str, Any]:
            used.append(Use(tool, arguments, await call(client, tool, **arguments)))
            return used[-1].answer

        customer = await customers(use)
        await invoicing(use, customer)
        await estimating(use, customer)
        await crediting(use, customer)
        await spending(use, folder)
        await stocking(use)
        await repeating(use, customer)
        for story in WALKS:
            await walk(zoho, use, story, {"customer": customer}, product)
    return used


SUMMARIES = {
    "invoices": ("customer", "month", "quarter", "item", "tax", "status", "currency"),
    "payments": ("customer", "payment_mode", "currency"),
    "expenses": ("customer", "category", "status"),
    "estimates": ("customer", "status"),
    "credit_notes": ("customer", "item", "tax"),
}


async def ask_for_figures(zoho: Zoho, product: str) -> list[Use]:
    """Every figure that is added up here rather than by Zoho."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_monthly_revenue", {"year": 2026, "month": 5}),
        ("get_receivables_aging", {}),
        ("get_payment_performance", {}),
        *(("summarize_records", {"records": records, "group_by": by}) for records in SUMMARIES
          for by in SUMMARIES[records]),
    ]  # fmt: skip
    async with zoho.client(checks=True, product=product, toolsets=("all",)) as client:
        customers = (await call(client, "list_customers"))["customers"]
        calls += [("get_customer_statement", {"customer_id": row["customer_id"]}) for row in customers]
        return [Use(tool, arguments, await call(client, tool, **arguments)) for tool, arguments in calls]
