"""The sums of a list's money columns, so that no model adds up rows. Exact, and each currency by itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from zoho_mcp.zoho.request import json_numbers

NOT_OWED = ("draft", "void")
"""Left out of a sum: nobody owes them."""


def money(value: Any) -> Decimal:
    """An amount as Zoho gives it."""
    return value if isinstance(value, Decimal) else Decimal(str(value or 0))


def totals(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, complete: bool, drafts: bool = False
) -> dict[str, Any]:
    """What to add to an answer of these rows: sums by currency, and what is not in them. `drafts` were asked for."""
    if not rows or not columns:
        return {}
    owed = rows if drafts else [row for row in rows if row.get("status") not in NOT_OWED]
    counted = [row for row in owed if row.get("currency_code")]
    by_currency: dict[str, list[Mapping[str, Any]]] = {}
    for row in counted:
        by_currency.setdefault(str(row["currency_code"]), []).append(row)
    found = {
        currency: {
            "count": len(own),
            **{name: json_numbers(sum(money(row.get(name)) for row in own)) for name in columns},
        }
        for currency, own in sorted(by_currency.items())
    }
    answer: dict[str, Any] = {"sums" if complete else "sums_of_these_rows": found} if found else {}
    if len(counted) < len(rows):
        left_out = Counter(str(row["status"]) for row in rows if row not in owed)
        left_out["of an unknown currency"] += len(owed) - len(counted)
        left_out = +left_out
        answer["not_in_sums"] = ", ".join(f"{count} {status}" for status, count in sorted(left_out.items()))
    return answer
