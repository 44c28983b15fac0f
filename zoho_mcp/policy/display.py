"""Formats values for questions: texts by others, amounts, dates, lines of documents. Pure.

A text by others is put on one line between U+2068 and U+2069, so that it cannot pass for our own words. A question
contains these two characters nowhere else. Each channel marks what is between them: the page by markup, a client's
window by quotation marks.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from zoho_mcp.text import LONGEST_VALUE, one_line

Json = Mapping[str, Any]
Detail = tuple[str, str]
"""A label and its value, as text."""
MONEY = frozenset({
    "total", "balance", "amount", "rate", "payment_made", "credits_applied", "unused_amount", "amount_applied",
    "outstanding_receivable_amount", "unused_credits_receivable_amount", "shipping_charge", "adjustment",
    "credit_limit", "discount_total", "tax_total", "sub_total", "item_total", "purchase_rate",
    "credited_amount", "amount_fcy", "amount_bcy", "bank_charges", "tax_amount_withheld", "tax_amount",
})  # fmt: skip
"""Fields and arguments that hold an amount of money."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_OF_A_LINE = ("line_item_id", "name", "rate", "quantity", "item_order", "item_total", "description", "discount")
_NOT_SHOWN = (
    "bcy_", "tax_type", "line_item_", "item_total", "discount_amount", "item_type", "pricing_scheme",
)  # fmt: skip
FIRST, LAST = "\u2068", "\u2069"
LONGEST_ADDRESS = 320
"""An e-mail address is never cut short: RFC 5321 allows 64 characters before the @ and 255 after it."""
_QUOTATION_MARKS = re.compile('["“”„‟«»\u02ba\u02ee\u2033\u2036\u275d\u275e\u301d-\u301f\uff02\U0001f676-\U0001f678]')
_MARKDOWN = re.compile(r"([\\`*\[\]<>|~]|(?<![^\W_])_|_(?![^\W_]))")
_WITH_BACKSLASH = r"\\\1"
_LINK = re.compile(r"(://|\bwww\.)", re.IGNORECASE)
_PART = re.compile(f"{FIRST}([^{FIRST}{LAST}]*){LAST}")


def quoted(value: Any, longest: int = LONGEST_VALUE) -> str:
    """A text by others for a question; empty if it is empty."""
    text = one_line(value, longest)
    return f"{FIRST}{text}{LAST}" if text else ""


def quoted_address(value: Any) -> str:
    """A whole e-mail address; characters of other scripts, which can look like Latin ones, are pointed out."""
    text = quoted(value, LONGEST_ADDRESS)
    return text if text.isascii() or text[1:-1].isascii() else f"{text} (not plain letters: look closely)"


def parts(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of a question in order: whether others wrote it, and the text without the marks."""
    end = 0
    for found in _PART.finditer(text):
        if found.start() > end:
            yield False, text[end : found.start()]
        yield True, found[1]
        end = found.end()
    if end < len(text):
        yield False, text[end:]


def for_page(text: str) -> str:
    """The text with quotation marks, for places that show only text, such as a window's title."""
    return "".join(f"“{_inner(part)}”" if is_quoted else part for is_quoted, part in parts(text))


def for_client(text: str) -> str:
    """The text for a client's window: quoted, with Markdown escaped, and isolated if it runs right to left."""
    return "".join(_escaped(part) if is_quoted else part for is_quoted, part in parts(text))


def _escaped(part: str) -> str:
    text = f"“{_LINK.sub(_escaped_link, _MARKDOWN.sub(_WITH_BACKSLASH, _inner(part)))}”"
    is_right_to_left = any(unicodedata.bidirectional(sign) in ("R", "AL", "AN") for sign in part)
    return f"{FIRST}{text}{LAST}" if is_right_to_left else text


def _escaped_link(link: re.Match[str]) -> str:
    return link[1].replace(":", "\\:").replace(".", "\\.")


def _inner(part: str) -> str:
    """Replaces quotation marks by single ones, so that a text cannot end its own quotation."""
    return _QUOTATION_MARKS.sub("'", part)


def decimal(value: object) -> Decimal | None:
    """A number, exactly; None if the value is not a finite number."""
    if isinstance(value, bool) or value in (None, ""):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def records_in(value: Any) -> list[Json]:
    """The objects of a list; empty for anything else."""
    parts = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast(Json, part) for part in parts if isinstance(part, Mapping)]


def money(value: Any, currency: str = "") -> str:
    """An amount with at least two decimal places: 1,234.50 USD."""
    number = Decimal(str(value))
    digits = max(2, -int(number.as_tuple().exponent))
    return f"{number:,.{digits}f} {currency}".strip()


def currency_of(record: Json) -> str:
    """The currency of a record; quoted unless it is a plain code, because owners can define their own."""
    code = str(record.get("currency_code") or "")
    return code if re.fullmatch("[A-Za-z]{3,5}", code) else quoted(code)


def spelled_date(value: object) -> str:
    """2026-06-05 or 2026-06-05T12:00:00-0400 in words: 5 June 2026, with the time if there is one."""
    text = str(value)
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return quoted(text)
    at = f", {text[11:16]}" if len(text) > 15 and text[10] == "T" else ""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}{at}"


def is_date(value: object) -> bool:
    """Whether a value is one of Zoho's dates or times and nothing else: a name can begin like a date."""
    return _DATE.fullmatch(str(value)) is not None


def share(value: object, of: Decimal) -> Decimal:
    """A discount, given as an amount or as a text like "10%", as an amount. `of`: what "10%" refers to."""
    text = str(value or 0).strip()
    number = decimal(text.removesuffix("%")) or Decimal()
    return of * number / 100 if text.endswith("%") else number


def line_amount(line: Json, *, with_discount: bool = True) -> Decimal | None:
    """Rate times quantity less the line's discount; None if the price comes from the item."""
    rate, quantity = decimal(line.get("rate")), decimal(line.get("quantity", 1))
    if rate is None or quantity is None:
        return None
    amount = rate * quantity
    return amount - share(line.get("discount"), amount) if with_discount else amount


def before_tax(document: Json, *, at_least: bool = False) -> Decimal | None:
    """The total of lines, discount, shipping and adjustment; None if a line's price is not known.

    `at_least`: count such a line as 0.
    """
    lines = records_in(document.get("line_items"))
    own_discounts = document.get("discount_type") == "item_level"
    amounts = [line_amount(line, with_discount=own_discounts) for line in lines]
    if None in amounts and not at_least:
        return None
    total = sum((amount for amount in amounts if amount is not None), Decimal())
    total -= Decimal() if own_discounts else share(document.get("discount"), total)
    return total + sum((decimal(document.get(name)) or Decimal() for name in ("shipping_charge", "adjustment")),
                       Decimal())  # fmt: skip


def described_line(line: Json) -> str:
    """A line of a document: figures first, then texts, each shortened separately."""
    rate, quantity = decimal(line.get("rate")), decimal(line.get("quantity", 1))
    amount = line_amount(line, with_discount=False)
    count = "?" if quantity is None else format(quantity.normalize(), "f")
    price = "the item's price" if rate is None else money(rate)
    sums = [f"{count} x {price}" + ("" if amount is None or quantity == 1 else f" = {money(amount)}")]
    if line.get("discount"):
        sums.append(f"discount {one_line(line['discount'])}")
    words = [quoted(line[name]) for name in ("name", "description") if line.get(name)]
    others = [
        f"{name.replace('_', ' ')} {described(name, value)}"
        for name, value in line.items()
        if name not in _OF_A_LINE and not name.startswith(_NOT_SHOWN) and value not in (None, "", 0, "{}", [], {})
    ]
    return ", ".join([*sums, *words, *others])


def described(name: str, value: Any, currency: str = "", longest: int = LONGEST_VALUE) -> str:
    """A value as text: an amount with its currency, a date in words, an id as it is, a text quoted."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    number = decimal(value)
    if number is not None and name in MONEY:
        return money(number, currency)
    if isinstance(value, int | float | Decimal):
        return format(number, "f") if number is not None else str(value)
    if value in (None, ""):
        return "(empty)"
    if is_date(value):
        return spelled_date(value)
    if name.endswith(("_id", "_ids")) and str(value).isdecimal():
        return str(value)
    if isinstance(value, list | Mapping):
        value = json.dumps(value, default=str, ensure_ascii=False)
    if "@" in str(value):
        return quoted_address(value)
    return quoted(value, longest) or "(nothing that can be shown)"
