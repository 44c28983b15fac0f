"""Frozen values: one tool of one product and edition, and the catalog of all."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from zoho_mcp.specs.entry import Entry
from zoho_mcp.specs.schema import Frozen, Json, published, worded_for
from zoho_mcp.text import placeholders


class Operation(Entry):
    """One tool of one product and edition, with every `$ref` replaced."""

    input: Json  # pyright: ignore[reportIncompatibleVariableOverride] # a frozen Entry's Schema, as clients get it
    toolset: str = ""
    renames: Mapping[str, str] = {}
    """Zoho's name to ours, for keys in the response."""
    view: tuple[str, ...] = ()
    """Arguments that choose what the result shows; not sent to Zoho. `load` adds them to reads."""
    hidden: Mapping[str, tuple[str, ...]] = {}
    """Arguments of other editions, missing from `input`: path to editions."""

    @property
    def published_input(self) -> Json:
        """`input` as sent to clients: without the `x-` keywords, which are for the checker."""
        return published(self.input)

    def record_in(self, envelope: Mapping[str, Any]) -> Json:
        """The record in a response; empty for rows, a file or only a message."""
        record = envelope.get(self.answer.key)
        return cast(Json, record) if isinstance(record, dict) else {}

    def worded_for(self, offered: Collection[str]) -> "Operation":
        """This operation with texts that mention only the offered tools."""
        text = next((text for tool, text in self.without.items() if tool not in offered), self.description)
        schema = worded_for(self.input, offered)
        same = text == self.description and schema == self.input
        return self if same else self.model_copy(update={"description": text, "input": schema})

    @property
    def has_discounts(self) -> bool:
        """Whether the document written, or its lines, can have a discount."""
        properties: Json = self.input.get("properties", {})
        of_lines: Json = properties.get("line_items", {}).get("items", {}).get("properties", {})
        return "discount" in properties or "discount" in of_lines

    def discounts_in(self, arguments: Mapping[str, Any]) -> tuple[bool, bool]:
        """Whether the arguments contain a discount on the document, and one on a line; 0 counts as none."""
        if not self.has_discounts:
            return False, False
        lines = arguments.get("line_items")
        parts = cast("list[Any]", lines) if isinstance(lines, list) else []
        on_line = any(is_some(cast(Json, line).get("discount")) for line in parts if isinstance(line, dict))
        return is_some(arguments.get("discount")), on_line

    def discount_level(self, arguments: Mapping[str, Any]) -> Json:
        """`{"discount_type": …}` for the discounts given, empty without any: Zoho applies one level only."""
        on_document, on_line = self.discounts_in(arguments)
        return {"discount_type": "item_level" if on_line else "entity_level"} if on_document or on_line else {}

    @property
    def can_overwrite(self) -> bool:
        """Whether a call can destroy values of an existing record; sending e-mail cannot."""
        ends = self.lessens and bool(self.sets_status)
        changes = self.http.method == "PUT" or bool(self.replaces) or ends
        return self.effect == "destroy" or (self.effect == "write" and changes)

    def emptied(self, arguments: Mapping[str, Any]) -> Json:
        """The arguments without `clear`, and with "" for each field that it names, which is how Zoho empties one."""
        if not self.clearable:
            return dict(arguments)
        result: Json = {name: value for name, value in arguments.items() if name != "clear"}
        for field in arguments.get("clear", ()):
            path = FieldPath.parse(field)
            value: Any = result.get(path.name)
            if path.index is not None:
                parts = cast("list[Json]", value)
                value = [{**part, path.part: ""} if path.chooses(at) else part for at, part in enumerate(parts)]
            else:
                value = {**cast(Json, value or {}), path.part: ""} if path.part else ""
            result[path.name] = value
        return result

    def can_clear(self, field: str) -> bool:
        """Whether `clear` can empty a field, written as in `clearable`."""
        name, point, part = field.partition(".")
        parts: Json = self.input.get("properties", {}).get(name, {}).get("properties", {})
        return field in self.clearable or (bool(point) and f"{name}.*" in self.clearable and part in parts)

    @property
    def must_not_repeat(self) -> bool:
        """Whether running it twice does more than once: it creates or mails something."""
        return self.effect != "read" and not self.idempotent

    @property
    def shows_new_state(self) -> bool:
        """Whether a result shows records as they are after the change."""
        return bool(self.after.read or self.after.each)

    @property
    def dates(self) -> frozenset[str]:
        """The arguments that are dates, times or parts of a date."""
        dated = {name for name, schema in self.input.get("properties", {}).items() if schema.get("format") == "date"}
        return frozenset({*dated, "last_modified_time", "year", "month"})

    @property
    def tool_answer_key(self) -> str:
        """The response's key in our terms (`customer` for Zoho's `contact`)."""
        return self.renames.get(self.answer.key, self.answer.key)


def is_some(discount: object) -> bool:
    """Whether a discount, an amount or a percentage, is not zero."""
    return str(discount or "").strip("0.% ") != ""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """The path of a field: `notes`, `billing_address.attention`, `line_items[0].tax_id`; `line_items[].tax_id` for all
    lines.
    """

    name: str
    part: str = ""
    index: str | None = None
    """None: not in a list; empty: every element of it."""

    @classmethod
    def parse(cls, text: str) -> "FieldPath":
        """Parse a path."""
        whole, _, part = text.partition(".")
        name, bracket, index = whole.partition("[")
        return cls(name, part, index.removesuffix("]") if bracket else None)

    def chooses(self, position: int) -> bool:
        """Whether the path selects the element at this position."""
        return self.index in ("", str(position))


class Catalog(Frozen):
    """All operations of one product and edition, in the order of the files."""

    operations: Mapping[str, Operation]
    toolsets: Mapping[str, str]
    """Toolset to its description."""
    extra: Mapping[str, str] = {}
    """Toolsets offered only on request, and what their tools can do."""
    product: str
    edition: str = ""
    hints: Mapping[str, str] = {}
    """Wrong argument names that are often tried with any tool, with advice."""
    synonyms: Mapping[str, tuple[str, ...]] = {}
    """Users' words to Zoho's, for values of closed choices: `cheque` to `check`."""
    verbatim: frozenset[str] = frozenset()
    """Zoho's names of fields that it stores exactly as sent: records that differ in one are not the same."""

    def readers(self) -> Iterator[tuple[str, Operation]]:
        """The operations that read one record by its id, each with the argument for the id."""
        for operation in self.operations.values():
            places = placeholders(operation.http.path)
            plain = operation.effect == "read" and operation.answer.key and not operation.handler
            if plain and len(places) == 1 and operation.http.path.endswith("}") and not operation.answer.columns:
                yield places[0], operation

    def reader_of(self, own_id: str) -> Operation | None:
        """The operation that reads a record by an id such as `invoice_id`."""
        return next((reader for place, reader in self.readers() if place == own_id), None)
