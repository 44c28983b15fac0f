"""Fills the books of a sandbox with any number of invoices and payments, written straight into its store.

The benchmarks and the tests of what has to work on many records share it. The same arguments give the same books.
"""

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.store import Books, Store

_STATUSES = ("sent", "sent", "sent", "sent", "draft", "void", "sent", "sent")


def fill(store: Store, invoices: int, month: str, *, seed: int = 1) -> None:
    """Add so many invoices dated in `month` (yyyy-mm) to books with demo data; two of three sent ones are paid."""
    chance, books = random.Random(seed), store.books(CREDENTIALS.organization_id)
    models = {invoice["customer_id"]: invoice for invoice in books.all("invoice")}
    paid_with = {payment["customer_id"]: payment for payment in books.all("payment")}
    payment = next(iter(paid_with.values()))
    with store.transaction():
        for number in range(invoices):
            model = models[chance.choice(sorted(models))]
            amount = Decimal(chance.randrange(1, 5_000_000)) / 100
            date = f"{month}-{chance.randrange(1, 29):02}"
            invoice = _invoice(books, model, f"BIG-{seed}-{number:06}", amount, date)
            invoice["status"] = _STATUSES[number % len(_STATUSES)]
            books.put("invoice", invoice["invoice_id"], invoice)
            if invoice["status"] == "sent" and number % 3:
                _pay(books, invoice, payment, number)


def _invoice(books: Books, model: Mapping[str, Any], number: str, amount: Decimal, date: str) -> dict[str, Any]:
    line = {**model["line_items"][0], "rate": amount, "quantity": 1, "item_total": amount}
    return {
        **model, "invoice_id": books.new_id(), "invoice_number": number, "reference_number": "", "notes": "",
        "date": date, "created_date": date, "created_time": f"{date}T12:00:00-0400", "due_date": f"{date[:8]}28",
        "last_modified_time": f"{date}T12:00:00-0400", "billing_address": {}, "shipping_address": {},
        "line_items": [line], "sub_total": amount, "tax_total": Decimal(), "taxes": [], "total": amount,
    }  # fmt: skip


def _pay(books: Books, invoice: Mapping[str, Any], model: Mapping[str, Any], number: int) -> None:
    payment = {**model, "payment_id": books.new_id(), "payment_number": f"9{number}", "amount": invoice["total"]}
    payment |= {name: invoice[name] for name in ("customer_id", "customer_name", "currency_id", "currency_code",
                                                 "currency_symbol", "date", "created_time")}  # fmt: skip
    books.put("payment", payment["payment_id"], payment)
    allocation_id = books.new_id()
    books.put(
        "allocation",
        allocation_id,
        {
            "allocation_id": allocation_id, "source_kind": "payment", "source_id": payment["payment_id"],
            "invoice_id": invoice["invoice_id"], "customer_id": invoice["customer_id"], "amount": invoice["total"],
            "tax_amount_withheld": Decimal(), "date": invoice["date"],
        },
    )  # fmt: skip


REVENUE_SQL = """
with paid as materialized (
    select json_extract(body, '$.invoice_id') as invoice_id,
           sum(cast(round(json_extract(body, '$.amount') * 100) as integer)) as cents
    from records where kind = 'allocation' group by 1)
select json_extract(body, '$.currency_code'), count(*),
       sum(cast(round(json_extract(body, '$.total') * 100) as integer))
from records as invoice left join paid on paid.invoice_id = invoice.id
where kind = 'invoice' and json_extract(body, '$.date') like ? || '%'
  and json_extract(body, '$.status') = 'sent'
  and cast(round(json_extract(body, '$.total') * 100) as integer) <= coalesce(paid.cents, 0)
group by 1 order by 1
"""
"""Revenue of a month by SQL over the sandbox's own tables: currency, number of paid invoices, cents."""
RECEIVED_SQL = """
select json_extract(body, '$.currency_code'), count(*),
       sum(cast(round(json_extract(body, '$.amount') * 100) as integer))
from records where kind = 'payment' and json_extract(body, '$.date') like ? || '%' group by 1 order by 1
"""
"""What was received in a month: currency, number of payments, cents."""
