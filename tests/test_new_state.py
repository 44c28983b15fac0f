"""A result says what happened: which record a change was about, and how it stands now."""

from typing import Any

import pytest
from conftest import Zoho, call
from mcp import Client

from zoho_mcp.server.results.remarks import TEMPLATE
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.anyio
MAIL = ["ada@harbour.example"]
CATALOG = load()


class Books:
    """One customer with an open invoice, another one, a payment on the first, a credit note and a recurring invoice."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ids: dict[str, str] = {}

    async def find_customer(self) -> None:
        found = await self.use("list_customers", contact_name="Bluebird Books")
        self.ids["customer_id"] = found["customers"][0]["customer_id"]

    async def fill(self) -> None:
        await self.find_customer()
        use, ids = self.use, self.ids
        ids["item_id"] = (await use("list_items"))["items"][0]["item_id"]
        for name in ("invoice_id", "other_id"):
            lines = [{"name": name, "rate": 100}]
            made = await use("create_invoice", customer_id=ids["customer_id"], line_items=lines)
            ids[name] = made["invoice"]["invoice_id"]
            await use("mark_invoice_sent", invoice_id=ids[name])
        paid = await use("record_invoice_payment", invoice_id=ids["invoice_id"], amount=30)
        ids["payment_id"] = paid["payment"]["payment_id"]
        note = await use("create_credit_note", customer_id=ids["customer_id"], line_items=[{"name": "A", "rate": 50}])
        ids["creditnote_id"] = note["creditnote"]["creditnote_id"]
        quote = await use("create_estimate", customer_id=ids["customer_id"], line_items=[{"name": "A", "rate": 50}])
        ids["estimate_id"] = quote["estimate"]["estimate_id"]
        found = await use("list_recurring_invoices", status="active")
        ids["recurring_invoice_id"] = found["recurring_invoices"][0]["recurring_invoice_id"]
        ids["template_id"] = (await use("list_invoice_templates"))["templates"][1]["template_id"]

    async def use(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return await call(self.client, tool, **self.filled(arguments))

    def filled(self, value: Any) -> Any:
        """With the id that `$name` stands for."""
        if isinstance(value, dict):
            return {key: self.filled(part) for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list):
            return [self.filled(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
        return self.ids[value[1:]] if isinstance(value, str) and value.startswith("$") else value


Case = tuple[str, dict[str, Any], dict[str, Any]]
MOVED = [{"invoice_id": "$other_id", "amount_applied": 30}]
CASES: list[Case] = [
    ("email_invoice", {"invoice_id": "$invoice_id", "to_mail_ids": MAIL, "subject": "Yours"},
     {"invoice": {"invoice_id": "$invoice_id", "status": "partially_paid", "balance": 70}, "to_mail_ids": MAIL,
      "subject": "Yours"}),
    ("email_estimate", {"estimate_id": "$estimate_id", "to_mail_ids": MAIL, "cc_mail_ids": ["b@b.example"]},
     {"estimate": {"estimate_id": "$estimate_id", "status": "sent"}, "to_mail_ids": MAIL, "subject": TEMPLATE,
      "cc_mail_ids": ["b@b.example"]}),
    ("email_credit_note", {"creditnote_id": "$creditnote_id", "to_mail_ids": MAIL, "subject": "A", "body": "B"},
     {"creditnote": {"creditnote_id": "$creditnote_id", "balance": 50}, "to_mail_ids": MAIL, "subject": "A"}),
    ("create_invoice", {"customer_id": "$customer_id", "line_items": [{"name": "C", "rate": 5}], "send": True},
     {"mailed_to": ["thomas@bluebirdbooks.example"], "invoice": {"status": "sent"}}),
    ("deactivate_customer", {"customer_id": "$customer_id"},
     {"customer": {"contact_name": "Bluebird Books", "status": "inactive"}}),
    ("activate_customer", {"customer_id": "$customer_id"},
     {"customer": {"contact_name": "Bluebird Books", "status": "active"}}),
    ("deactivate_item", {"item_id": "$item_id"}, {"item": {"item_id": "$item_id", "status": "inactive"}}),
    ("set_recurring_invoice_template",
     {"recurring_invoice_id": "$recurring_invoice_id", "template_id": "$template_id"},
     {"recurring_invoice": {"recurring_invoice_id": "$recurring_invoice_id", "template_id": "$template_id"}}),
    ("stop_recurring_invoice", {"recurring_invoice_id": "$recurring_invoice_id"},
     {"recurring_invoice": {"status": "stopped"}}),
    ("refund_credit_note", {"creditnote_id": "$creditnote_id", "amount": 20, "date": "2026-06-15"},
     {"creditnote": {"creditnote_id": "$creditnote_id", "balance": 30}, "creditnote_refund": {"amount": 20}}),
    ("record_invoice_payment", {"invoice_id": "$invoice_id", "amount": 20},
     {"invoice": {"balance_before": 70, "balance": 50, "status": "partially_paid"}}),
    ("record_invoice_payment", {"invoice_id": "$invoice_id"},
     {"invoice": {"balance_before": 70, "balance": 0, "status": "paid"}}),
    ("update_payment", {"payment_id": "$payment_id", "invoices": MOVED},
     {"invoices_now": [{"invoice_id": "$invoice_id", "balance": 100}, {"invoice_id": "$other_id", "balance": 70}]}),
    ("void_invoice", {"invoice_id": "$other_id"}, {"invoice": {"invoice_id": "$other_id", "status": "void"}}),
    ("delete_payment", {"payment_id": "$payment_id"},
     {"deleted": {"payment_id": "$payment_id", "amount": 30},
      "invoices_now": [{"invoice_id": "$invoice_id", "balance": 100}]}),
    ("delete_estimate", {"estimate_id": "$estimate_id"}, {"deleted": {"estimate_id": "$estimate_id", "total": 50}}),
    ("apply_credit_note",
     {"creditnote_id": "$creditnote_id", "invoices": [{"invoice_id": "$other_id", "amount_applied": 40}]},
     {"creditnote": {"balance_before": 50, "balance": 10}, "invoices_now": [{"balance": 60}]}),
    ("send_payment_reminder", {"invoice_id": "$other_id", "to_mail_ids": MAIL},
     {"invoice": {"invoice_id": "$other_id"}, "to_mail_ids": MAIL, "subject": TEMPLATE}),
    ("write_off_invoice", {"invoice_id": "$other_id"}, {"invoice": {"invoice_id": "$other_id", "balance": 0}}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "arguments", "expected"), CASES, ids=[case[0] for case in CASES])
async def test_a_result_names_the_record_and_its_new_state(
    zoho: Zoho, tool: str, arguments: dict[str, Any], expected: dict[str, Any]
) -> None:
    async with zoho.client(toolsets=("all",)) as client:
        books = Books(client)
        await books.fill()
        result = await books.use(tool, **arguments)
        assert contains(result, books.filled(expected)), result


def contains(whole: Any, part: Any) -> bool:
    """Whether everything in `part` is in `whole`; lists match element by element."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and contains(whole[name], value)
            for name, value in part.items()  # pyright: ignore[reportUnknownVariableType]
        )
    if isinstance(part, list):
        return (
            isinstance(whole, list)
            and len(whole) == len(part)  # pyright: ignore[reportUnknownArgumentType]
            and all(map(contains, whole, part))  # pyright: ignore[reportUnknownArgumentType]
        )
    return whole == part


async def test_a_payment_whose_amounts_stay_is_not_looked_at_again(zoho: Zoho) -> None:
    async with zoho.client() as client:
        books = Books(client)
        await books.fill()
        before = len(zoho.received("GET"))
        await books.use("update_payment", payment_id="$payment_id", description="Thanks")
        # Before, to keep what is overwritten; not afterwards.
        assert len(zoho.received("GET")) == before + 1


async def test_a_change_is_reported_as_done_when_its_new_state_cannot_be_read(zoho: Zoho) -> None:
    async with zoho.client() as client:
        books = Books(client)
        await books.fill()
        await books.use("deactivate_customer", customer_id="$customer_id")
        zoho.faults.add("GET /contacts/*:status=500:*")
        result = await books.use("activate_customer", customer_id="$customer_id")
        assert result["remarks"]
        assert "customer" not in result
