"""The sums of a list's money columns, so that no model adds up rows. Exact, and each currency by itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from zoho_mcp.zoho.request import json_numbers

NOT_OWED = ("draft", "void")
"""Left out of a sum: nobody owes them."""


def sums(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, complete: bool, drafts: bool = False
) -> dict[str, Any]:
    """What to add to an answer of these rows: sums by currency, and what is not in them. `drafts` were asked for."""
    if not rows or not columns:
        return {}
    counted = rows if drafts else [row for row in rows if row.get("status") not in NOT_OWED]
    found: dict[str, dict[str, Any]] = {}
    for row in counted:
        own = found.setdefault(str(row.get("currency_code", "")), dict.fromkeys(("count", *columns), Decimal()))
        own["count"] += 1
        for name in columns:
            own[name] += Decimal(str(row.get(name) or 0))
    name = "sums" if complete else "sums_of_these_rows"
    answer: dict[str, Any] = {name: json_numbers(dict(sorted(found.items())))} if found else {}
    if len(counted) < len(rows):
        left_out = Counter(str(row["status"]) for row in rows if row.get("status") in NOT_OWED)
        answer["not_in_sums"] = ", ".join(f"{count} {status}" for status, count in sorted(left_out.items()))
    return answer
