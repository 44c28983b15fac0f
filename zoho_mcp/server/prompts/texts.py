"""The prompts themselves: what a person picks, may say beforehand, and what the model is told to do."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "customer", "estimate", "month", "email", "days"]


@dataclass(frozen=True, slots=True)
class Argument:
    """Something that a person may say beforehand. Its kind says what is right and how it is completed."""

    name: str
    kind: Kind
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A job, and how a model does it well with the tools of this server."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    text: str
    also: tuple[str, ...] = ()
    """Paragraphs to add where all the tools that they name are offered."""


_CUSTOMER = Argument("customer", "customer", "Customer's name, or part of it")
_MONTH = Argument("month", "month", "Month as yyyy-mm, e.g. 2026-05; default: last month")

BILL_CUSTOMER = Prompt(
    "bill_customer",
    "Bill a customer",
    "Find or add the customer, write the invoice, send it, and record the payment if there is one.",
    (
        Argument("customer", "customer", "Customer's name, or part of it", required=True),
        Argument("what", "text", "What to bill, with quantities and prices where they are not those of the item"),
        Argument("due_in_days", "days", "Days to pay; default: the customer's terms"),
    ),
    """\
Bill a customer for me. Go step by step, and stop to ask where it says so.

1. Customer: list_customers with search_text. One match: take it. Several: show me their names and ask. None: ask me
   whether to add them; if so, get name and e-mail address from me and use create_customer (the address goes into
   contact_persons).
2. Lines: look each thing up with list_items and use its item_id; the item brings its price and tax. What is no item
   becomes a line with name and rate. Ask me for a price or quantity that I did not give; never make one up. For another
   tax than the item's, list_taxes.
3. Before writing, show me customer, lines, quantities, prices and days to pay (due_in_days goes into payment_terms),
   and ask whether that is right.
4. create_invoice, once. Tell me number, total and due date exactly as they come back; do not work them out yourself.
   If it is not known whether it was written, check with list_invoices before anything else: never write it twice.
5. Ask me: e-mail it, only mark it as sent, or leave it a draft? To e-mail, take the address from get_customer, show it
   to me, then email_invoice. To mark it, mark_invoice_sent. A draft is not owed yet.
6. Only if I say that money came in: record_invoice_payment, with the amount, day and way that I name.
7. End with one sentence: invoice number, total, status, what is still open.

Do not e-mail without my yes, do not change other invoices, and do not fill in discounts, notes or terms that I did not
ask for.""",
    (
        """\
After step 5, if get_customer shows unused_credits_receivable_amount above 0: tell me, and ask whether to apply it to
this invoice. apply_credits_to_invoice takes open credit notes (list_credit_notes) and payments with an unused_amount
(list_payments).""",
    ),
)

MONTHLY_REPORT = Prompt(
    "monthly_report",
    "Report on a month",
    "What was invoiced, earned and received in a month, beside the month before, and who still owes.",
    (_MONTH,),
    """\
Report on a month of my business. This only reads; it changes nothing.

1. If I named no month, take the last one that is over.
2. get_monthly_revenue for that month, and once more for the month before it.
3. get_receivables_aging, without as_of: who owes how much today, and since when.
4. Write half a page, each currency by itself, never added together: revenue, invoiced, received and outstanding, each
   beside the month before; what is overdue by age; the three customers who owe most.
5. Say in a few words what each figure means: the answers bring the definitions. Use the sums as they come. Do not add
   amounts up yourself, and do not explain a change that the figures do not explain.

Only if I ask for the invoices behind a figure: list_invoices with date_start and date_end of the month.""",
    (
        """\
Add, with date_start and date_end of the month: the best customers (summarize_records of invoices by customer, top 3),
what sold (by item) and what was spent (of expenses by category).""",
    ),
)

CHASE_OVERDUE = Prompt(
    "chase_overdue",
    "Remind customers of what is overdue",
    "Find what is overdue, agree on whom to remind, and e-mail the reminders.",
    (
        _CUSTOMER,
        Argument("at_least_days", "days", "Only what is overdue by at least so many days; default 1"),
    ),
    """\
Help me get overdue invoices paid.

1. get_receivables_aging: it lists everyone with an overdue balance, partly paid included. If I named a customer,
   only that one.
2. For those customers: list_invoices with customer_id, status unpaid, sort_column due_date. Overdue is what has a due
   date before as_of and a balance; if I gave at_least_days, leave out what is nearer its due date than that.
3. get_customer: if unused_credits_receivable_amount is above 0, tell me. Money that came in, or credit that was given,
   but was not applied to an invoice is no reason to send a reminder.
4. Show me a table: customer, invoice, due date, days overdue, balance. Ask whom to remind, and how friendly or firm.
5. For each that I choose: the address from the customer's contact_persons, then a short text with invoice number, due
   date and balance as they are in Zoho. Show me address and text, and ask.
6. After my yes: email_invoice, once for each invoice. If it is not known whether a mail went out, tell me; do not send
   it again.

Do not void, delete or change any invoice, do not promise discounts or more time, do not threaten fees, and remind
nobody that I did not choose.""",
    (
        """\
Instead of steps 5 and 6: get_payment_reminder shows whom the reminder of an invoice goes to, and its text. Show me both
and ask. After my yes, send_payment_reminder, once for each invoice. If I want Zoho's own text for several invoices,
send_payment_reminders does up to ten at once.""",
        """\
In step 3, ask whether to apply such money or credit first: apply_credits_to_invoice takes open credit notes
(list_credit_notes) and payments with an unused_amount (list_payments). Remind only of what is still open then.""",
        """\
In step 4, say who usually pays late: get_payment_performance.""",
    ),
)

MONTH_END_CLOSE = Prompt(
    "month_end_close",
    "Close a month",
    "Find what is unfinished in a month (drafts, unapplied money, unbilled work), settle it with you, then report.",
    (_MONTH,),
    """\
Close a month of my books with me. First look, then list what you found, then ask, then act; one question at a time.

Look, with date_start and date_end of the month (the last that is over, if I named none):
1. Drafts: list_invoices with status draft. Were they to be sent, or deleted?
2. Won and not billed: list_estimates with status accepted.
3. Money not applied: list_payments; those with an unused_amount.
4. Credit not used: list_credit_notes with status open.
5. Expenses: list_expenses; those that are billable and unbilled, and those without expense_receipt_name.
6. Overdue: get_receivables_aging.

Then show me the six lists, short, with numbers and amounts as they are, and ask what to do about each. Use
mark_invoice_sent, email_invoice or convert_estimate_to_invoice only for what I say yes to, by its number. What is to be
deleted or voided I do in a separate step: name it, do not do it.

End with get_monthly_revenue for the month: revenue, invoiced, received, outstanding, each currency by itself. Do not
add amounts up yourself, and do not change anything that is dated outside the month.""",
    (
        """\
For 3 and 4, propose which open invoices of the same customer the money or credit could pay, the oldest first. After my
yes: apply_credits_to_invoice, or apply_credit_note for one credit note on several invoices, with the amounts that I
agreed to.""",
        """\
For 6, after my yes: send_payment_reminder, with recipients and text from get_payment_reminder. What I call lost, only
name: write_off_invoice is a separate step too.""",
        """\
With get_monthly_revenue, give the month's expenses by category and the tax charged on its invoices: summarize_records
by category, and by tax.""",
    ),
)

ONBOARD_CUSTOMER = Prompt(
    "onboard_customer",
    "Add a new customer",
    "Add a customer with people, address, terms and currency, without making a second of the same.",
    (
        Argument("name", "text", "Name of the customer, as it is to stand on invoices", required=True),
        Argument("email", "email", "E-mail address that invoices go to"),
        Argument("contact_person", "text", "First and last name of the person there"),
        Argument("payment_terms", "days", "Days to pay"),
    ),
    """\
Add a new customer.

1. list_customers with search_text: part of the name, then the e-mail address if I gave one. If somebody alike is there,
   show me and ask: a customer must not exist twice. An inactive one is made usable with activate_customer.
2. Ask me, in one message, for what is missing and matters: e-mail address for invoices, name of the person, postal
   address, days to pay, and the currency if it is not mine. What I leave out stays empty.
3. Another currency: list_currencies, take its id. It cannot be changed once there are invoices, so ask me to be sure.
4. Show me what you will write, ask, then create_customer, once. The e-mail address goes into contact_persons, with
   is_primary_contact; at the top level Zoho loses it.
5. Tell me name, people, terms and currency as they came back.
6. Ask whether they pay the same every month. If so, agree on lines, start date and interval, then
   create_recurring_invoice.

Do not make up addresses, tax numbers or terms, and do not write an invoice unless I ask for one.""",
)

CONVERT_WON_ESTIMATE = Prompt(
    "convert_won_estimate",
    "Turn a won estimate into an invoice",
    "Find the estimate that the customer accepted, make its invoice, and send it if you want.",
    (Argument("estimate", "estimate", "Estimate's number, or the customer's name", required=True),),
    """\
The customer said yes to an estimate. Turn it into an invoice.

1. list_estimates with search_text. Several: show me number, date, status and total, and ask which.
2. get_estimate, and show me customer, lines and total. If it names invoices already (invoice_ids), tell me and stop: it
   must not be billed twice.
3. By its status: draft: ask me, then mark_estimate_sent. sent: ask me whether they accepted it, then accept_estimate.
   accepted: go on. declined or expired: ask me what to do; do not convert it on your own.
4. convert_estimate_to_invoice, once. It gives the invoice that exists if there is one.
5. get_invoice is not needed: the answer is the invoice. Compare its total with the estimate's and tell me if they
   differ. Tell me number, total and due date.
6. Ask me: e-mail it, only mark it as sent, or leave it a draft? Then email_invoice (address from get_customer, shown to
   me first) or mark_invoice_sent.

Do not change prices, lines or dates on the way, and do not write the invoice by hand with create_invoice.""",
)

ALL = (
    BILL_CUSTOMER,
    MONTHLY_REPORT,
    CHASE_OVERDUE,
    MONTH_END_CLOSE,
    ONBOARD_CUSTOMER,
    CONVERT_WON_ESTIMATE,
)
