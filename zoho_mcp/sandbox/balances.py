"""Balances and unused amounts, derived from the books on every read and never stored.

An "allocation" record says that so much of a payment or credit note went to an invoice; everything follows from these:
an invoice's balance, a payment's or credit note's rest, a customer's receivables and unused credits.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from zoho_mcp.sandbox.pricing import ZERO
from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.times import touch
from zoho_mcp.sandbox.wire.errors import does_not_exist
from zoho_mcp.sandbox.wire.json_wire import Record
from zoho_mcp.sandbox.wire.routing import Request

# Kinds of record that can be applied to invoices, and the field with their amount.
SOURCES: Mapping[str, str] = {"payment": "amount", "creditnote": "total"}
# Statuses of invoices that are not owed.
NOT_IN_FORCE = ("draft", "pending_approval", "approved", "rejected", "void")


@dataclass(frozen=True)
class Settled:
    """The payments and credits applied to an invoice."""

    payments: Decimal = ZERO
    credits: Decimal = ZERO
    withheld: Decimal = ZERO
    last_payment_date: str = ""

    @property
    def total(self) -> Decimal:
        """The sum."""
        return self.payments + self.credits + self.withheld


@dataclass(frozen=True)
class Standing:
    """A customer's receivables and unused credits, in the customer's currency and in the organisation's."""

    outstanding: Decimal = ZERO
    outstanding_bcy: Decimal = ZERO
    unused: Decimal = ZERO
    unused_bcy: Decimal = ZERO


def settled(allocations: Iterable[Record]) -> dict[str, Settled]:
    """The amounts applied to each invoice, by invoice_id."""
    totals: dict[str, Settled] = defaultdict(Settled)
    for part in allocations:
        was = totals[part["invoice_id"]]
        paid = part["source_kind"] == "payment"
        totals[part["invoice_id"]] = Settled(
            payments=was.payments + (part["amount"] if paid else ZERO),
            credits=was.credits + (ZERO if paid else part["amount"]),
            withheld=was.withheld + part["tax_amount_withheld"],
            last_payment_date=max(was.last_payment_date, part["date"] if paid else ""),
        )
    return totals


def settled_of(books: Books, invoice: Record) -> Settled:
    """The amounts applied to one invoice."""
    return settled(books.of_customer("allocation", invoice["customer_id"])).get(invoice["invoice_id"], Settled())


def balance(invoice: Record, applied: Settled) -> Decimal:
    """The amount that is still owed: nothing for a void invoice or one written off."""
    if invoice["status"] == "void":
        return invoice["total"] * 0
    return invoice["total"] - applied.total - invoice.get("write_off_amount", ZERO)


def invoice_status(invoice: Record, applied: Settled, today: str) -> str:
    """The status that Zoho shows. The record itself has draft, sent, void and those of an approval."""
    if invoice["status"] in NOT_IN_FORCE:
        return str(invoice["status"])
    if balance(invoice, applied) <= 0:
        return "paid"
    if applied.total > 0:
        # Zoho's documents: past due is overdue, but with a part paid it is partially_paid.
        return "partially_paid"
    return "overdue" if invoice["due_date"] < today else str(invoice["status"])


def rest(books: Books, kind: str, source: Record) -> Decimal:
    """The amount of a payment or credit note that is neither applied nor refunded."""
    source_id = source[f"{kind}_id"]
    used = sum((part["amount"] for part in allocations_from(books, source["customer_id"], source_id)), ZERO)
    refunds = books.of_customer("refund", source["customer_id"])
    used += sum((refund["amount"] for refund in refunds if refund["source_id"] == source_id), ZERO)
    return source[SOURCES[kind]] - used


def allocations_from(books: Books, customer_id: str, source_id: str) -> list[Record]:
    """The allocations of a payment or credit note."""
    return [part for part in books.of_customer("allocation", customer_id) if part["source_id"] == source_id]


def allocations_to(books: Books, invoice: Record) -> list[Record]:
    """The allocations to an invoice, oldest first."""
    parts = books.of_customer("allocation", invoice["customer_id"])
    return [part for part in parts if part["invoice_id"] == invoice["invoice_id"]]


def allocate(
    request: Request, kind: str, source: Record, invoice: Record, amount: Decimal, *, withheld: Decimal = ZERO
) -> Record:
    """Apply this amount of a payment or credit note to an invoice. The caller checks that there is enough."""
    allocation_id = request.books.new_id()
    part: Record = {
        "allocation_id": allocation_id,
        "source_kind": kind,
        "source_id": source[f"{kind}_id"],
        "invoice_id": invoice["invoice_id"],
        "customer_id": invoice["customer_id"],
        "amount": amount,
        "tax_amount_withheld": withheld,
        "date": source["date"],
    }
    request.books.put("allocation", allocation_id, part)
    if invoice["status"] == "draft":
        # A payment turns a draft into a sent invoice (as in Zoho's user interface; unverified over the API).
        invoice["status"] = "sent"
    touch(invoice, request.now)
    request.books.put("invoice", invoice["invoice_id"], invoice)
    return part


def unapply(request: Request, parts: Iterable[Record]) -> None:
    """Take allocations back: the invoices are owed again, the amount is unused again."""
    for part in list(parts):
        request.books.drop("allocation", part["allocation_id"])
        for kind, record_id in (("invoice", part["invoice_id"]), (part["source_kind"], part["source_id"])):
            record = request.books.get(kind, record_id)
            if record is not None:
                touch(record, request.now)
                request.books.put(kind, record_id, record)


def unapply_one(request: Request, parts: Iterable[Record], allocation_id: str, word: str) -> None:
    """Take the allocation of that id back. Raises ZohoError if it is none of these; `word` names it there."""
    chosen = [part for part in parts if part["allocation_id"] == allocation_id]
    if not chosen:
        raise does_not_exist(word)
    unapply(request, chosen)


def standings(books: Books, customer_id: str | None = None) -> dict[str, Standing]:
    """The balances of every customer, or of one."""
    allocations = books.of_customer("allocation", customer_id)
    applied = settled(allocations)
    used: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for part in [*allocations, *books.of_customer("refund", customer_id)]:
        used[part["source_id"]] += part["amount"]
    totals: dict[str, Standing] = defaultdict(Standing)
    for invoice in books.of_customer("invoice", customer_id):
        if invoice["status"] not in NOT_IN_FORCE:
            owed = balance(invoice, applied.get(invoice["invoice_id"], Settled()))
            _add(totals, invoice, owed, ZERO)
    for kind, amount in SOURCES.items():
        for source in books.of_customer(kind, customer_id):
            if source.get("status") not in NOT_IN_FORCE:
                _add(totals, source, ZERO, source[amount] - used[source[f"{kind}_id"]])
    return totals


def _add(totals: dict[str, Standing], record: Record, owed: Decimal, unused: Decimal) -> None:
    was, exchange_rate = totals[record["customer_id"]], record["exchange_rate"]
    totals[record["customer_id"]] = Standing(
        was.outstanding + owed,
        was.outstanding_bcy + owed * exchange_rate,
        was.unused + unused,
        was.unused_bcy + unused * exchange_rate,
    )
