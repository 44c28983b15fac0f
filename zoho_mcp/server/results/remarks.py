"""What Zoho's answer leaves unsaid: where the record differs from the request, and to whom a mail went. Pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from zoho_mcp.policy.facts import MAIL, can_mail
from zoho_mcp.policy.rules import effect_of
from zoho_mcp.specs.model import Operation

Json = Mapping[str, Any]
_FIGURES = ("amount", "shipping_charge", "adjustment", "exchange_rate", "bank_charges", "credit_limit")
_OF_LINES = ("rate", "quantity")

TEMPLATE = "from Zoho's template"
"""The subject of a mail that was given none."""


def remarks(operation: Operation, arguments: Json, record: Json) -> list[str]:
    """A sentence for each figure of the request that the record does not have, and for a discount not counted."""
    if operation.effect == "read":
        return []
    found = [*_figures(arguments, record, _FIGURES, "")]
    lines, kept = _lines(arguments), _lines(record)
    if len(lines) == len(kept):
        for number, (line, other) in enumerate(zip(lines, kept, strict=True)):
            found += _figures(line, other, _OF_LINES, f"line_items[{number}].")
    return [*found, *_discount(operation, arguments, record)]


def mailed(operation: Operation, arguments: Json, record: object) -> dict[str, Any]:
    """What a result says of its mail; empty for a call that sent none. Zoho itself says only that it was sent."""
    if effect_of(operation, arguments) != "send":
        return {}
    if not can_mail(operation):
        return {"mailed_to": _addressees(record) or "not told by Zoho"}
    to = {name: given for name, given in arguments.items() if name.endswith(MAIL)}
    return to | ({"subject": arguments.get("subject", TEMPLATE)} if "subject" in operation.input["properties"] else {})


def _addressees(record: object) -> list[str]:
    """The addresses of a record's contact persons, else its own."""
    known: Json = cast(Json, record) if isinstance(record, dict) else {}
    people = cast("list[Any]", known.get("contact_persons_details") or [])
    found = [cast(Json, part).get("email") for part in people if isinstance(part, dict)]
    return [str(address) for address in found if address] or [str(own) for own in (known.get("email"),) if own]


def _figures(given: Json, record: Json, names: tuple[str, ...], path: str) -> Iterator[str]:
    for name in names:
        asked, actual = _number(given.get(name)), _number(record.get(name))
        if asked is not None and actual is not None and asked != actual and abs(asked - actual) >= Decimal("0.005"):
            yield f"{path}{name} is {actual:f} in Zoho, not {asked:f} as given. Tell the user."


def _discount(operation: Operation, arguments: Json, record: Json) -> Iterator[str]:
    whole, single = operation.discounts_in(arguments)
    counted = _number(record.get("discount_total"))
    if whole == single or counted is None:
        return
    asked = _asked(arguments, record, single=single)
    if asked is not None and abs(asked - counted) > Decimal("0.02") * max(1, len(_lines(record))):
        total = record.get("total")
        yield (
            f"The discount asked for comes to {asked:.2f}, but Zoho counted {counted:.2f}: the total {total} differs "
            "from the request. Tell the user."
        )


def _asked(arguments: Json, record: Json, *, single: bool) -> Decimal | None:
    if not single:
        return _part(arguments.get("discount"), _number(record.get("sub_total")))
    lines, kept = _lines(arguments), _lines(record)
    if len(lines) != len(kept):
        return None
    amounts: list[Decimal] = []
    for line, other in zip(lines, kept, strict=True):
        rate, quantity = _number(other.get("rate")), _number(other.get("quantity"))
        part = _part(line.get("discount", 0), None if rate is None or quantity is None else rate * quantity)
        if part is None:
            return None
        amounts.append(part)
    return sum(amounts, Decimal())


def _part(discount: object, of: Decimal | None) -> Decimal | None:
    text = str(discount)
    share = _number(text.removesuffix("%"))
    if share is None or not text.endswith("%"):
        return share
    return None if of is None else of * share / 100


def _lines(holder: Json) -> list[Json]:
    lines = holder.get("line_items")
    return [cast(Json, part) for part in cast("list[Any]", lines)] if isinstance(lines, list) else []


def _number(value: object) -> Decimal | None:
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
