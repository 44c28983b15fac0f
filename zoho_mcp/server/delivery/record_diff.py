"""Compares a request with a record in Zoho. Pure. Fields missing from the record are ignored."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, cast

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a comparison."""

    compared: int
    differing: frozenset[str]
    another: bool
    """Whether a field differs that Zoho stores exactly as sent, so that it is a different record."""

    @property
    def same(self) -> bool:
        """Whether nothing differs and at least one field was compared."""
        return self.compared > 0 and not self.differing


def compare(sent: Json, record: Json, verbatim: Collection[str]) -> Comparison:
    """Compare the body of a request with a record, field by field, including nested lists and objects.

    `verbatim`: the fields that Zoho stores exactly as sent (`Catalog.verbatim`); others may change their form.
    """
    found = list(_compared(sent, record))
    differing = frozenset(name for name, equal in found if not equal)
    return Comparison(len(found), differing, not differing.isdisjoint(verbatim))


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
        # A different number of lines means a different invoice.
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
