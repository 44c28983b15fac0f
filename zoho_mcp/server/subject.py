"""The record that a call is about, as Zoho has it now, and the part of it that the call is about."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from zoho_mcp.policy.facts import subject
from zoho_mcp.specs.model import Operation
from zoho_mcp.text import placeholders
from zoho_mcp.zoho.api import ZohoApi

Json = Mapping[str, Any]
_UNIQUE_FIELD, _UNIQUE_VALUE = "unique_field", "unique_value"
_MOST_LOOKED_THROUGH = 30
"""Recurring invoices that are read to find the one with a unique value; Zoho's list does not show it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The record of a call.

    Attributes:
        record: empty where the call is about none, or none yet.
        part: the element of the record that the last id of the call's path names; empty where it names the record.
    """

    record: Json = field(default_factory=dict[str, Any])
    part: Json = field(default_factory=dict[str, Any])

    @property
    def target(self) -> Json:
        """What the call changes."""
        return self.part or self.record


async def read_subject(api: ZohoApi, operation: Operation, arguments: Json) -> Subject:
    """The record, read afresh. Raises what a read of Zoho raises."""
    reader = subject(operation, api.catalog)
    if reader is None:
        return Subject(await _by_unique_field(api, arguments) if _UNIQUE_FIELD in operation.http.headers else {})
    record = await api.record(reader.name, arguments)
    if operation.confirm is None or not operation.confirm.part:
        return Subject(record)
    other = api.catalog.operations[operation.confirm.part]
    answer = record if other.name == reader.name else await api.record(other.name, arguments)
    name = placeholders(operation.http.path)[-1]
    nothing: Json = {}
    found = (part for part in _objects(answer) if str(part.get(name, "")) == str(arguments[name]))
    return Subject(record, next(found, nothing))


async def _by_unique_field(api: ZohoApi, arguments: Json) -> Json:
    """The recurring invoice that a custom field's value names; empty when it is not among the first."""
    field, value = arguments[_UNIQUE_FIELD], str(arguments[_UNIQUE_VALUE])
    rows = (await api.run("list_recurring_invoices", {"per_page": _MOST_LOOKED_THROUGH}))["recurring_invoices"]
    for row in rows:
        record = await api.record("get_recurring_invoice", {"recurring_invoice_id": row["recurring_invoice_id"]})
        for custom in cast("list[Json]", record.get("custom_fields") or []):
            if custom.get("api_name") == field and str(custom.get("value")) == value:
                return record
    return {}


def _objects(value: Any) -> Iterator[Json]:
    """Every object inside a record or a list."""
    for part in cast("Json", value).values() if isinstance(value, Mapping) else cast("list[Any]", value):
        if isinstance(part, Mapping):
            yield cast("Json", part)
        if isinstance(part, Mapping | list):
            yield from _objects(part)
