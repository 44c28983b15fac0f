"""Finds the currency of each payment in a list, which Zoho's rows do not contain.

It is the customer's currency. The payment's own record decides if the customer cannot be read, or if amounts in the
base currency contradict it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from zoho_mcp.errors import AuthError, NotFoundError
from zoho_mcp.policy.display import records_in
from zoho_mcp.server.results.totals import required
from zoho_mcp.server.tools.pagination import walk
from zoho_mcp.zoho.client import ZohoApi

Json = dict[str, Any]
MOST_RECORDS = 25
"""Payments whose record is read for one page of a list, at a request each."""


class PaymentCurrencies:
    """Adds `currency_code` to rows of list_payments. Reads customers at most once per call."""

    def __init__(self, api: ZohoApi) -> None:
        self._api = api
        self._by_customer: dict[str, str] = {}

    async def add(self, rows: Sequence[Json]) -> None:
        """Add the currency to rows without one, unless it cannot be read."""
        unnamed = [row for row in rows if not row.get("currency_code")]
        unknown = {str(required(row, "customer_id")) for row in unnamed} - self._by_customer.keys()
        try:
            if len(unknown) == 1:
                self._note_one(await self._api.record("get_customer", {"customer_id": next(iter(unknown))}))
            elif unknown:
                await self._read_customers(unknown)
        except (AuthError, NotFoundError):
            # The scope for payments does not include customers. Sums then exclude these rows.
            pass
        for row in unnamed:
            if currency := self._by_customer.get(str(row["customer_id"])):
                row["currency_code"] = currency
        await self._read_payments([row for row in unnamed if not row.get("currency_code")] + _doubtful(unnamed))

    async def _read_payments(self, rows: Sequence[Json]) -> None:
        """Use the currency in the records of these payments, as far as they can be read."""
        for row in rows:
            row.pop("currency_code", None)
        for row in rows[:MOST_RECORDS]:
            with suppress(AuthError, NotFoundError):
                record = await self._api.record("get_payment", {"payment_id": str(required(row, "payment_id"))})
                if currency := record.get("currency_code"):
                    row["currency_code"] = currency

    async def _read_customers(self, customer_ids: set[str]) -> None:
        async for envelope in walk(self._api, "list_customers", {}, under_way=True):
            for customer in envelope.get("contacts") or ():
                self._note(customer)
            if customer_ids <= self._by_customer.keys():
                return

    def _note_one(self, customer: Mapping[str, Any]) -> None:
        """Note a customer's currency unless it has balances in several: then the payments' records decide."""
        balances = records_in(customer.get("customer_currency_summaries"))
        if len({str(part.get("currency_code")) for part in balances}) < 2:
            self._note(customer)

    def _note(self, customer: Mapping[str, Any]) -> None:
        self._by_customer[str(required(customer, "contact_id"))] = str(customer.get("currency_code", ""))


def _doubtful(rows: Sequence[Json]) -> list[Json]:
    """The rows of a currency in which some amounts equal those in the base currency and others do not.

    A customer can be billed in a currency other than its own.
    """
    by_currency: dict[str, dict[bool, list[Json]]] = {}
    for row in rows:
        if row.get("currency_code") and row.get("bcy_amount") is not None and row.get("amount"):
            same = row["amount"] == row["bcy_amount"]
            by_currency.setdefault(row["currency_code"], {}).setdefault(same, []).append(row)
    return [row for kinds in by_currency.values() if len(kinds) > 1 for own in kinds.values() for row in own]
