"""One tool for one product and edition as a frozen value, and the whole set as a catalog."""

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
    """Zoho's word to ours, for keys of the answer."""
    view: tuple[str, ...] = ()
    """Arguments that say what of the answer is shown; Zoho never sees them. `load` adds them to what reads."""
    hidden: Mapping[str, tuple[str, ...]] = {}
    """Arguments left out of `input` because they exist only in other editions: path to editions."""

    @property
    def published_input(self) -> Json:
        """`input` as it goes to the client: without the `x-` keywords, which are words for the checker alone."""
        return published(self.input)

    def record_in(self, envelope: Mapping[str, Any]) -> Json:
        """The record that a response holds; empty for rows, a file or just a message."""
        record = envelope.get(self.answer.key)
        return cast(Json, record) if isinstance(record, dict) else {}

    def worded_for(self, offered: Collection[str]) -> "Operation":
        """The same in the words for these tools: no description names one that is not offered."""
        text = next((text for tool, text in self.without.items() if tool not in offered), self.description)
        schema = worded_for(self.input, offered)
        same = text == self.description and schema == self.input
        return self if same else self.model_copy(update={"description": text, "input": schema})

    @property
    def has_discounts(self) -> bool:
        """Whether a document that this writes, or its lines, can have a discount."""
        properties: Json = self.input.get("properties", {})
        of_lines: Json = properties.get("line_items", {}).get("items", {}).get("properties", {})
        return "discount" in properties or "discount" in of_lines

    def discounts_in(self, arguments: Mapping[str, Any]) -> tuple[bool, bool]:
        """Whether arguments hold a discount on the whole document, and one on a line; one of 0 is none."""
        if not self.has_discounts:
            return False, False
        lines = arguments.get("line_items")
        parts = cast("list[Any]", lines) if isinstance(lines, list) else []
        single = any(is_some(cast(Json, line).get("discount")) for line in parts if isinstance(line, dict))
        return is_some(arguments.get("discount")), single

    def discount_level(self, arguments: Mapping[str, Any]) -> Json:
        """`discount_type` as it follows from where the discounts are: Zoho counts those of one level only."""
        whole, single = self.discounts_in(arguments)
        return {"discount_type": "item_level" if single else "entity_level"} if whole or single else {}

    @property
    def can_overwrite(self) -> bool:
        """Whether a call can take something from a record that was there before; mail takes nothing."""
        ends = self.lessens and bool(self.sets_status)
        changes = self.http.method == "PUT" or bool(self.replaces) or ends
        return self.effect == "destroy" or (self.effect == "write" and changes)

    def emptied(self, arguments: Mapping[str, Any]) -> Json:
        """The arguments without `clear`, and with "" for each field that it names: how Zoho empties one."""
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
        """Whether the argument `clear` can empty a field, written as in `clearable`."""
        whole, point, part = field.partition(".")
        parts: Json = self.input.get("properties", {}).get(whole, {}).get("properties", {})
        return field in self.clearable or (bool(point) and f"{whole}.*" in self.clearable and part in parts)

    @property
    def must_not_repeat(self) -> bool:
        """Whether running it twice does more than running it once: it creates something, or mails it."""
        return self.effect != "read" and not self.idempotent

    @property
    def shows_new_state(self) -> bool:
        """Whether a result says how the record stands after the change."""
        return bool(self.after.read or self.after.each)

    @property
    def dates(self) -> frozenset[str]:
        """The arguments that are dates, times or parts of a date."""
        dated = {name for name, schema in self.input.get("properties", {}).items() if schema.get("format") == "date"}
        return frozenset({*dated, "last_modified_time", "year", "month"})

    @property
    def tool_answer_key(self) -> str:
        """The answer's key in our words (`customer` for Zoho's `contact`)."""
        return self.renames.get(self.answer.key, self.answer.key)


def is_some(discount: object) -> bool:
    """Whether a discount, as an amount or a percentage, takes anything off."""
    return str(discount or "").strip("0.% ") != ""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """Where a field is: `notes`, `billing_address.attention`, `line_items[0].tax_id`, of all `line_items[].tax_id`."""

    name: str
    part: str = ""
    index: str | None = None
    """None: not in a list; empty: in every element of it."""

    @classmethod
    def parse(cls, text: str) -> "FieldPath":
        """The path that a text names."""
        whole, _, part = text.partition(".")
        name, bracket, index = whole.partition("[")
        return cls(name, part, index.removesuffix("]") if bracket else None)

    def chooses(self, position: int) -> bool:
        """Whether an element of the list is meant."""
        return self.index in ("", str(position))


class Catalog(Frozen):
    """All operations of one product and edition, in the order of the files."""

    operations: Mapping[str, Operation]
    toolsets: Mapping[str, str]
    """Toolset to its sentence."""
    extra: Mapping[str, str] = {}
    """Toolsets that are offered only where they are asked for, and what their tools can do."""
    product: str
    edition: str = ""
    hints: Mapping[str, str] = {}
    """Argument names that are often tried anywhere, and what to say to them."""
    synonyms: Mapping[str, tuple[str, ...]] = {}
    """People's words to Zoho's, for values of closed choices: `cheque` to `check`."""
    verbatim: frozenset[str] = frozenset()
    """Zoho's names of fields that it keeps exactly as sent: a record in which one differs is another record."""

    def readers(self) -> Iterator[tuple[str, Operation]]:
        """The operations that read one record at its own address, each with the argument for its id."""
        for operation in self.operations.values():
            places = placeholders(operation.http.path)
            plain = operation.effect == "read" and operation.answer.key and not operation.handler
            if plain and len(places) == 1 and operation.http.path.endswith("}") and not operation.answer.columns:
                yield places[0], operation

    def reader_of(self, own_id: str) -> Operation | None:
        """The operation that reads the record of an id such as `invoice_id`."""
        return next((reader for place, reader in self.readers() if place == own_id), None)
