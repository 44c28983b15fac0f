"""What a call takes with it beyond the record it names, in words. Pure: the further reads are handed in."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.policy.facts import outsiders, recipients
from zoho_mcp.policy.preview import Detail, More, clean, filled, limited, money, text_of

Record = Mapping[str, Any]


def voided_invoice(record: Record, payments: Sequence[Record]) -> More:
    """Void: payments and credits on it come loose and become credit of the customer."""
    currency = text_of("currency_code", record)
    credits = _number(record, "credits_applied")
    loose = sum((_number(payment, "amount") for payment in payments), Decimal())
    rows = [
        ("Comes loose", f"payment {clean(payment.get('payment_number', ''))} of {clean(payment.get('date', ''))}, "
         + money(_number(payment, "amount"), currency))
        for payment in payments
    ]  # fmt: skip
    details = [*limited(rows, "more payments")]
    if credits:
        details.append(("Comes loose", f"credits applied to it, {money(credits, currency)}"))
    if loose + credits:
        details.append(("Becomes unused credit of the customer", money(loose + credits, currency)))
    return More(tuple(details))


def deleted_invoice(record: Record) -> More:
    """Zoho refuses while payments (4001) or credits (12008) are on it."""
    for field, what, code in (("payment_made", "payments are recorded on", 4001),
                              ("credits_applied", "credits are applied to", 12008)):  # fmt: skip
        if _number(record, field) > 0:
            return More(
                refusal=f"{what.capitalize()} invoice {text_of('invoice_number', record)} "
                f"({money(_number(record, field), text_of('currency_code', record))}): Zoho deletes none of these "
                f"(code {code}). Nobody was asked.",
                instead="Use void_invoice to cancel it and keep its number, or remove what is on it first.",
            )
    return More()


def deleted_customer(record: Record, transactions: str) -> More:
    """Zoho refuses while there are transactions (3000). `transactions` names what was found, empty for none."""
    if not transactions:
        return More((("Transactions", "none found"),))
    return More(
        refusal=f"Customer {text_of('contact_name', record)} has {transactions}: Zoho deletes no customer with "
        "transactions (code 3000). Nobody was asked.",
        instead="Use deactivate_customer: it hides the customer and loses nothing.",
    )


def deleted_payment(record: Record) -> More:
    """The invoices it paid are owed again."""
    currency = text_of("currency_code", record)
    invoices = cast("list[Record]", record.get("invoices") or [])
    rows = [
        (f"Owed again on invoice {text_of('invoice_number', part)}", money(_number(part, "amount_applied"), currency))
        for part in invoices
    ]
    unused = _number(record, "unused_amount")
    details: list[Detail] = [*limited(rows, "more invoices")]
    if unused:
        details.append(("Unused credit that is lost", money(unused, currency)))
    return More(tuple(details))


def refund(record: Record, arguments: Record) -> More:
    """Money leaves the business: how much, from what, and what stays."""
    currency = text_of("currency_code", record)
    amount = Decimal(str(arguments["amount"]))
    details: list[Detail] = [("Paid out", money(amount, currency))]
    if "balance" in record:
        details.append(("Unused afterwards", money(_number(record, "balance") - amount, currency)))
    question = filled(
        f"Refund {money(amount, currency)} from credit note {{creditnote_number}} of {{customer_name}}?", record
    )
    return More((*details, *_ways(arguments)), question, amount=amount)


def mail(record: Record, arguments: Record, customer: Record | None) -> More:
    """Who gets what; above all who is not a contact person of the customer."""
    strange = set(outsiders(arguments, customer))
    rows = [
        ("Not a contact person" if address in strange else "To", clean(address)) for address in recipients(arguments)
    ]
    rows.sort(key=lambda row: row[0] == "To")
    attached = "none" if arguments.get("send_attachment") is False else "the PDF"
    if arguments.get("send_customer_statement"):
        attached = "a statement" if attached == "none" else f"{attached} and a statement"
    details = [
        *limited(rows, "more recipients"),
        ("Subject", clean(arguments.get("subject") or "the one of the organisation's template")),
        ("Attached", attached),
    ]
    if arguments.get("body"):
        details.append(("Text", clean(arguments["body"])))
    return More(tuple(details))


def _ways(arguments: Record) -> list[Detail]:
    labels = (("date", "On"), ("refund_mode", "By"), ("reference_number", "With reference"))
    return [(label, clean(arguments[name])) for name, label in labels if arguments.get(name)]


def _number(record: Record, field: str) -> Decimal:
    return Decimal(str(record.get(field) or 0))
