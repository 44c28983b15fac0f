"""What a person sees before approving a call, and a version that changes with it. Pure.

`consequences` has the effects beyond the record, `losses` what an update destroys.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from zoho_mcp.policy import display
from zoho_mcp.policy.arguments_in_words import argument_rows, long_texts
from zoho_mcp.policy.display import (
    MONEY,
    Detail,
    Json,
    currency_of,
    decimal,
    is_date,
    money,
    quoted,
    spelled_date,
)
from zoho_mcp.policy.losses import NONE, Losses
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import fill, one_line, placeholders

_DETAILS = (
    ("total", "Total"),
    ("amount", "Amount"),
    ("payment_made", "Paid so far"),
    ("balance", "Still open"),
    ("outstanding_receivable_amount", "Owes"),
    ("unused_credits_receivable_amount", "Unused credits"),
    ("date", "Date"),
    ("due_date", "Due"),
    ("status", "Status"),
    ("customer_name", "Customer"),
    ("contact_name", "Name"),
    ("company_name", "Company"),
    ("email", "E-mail"),
    ("name", "Name"),
    ("reference_number", "Reference"),
    ("last_modified_time", "Last changed"),
)
_CREDIT_NOTE = {"balance": "Unused"}
_NUMBERS = ("invoice_number", "estimate_number", "creditnote_number", "payment_number")
_PLAIN_WORD = re.compile(r"[\w./#-]{1,40}")
_OUR_WORDS = ("status", "currency_code", *_NUMBERS)
_BEGINNING = 400
"""Characters of a long text in a client's window; the page shows all of it."""
FINAL = "This cannot be undone."


@dataclass(frozen=True, slots=True)
class More:
    """What a tool adds to the question, beyond the record."""

    losses: tuple[Detail, ...] = ()
    details: tuple[Detail, ...] = ()
    question: str = ""
    """Replaces the question in the tool's entry."""
    refusal: str = ""
    """Why Zoho would refuse, so that nobody needs to be asked."""
    code: int = 0
    """Zoho's code for that refusal."""
    instead: str = ""
    """The next step after that refusal."""
    amount: Decimal | None = None
    """The amount at stake, if it is not the record's."""
    covers: frozenset[str] = frozenset()
    """Arguments that `losses` and `details` already show."""
    texts: tuple[Detail, ...] = ()
    """Long texts, shown in full if there is room."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person sees before approving, and `version`, which changes with any of it.

    Texts by others are marked; see `display`.
    """

    question: str
    losses: tuple[Detail, ...]
    details: tuple[Detail, ...]
    version: str
    texts: tuple[Detail, ...] = ()
    number: str = ""
    """The record's number; empty if it has none."""
    amount: Decimal | None = None
    """The amount at stake, in `currency`."""
    currency: str = ""
    done: str = ""
    """The result of the call, as a sentence; empty if the entry has none."""
    final: bool = False
    """Whether the call cannot be undone."""
    about: frozenset[str] = frozenset()
    """The ids of the record and of its customer."""

    def text(self) -> str:
        """The whole question for a client's window, one line per part."""
        rows = [f"{label}: {display.for_client(value)}" for label, value in (*self.losses, *self.details)]
        rows += [
            f"{label} ({len(text)} characters): {display.for_client(quoted(text, _BEGINNING))}"
            for label, text in self.texts
        ]
        return "\n".join([display.for_client(self.question), *rows, *([FINAL] if self.final else [])])


def preview(
    operation: Operation,
    record: Json,
    arguments: Json | None = None,
    more: More | None = None,
    losses: Losses = NONE,
) -> Preview:
    """The question with the record's figures. A tool without its own question uses its title."""
    more, arguments = more or More(), arguments or {}
    confirm = operation.confirm
    question = more.question or (filled(confirm.ask, record) if confirm else f"{operation.title}?")
    number = next((text_of(name, record) for name in _NUMBERS if record.get(name)), "")
    if number and confirm is None:
        title, named = re.subn("^(Change) an? ", r"\1 ", operation.title)
        question = f"{title}{'' if named else ':'} {number}?"
    named = placeholders(operation.http.path)
    given = {name: value for name, value in arguments.items() if name not in more.covers and name not in named}
    details = (*more.details, *(argument_rows(operation, given, record) if given else ()), *_record_rows(record))
    texts = (*more.texts, *(long_texts(given) if given else ()))
    lost = (*more.losses, *losses.rows)
    ids = [arguments.get(name) for name in named]
    seen = json.dumps([version(record), question, lost, details, texts])
    return Preview(
        question,
        lost,
        details,
        hashlib.sha256(seen.encode()).hexdigest(),
        texts,
        number,
        more.amount if more.amount is not None else _amount(record),
        text_of("currency_code", record),
        filled(confirm.done, record) if confirm else "",
        # E-mail cannot be recalled, whichever tool sends it.
        (confirm is not None and confirm.final) or effect_of(operation, arguments) == "send",
        frozenset(str(one) for one in (*ids, record.get("customer_id")) if one),
    )


def filled(question: str, record: Json) -> str:
    """A question with its `{field}`s filled from the record."""
    return fill(question, lambda name: text_of(name, record))


def version(record: Json) -> str:
    """A hash that changes with the record: of its time of change, status and amounts.

    Not of the whole record: Zoho computes some fields again on every read.
    """
    fields = ("last_modified_time", "status", "total", "balance", "amount", "unused_amount")
    seen = {field: str(record[field]) for field in fields if field in record}
    if not record.get("last_modified_time"):
        seen = {field: str(value) for field, value in record.items()}
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def fingerprint(tool: str, arguments: Mapping[str, Any], organization_id: str, record_version: str) -> str:
    """A hash of all that an approval is bound to: tool, arguments, organisation, state of the record."""
    bound = [tool, arguments, organization_id, record_version]
    return hashlib.sha256(json.dumps(bound, sort_keys=True, default=str).encode()).hexdigest()


def text_of(field: str, record: Json) -> str:
    """A field as text; texts by others are quoted."""
    value = record.get(field, "")
    if field in MONEY and not isinstance(value, bool) and (number := decimal(value)) is not None:
        return money(number)
    if is_date(value):
        return spelled_date(value)
    if field in _OUR_WORDS and _PLAIN_WORD.fullmatch(str(value)):
        return str(value).replace("_", " ") if field == "status" else str(value)
    return one_line(value) if isinstance(value, int | float | Decimal) else quoted(value)


def _record_rows(record: Json) -> tuple[Detail, ...]:
    labels = dict(_DETAILS) | (_CREDIT_NOTE if "creditnote_number" in record else {})
    currency = currency_of(record)
    return tuple(
        (label, f"{text_of(field, record)} {currency}".strip() if field in MONEY else text_of(field, record))
        for field, label in labels.items()
        if record.get(field) not in (None, "")
    )


def _amount(record: Json) -> Decimal | None:
    found = (decimal(record.get(name)) for name in ("total", "amount"))
    return next((value for value in found if value is not None), None)
