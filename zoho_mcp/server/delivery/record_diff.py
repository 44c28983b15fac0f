"""Whether a record of Zoho's is what a request asked for. Pure. Fields that the record does not show say nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, cast

Json = Mapping[str, Any]
VERBATIM = frozenset({
    "customer_id", "reference_number", "date", "amount", "name", "contact_name", "item_id", "rate", "quantity",
    "invoice_number", "estimate_number", "creditnote_number", "recurrence_name", "account_id", "invoice_id",
    "amount_applied",
})  # fmt: skip
"""Fields that Zoho keeps as they were sent: one that differs shows another record. Others may change their form."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How what was sent compares with a record."""

    compared: int
    differing: frozenset[str]

    @property
    def same(self) -> bool:
        """Nothing differs, and there was something to compare."""
        return self.compared > 0 and not self.differing

    @property
    def another(self) -> bool:
        """It cannot be the record."""
        return bool(self.differing & VERBATIM)


def compare(sent: Json, record: Json) -> Comparison:
    """Compare the body of a request with a record, field by field, lists and objects inside them too."""
    found = list(_compared(sent, record))
    return Comparison(len(found), frozenset(name for name, equal in found if not equal))


def _compared(sent: Json, record: Json) -> Iterator[tuple[str, bool]]:
    for name, value in sent.items():
        if name not in record:
            continue
        actual = record[name]
        if isinstance(value, Mapping) and isinstance(actual, Mapping):
            yield from _compared(cast(Json, value), cast(Json, actual))
        elif isinstance(value, list) and isinstance(actual, list):
            yield from _compared_lists(name, cast("list[Any]", value), cast("list[Any]", actual))
        else:
            yield name, _equal(value, actual)


def _compared_lists(name: str, sent: list[Any], actual: list[Any]) -> Iterator[tuple[str, bool]]:
    if len(sent) != len(actual):
        # One line more or less: of invoice lines, that is another invoice.
        yield ("rate" if name == "line_items" else name), False
    elif all(isinstance(part, Mapping) for part in (*sent, *actual)):
        for one, other in zip(sent, actual, strict=True):
            yield from _compared(one, other)
    else:
        yield name, sorted(map(str, sent)) == sorted(map(str, actual))


def _equal(sent: Any, actual: Any) -> bool:
    if isinstance(sent, bool) or isinstance(actual, bool):
        return str(sent).lower() == str(actual).lower()
    if isinstance(sent, int | float | Decimal) or isinstance(actual, int | float | Decimal):
        try:
            return Decimal(str(sent)) == Decimal(str(actual))
        except InvalidOperation:
            return False
    return " ".join(str(sent).split()) == " ".join(str(actual).split())
