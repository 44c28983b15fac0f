"""The currency of each payment in a list. Zoho's rows do not name it: it is that of the payment's customer."""

from collections.abc import Mapping, Sequence
from typing import Any

from zoho_mcp.errors import AuthError, NotFoundError
from zoho_mcp.server.tools.pagination import walk
from zoho_mcp.zoho.api import ZohoApi

Json = dict[str, Any]


class PaymentCurrencies:
    """Adds `currency_code` to rows of list_payments; asks for the customers of one call at most once."""

    def __init__(self, api: ZohoApi) -> None:
        self._api = api
        self._by_customer: dict[str, str] = {}

    async def add(self, rows: Sequence[Json]) -> None:
        """Write the currency into rows that have none. A row keeps none where the customer cannot be read."""
        unnamed = [row for row in rows if not row.get("currency_code")]
        wanted = {str(row["customer_id"]) for row in unnamed} - self._by_customer.keys()
        try:
            if len(wanted) == 1:
                self._note(await self._api.record("get_customer", {"customer_id": next(iter(wanted))}))
            elif wanted:
                await self._read_customers(wanted)
        except (AuthError, NotFoundError):
            # Payments can be read without the right to read customers. Their sums then leave these rows out.
            pass
        for row in unnamed:
            if currency := self._by_customer.get(str(row["customer_id"])):
                row["currency_code"] = currency

    async def _read_customers(self, wanted: set[str]) -> None:
        async for envelope in walk(self._api, "list_customers", {}, under_way=True):
            for customer in envelope.get("contacts") or ():
                self._note(customer)
            if wanted <= self._by_customer.keys():
                return

    def _note(self, customer: Mapping[str, Any]) -> None:
        self._by_customer[str(customer["contact_id"])] = str(customer.get("currency_code", ""))
