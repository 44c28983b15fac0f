"""Describes what a call affects beyond its record. Pure: further records are passed in."""

from collections.abc import Sequence
from decimal import Decimal

from zoho_mcp.policy.arguments_in_words import address_rows, whole_text
from zoho_mcp.policy.display import (
    Detail,
    Json,
    decimal,
    money,
    quoted,
    quoted_address,
    records_in,
    spelled_date,
)
from zoho_mcp.policy.facts import outsiders, recipients
from zoho_mcp.policy.preview import More, filled, text_of
from zoho_mcp.specs.entry import Mails
from zoho_mcp.text import one_line

JUST_ADDED = "Contact person for less than a day"
_MOST_ROWS = 100
"""Affected payments or invoices that are shown; the others are counted and added up."""
_LONGEST_SUBJECT = 300
"""Characters of a subject in a row; a longer one is shown as a text too."""
_OF_A_MAIL = frozenset({
    "to_mail_ids", "cc_mail_ids", "bcc_mail_ids", "subject", "body", "send_attachment", "send_customer_statement",
})  # fmt: skip


def unapplies(record: Json, payments: Sequence[Json]) -> More:
    """Payments and credits on the record become the customer's unapplied credit."""
    currency = text_of("currency_code", record)
    credits = _number(record, "credits_applied")
    loose = sum((_number(payment, "amount") for payment in payments), Decimal())
    rows = [
        ("Becomes unapplied", f"payment {text_of('payment_number', payment)} of {spelled_date(payment.get('date', ''))}"
         f", {money(_number(payment, 'amount'), currency)}")
        for payment in payments
    ]  # fmt: skip
    losses = [*_limited(rows, [_number(payment, "amount") for payment in payments], "payments", currency)]
    if credits:
        losses.append(("Becomes unapplied", f"credits applied to it, {money(credits, currency)}"))
    if loose + credits:
        losses.append(("Becomes unused customer credit", money(loose + credits, currency)))
    return More(tuple(losses))


def refused_while_paid(record: Json) -> More:
    """Zoho refuses while payments (code 4001) or credits (12008) are on the invoice."""
    for field, what, code in (("payment_made", "payments are recorded on", 4001),
                              ("credits_applied", "credits are applied to", 12008)):  # fmt: skip
        if _number(record, field) > 0:
            return More(
                refusal=f"{what.capitalize()} invoice {text_of('invoice_number', record)} "
                f"({money(_number(record, field), text_of('currency_code', record))}): Zoho refuses to delete it "
                f"(code {code}). Nobody was asked.",
                code=code,
                instead="Use void_invoice to cancel it and keep its number, or remove what is on it first.",
            )
    return More()


def refused_without_balance(record: Json) -> More:
    """Only an open balance can be written off."""
    status = str(record.get("status", ""))
    if status not in ("draft", "void") and ("balance" not in record or _number(record, "balance") > 0):
        return More()
    what = f"is {status}" if status in ("draft", "void") else "has no open balance"
    return More(
        refusal=f"Invoice {text_of('invoice_number', record)} {what}: there is nothing to write off. Nobody was asked.",
        instead="Tell the user so.",
    )


def refused_with_transactions(record: Json, transactions: str) -> More:
    """Zoho refuses while there are transactions (code 3000). `transactions`: their kind, empty for none."""
    if not transactions:
        return More(details=(("Transactions", "none found"),))
    return More(
        refusal=f"Customer {one_line(record.get('contact_name', ''))} has {transactions}: Zoho does not "
        "delete customers with transactions (code 3000). Nobody was asked.",
        code=3000,
        instead="Use deactivate_customer: it hides the customer and loses nothing.",
    )


def falls_due(record: Json) -> More:
    """The invoices that the payment paid become due again."""
    currency = text_of("currency_code", record)
    invoices = records_in(record.get("invoices"))
    rows = [
        (f"Due again on invoice {text_of('invoice_number', part)}", money(_number(part, "amount_applied"), currency))
        for part in invoices
    ]
    unused = _number(record, "unused_amount")
    losses = [*_limited(rows, [_number(part, "amount_applied") for part in invoices], "invoices", currency)]
    if unused:
        losses.append(("Unused credit lost", money(unused, currency)))
    return More(tuple(losses))


def pays_out(record: Json, arguments: Json) -> More:
    """Money leaves the business: the amount, its source and what remains."""
    currency = text_of("currency_code", record)
    amount = Decimal(str(arguments["amount"]))
    losses = [("Paid out", money(amount, currency))]
    field, source = ("unused_amount", "payment {payment_number}")
    if "creditnote_number" in record:
        field, source = "balance", "credit note {creditnote_number}"
    if field in record:
        losses.append(("Unused afterwards", money(_number(record, field) - amount, currency)))
    question = filled(f"Refund {money(amount, currency)} from {source} to {{customer_name}}?", record)
    return More(tuple(losses), question=question, amount=amount, covers=frozenset({"amount"}))


def mail(record: Json, arguments: Json, customer: Json | None, recent: frozenset[str] = frozenset()) -> More:
    """The recipients of an e-mail, outsiders first. `recent`: see `facts.outsiders`."""
    outside = outsiders(arguments, customer, recent)
    unknown = outsiders(arguments, customer)
    new = set(outside).difference(unknown)
    insiders = [address for address in recipients(arguments) if address not in outside]
    attached = "none" if arguments.get("send_attachment") is False else "the PDF"
    if arguments.get("send_customer_statement"):
        attached = "a statement" if attached == "none" else f"{attached} and a statement"
    subject, body = str(arguments.get("subject") or ""), str(arguments.get("body") or "")
    details: tuple[Detail, ...] = (
        *address_rows("Not a contact person", unknown),
        *address_rows(JUST_ADDED, [address for address in outside if address in new]),
        *address_rows("To", insiders),
        ("Subject", quoted(subject, _LONGEST_SUBJECT) or "from the organisation's template"),
        ("Attached", attached),
    )
    texts = [("Subject", whole_text(subject))] if len(subject) > _LONGEST_SUBJECT else []
    texts += [("Text", whole_text(body))] if body else []
    return More(details=details, covers=_OF_A_MAIL, texts=tuple(texts))


def mails(entry: Mails, several: Sequence[tuple[Json, str, Sequence[str]]]) -> More:
    """Several e-mails in one call: each invoice with its amount and recipients.

    Each of `several` is an invoice, the reason why Zoho would not send it (empty: it would), and the addresses.
    """
    rows: list[Detail] = []
    sums: dict[str, Decimal] = {}
    for invoice, problem, addresses in several:
        currency, figure = text_of("currency_code", invoice), _number(invoice, entry.amount)
        if not problem:
            sums[currency] = sums.get(currency, Decimal()) + figure
        to = f"to {', '.join(quoted_address(address) for address in addresses) or 'nobody: no address'}"
        what = f"nothing is sent: {quoted(problem)}" if problem else to
        label = f"Invoice {text_of('invoice_number', invoice)}"
        rows.append((label, f"{money(figure, currency)}, {what}; {text_of('customer_name', invoice)}"))
    total = " and ".join(money(figure, currency) for currency, figure in sums.items()) or "nothing"
    question = f"{entry.verb} {len(several)} invoices, {total} in all?"
    return More(details=tuple(rows), question=question, covers=frozenset({entry.ids}))


def _limited(rows: list[Detail], amounts: list[Decimal], what: str, currency: str) -> tuple[Detail, ...]:
    """The first rows, followed by the number and the sum of the others."""
    left = amounts[_MOST_ROWS:]
    rest = [("And", f"{len(left)} more {what}, {money(sum(left, Decimal()), currency)} in all")] if left else []
    return (*rows[:_MOST_ROWS], *rest)


def _number(record: Json, field: str) -> Decimal:
    return decimal(record.get(field)) or Decimal()
