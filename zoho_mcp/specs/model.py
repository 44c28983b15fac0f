"""One entry of tool_specs as a frozen, typed value, and the whole set as a catalog."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from zoho_mcp.text import placeholders

Json = dict[str, Any]
ID_PATTERN = "^[0-9]+$"
"""What every argument whose name ends in `_id` has to be."""
Effect = Literal["read", "write", "send", "destroy"]
EFFECTS: tuple[Effect, ...] = ("read", "write", "send", "destroy")
Sign = Literal["created", "changed", "deleted", "status", "mailed", "unseen"]
Consequence = Literal[
    "unapplies", "falls_due", "pays_out", "refused_while_paid", "refused_without_balance", "refused_with_transactions"
]


_UNPUBLISHED = frozenset({"format", "exclusiveMinimum", "minProperties"})
"""Keywords that some clients cannot read; the checker keeps them."""


def published(schema: Any) -> Any:
    """A schema in the dialect that every client reads: without our `x-` keywords and without `format` and its like.

    What is inside an object or list marked `x-brief`, its description tells. Dates are described as yyyy-mm-dd.
    A lower bound of 0 or 1 goes without saying, as does what is marked `x-plain`. Of what is marked `x-terse` only the
    names and types inside are shown; what is marked `x-unlisted` is not shown at all.
    """
    if isinstance(schema, list):
        return [published(part) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    whole = cast(Json, schema)
    parts = {key: part for key, part in whole.items() if not key.startswith("x-") and key not in _UNPUBLISHED}
    for key in ("minimum", "minItems", "minLength"):
        if parts.get(key, 2) < 2:
            del parts[key]
    if whole.get("format") == "date":
        parts["description"] = f"{whole.get('description', 'Day')}, yyyy-mm-dd"
    if "x-plain" in schema:
        parts.pop("description", None)
    if "x-brief" in schema:
        parts = {key: part for key, part in parts.items() if key not in ("properties", "required")}
        parts |= {"items": {"type": parts["items"]["type"]}} if "items" in parts else {}
    if "x-terse" in schema:
        parts |= {"items": _types(parts["items"])} if "items" in parts else _types(parts)
    properties = cast("Json | None", parts.pop("properties", None))
    result = {key: published(part) for key, part in parts.items()}
    if properties is not None:
        result["properties"] = {
            name: published(part) for name, part in properties.items() if not part.get("x-unlisted")
        }
    return result


def _worded(schema: Any, offered: Collection[str]) -> Any:
    if isinstance(schema, list):
        return [_worded(part, offered) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    parts: Json = {key: _worded(part, offered) for key, part in cast(Json, schema).items()}
    texts = parts.get("x-without")
    if isinstance(texts, dict):
        missing = [text for tool, text in cast(Json, texts).items() if tool not in offered]
        parts |= {"description": missing[0]} if missing else {}
    return parts


def _types(schema: Json) -> Json:
    """Of an object, the names and types of what is inside."""
    shown = {name: part for name, part in schema["properties"].items() if not part.get("x-unlisted")}
    inside = {name: {"type": part["type"]} for name, part in shown.items()}
    return {"type": schema["type"], "properties": inside}


class Frozen(BaseModel):
    """A value that is read from JSON: unknown keys are errors, nothing can be changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Schema(Frozen):
    """The part of JSON Schema that `input` may use. Other keywords are errors: most clients cannot read them."""

    type: Literal["string", "number", "integer", "boolean", "array", "object"] | None = None
    ref: str = Field(default="", alias="$ref", pattern=r"^_shared\.json#/\$defs/\w+$")
    """A definition of _shared.json; keys beside it win."""
    description: str = ""
    properties: Mapping[str, "Schema"] = {}
    required: tuple[str, ...] = ()
    items: "Schema | None" = None
    enum: tuple[str, ...] = ()
    pattern: str = ""
    format: Literal["date", "email"] | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = Field(default=None, alias="exclusiveMinimum")
    min_length: int | None = Field(default=None, alias="minLength")
    max_length: int | None = Field(default=None, alias="maxLength")
    min_items: int | None = Field(default=None, alias="minItems")
    max_items: int | None = Field(default=None, alias="maxItems")
    min_properties: int | None = Field(default=None, alias="minProperties")
    needs: tuple[tuple[str, ...], ...] = Field(default=(), alias="x-needs")
    """Of an object: groups of properties of which at least one must be given. Checked here, not published."""
    edition: tuple[str, ...] = Field(default=(), alias="x-edition")
    """The editions that have this field; empty: all."""
    brief: bool = Field(default=False, alias="x-brief")
    """Publish the description only, not what is inside."""
    terse: bool = Field(default=False, alias="x-terse")
    """Of an object, or a list of them: publish names and types of what is inside, its description tells the rest."""
    unlisted: bool = Field(default=False, alias="x-unlisted")
    """Accepted, but not published: it is set by itself, or hardly anybody needs it."""
    plain: bool = Field(default=False, alias="x-plain")
    """The name says it all: the description is not published."""
    without: Mapping[str, str] = Field(default={}, alias="x-without")
    """Tool to the description where that tool is not offered."""
    default: str | float | bool | None = Field(default=None, alias="x-default")
    """What Zoho takes where it is not given: two calls that differ only in giving it are the same call."""
    unset_at_zero: bool = Field(default=False, alias="x-unset-at-zero")
    """Of a number: 0 counts as not given."""
    number: bool = Field(default=False, alias="x-number")
    """Of a string: a number is accepted too, and read as its digits."""


class Http(Frozen):
    """The request that is really sent. Where an argument goes is a rule, see `zoho_mcp.zoho.request`."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str = Field(pattern=r"^/[A-Za-z0-9_/{}]+(\?[A-Za-z0-9_.=&]+)?$")
    """Below the product's base path; `{argument}` is filled in, a query that never varies is written out."""
    query: tuple[str, ...] = ()
    """Arguments of a POST or PUT that go into the query."""
    headers: Mapping[str, str] = {}
    """Argument to header name."""
    renames: Mapping[str, str] = {}
    """Argument to Zoho's name for it, in query and body (`customer_id` to `contact_id`). Inside lists and objects by
    path: `invoices[].note_id` to `creditnote_id`."""
    number: str = ""
    """The argument that is the document's own number; given, it turns Zoho's automatic numbering off."""
    file: str = ""
    """The form field of a file that is sent: the one in the upload folder that the argument `file_path` names."""
    account: bool = False
    """The request is about the whole account: it names no organisation, and each row of the answer is one."""


class Mails(Frozen):
    """Several mails in one call, one for each record that a list argument names."""

    ids: str
    """The argument: a list of ids."""
    record: str
    """The read operation of one such record."""
    mail: str
    """The read operation of the mail as Zoho would send it, with its recipients in `to_contacts`."""
    verb: str
    """How the question begins: `E-mail`, `Send reminders of`."""
    amount: str
    """The field of the record with the amount in question."""


class Confirm(Frozen):
    """The question asked before the call may run; `{field}` is filled from a fresh read of the record."""

    ask: str
    """Number and amount come first, names and texts that others wrote last: they must not imitate the sentence."""
    subject: str
    """The read operation that fetches the record in question; it takes the id argument that both have in common."""
    done: str = ""
    """What is true afterwards, as a sentence with `{field}`s of the record as it was before."""
    final: bool = False
    """Whether nothing, not even Zoho's own web page, can undo it."""
    part: str = ""
    """The read operation whose answer holds the part of the record that the last id of the path names: the payment
    taken off an invoice, the person removed from a customer."""
    consequence: Consequence | None = None
    """What happens beyond the record, and is shown: payments on it become unapplied (`unapplies`), the invoices that it
    paid fall due again (`falls_due`), money leaves the business (`pays_out`, takes an `amount`). Or when Zoho would
    refuse, so that nobody is asked: payments or credits are on it (`refused_while_paid`), nothing is owed
    (`refused_without_balance`), the customer has transactions (`refused_with_transactions`, takes a `customer_id`)."""
    payments: str = ""
    """For `unapplies`: the operation that lists the payments on the record."""


class FoundBy(Frozen):
    """A record that a call names by the value of a unique custom field instead of an id."""

    field: str
    """The argument with the field's API name."""
    value: str
    """The argument with its value."""
    list: str
    """The operation that lists such records."""
    read: str
    """The operation that reads one, custom fields included."""


class Replaces(Frozen):
    """How an argument of an update can destroy what the record holds now."""

    kind: Literal[
        "lines", "people", "allocations", "values", "amount", "reduction", "owner", "currency", "file", "address"
    ]
    """A list that is replaced whole (`lines`, `people`, `allocations`, `values`: what is left out is lost); an
    `amount` that may fall; a `reduction` that may grow; the `owner` of a debt; the `currency`; a `file`; an e-mail
    `address`."""
    key: str = ""
    """For a list: the field by which its elements are told apart."""
    field: str = ""
    """The field of the record that holds the old value, where it is not named like the argument."""


class Outcome(Frozen):
    """How reading shows whether a change happened whose answer was lost."""

    sign: Sign
    """created: a new record in `list`; changed: the record has what was sent; deleted: it is gone; status: it has one
    of `sets_status`; mailed: it was sent since; unseen: no read shows it."""
    read: str = ""
    """The operation that reads the record."""
    list: str = ""
    """For created: the list that the new record is in."""
    by: tuple[str, ...] = ()
    """For created: arguments that identify the new record in that list, as far as they are given."""


class After(Frozen):
    """What a result says of the records that the change touched. Read once the change is made; costs a read each."""

    read: str = ""
    """The operation that reads the record; by default `outcome.read`, where the answer holds no record itself."""
    before: tuple[str, ...] = ()
    """Fields of it that are shown as they were before, too: `balance` as `balance_before`."""
    each: str = ""
    """A list of the record that is changed: what its elements name, now or before, is read one by one."""
    each_read: str = ""
    """The operation that reads one of them."""


class File(Frozen):
    """A file that Zoho keeps or draws: a link to it is the tool's result, and with `save` it is stored too."""

    media_type: str = "*/*"
    """As its record names it, where it is not always the same."""
    title: str
    """As a resource: `Invoice PDF`."""
    at: str
    """Its address behind the scheme: `invoices/{invoice_id}/pdf`; a list of ids stands at the end, `{?invoice_ids}`."""
    name: str
    """The file's name, with `{field}`s of the record; empty there: there is no file, or it has no name."""
    record: str = ""
    """The operation that reads the record whose file it is."""


class Answer(Frozen):
    """What Zoho sends back: a record, rows, a file, or (all empty) just a message."""

    key: str = ""
    """The envelope's key that holds the record or the rows."""
    columns: tuple[str, ...] = ()
    """For rows: the fields people read. Empty for a record."""
    sums: tuple[str, ...] = ()
    """For rows: the columns of money that are added up, each currency by itself."""
    currency_of_customer: bool = False
    """For rows: Zoho names no currency in them. It is that of the row's customer."""
    by_contact_person: bool = False
    """For rows: customers, which a search finds by all of their contact persons."""
    fields: tuple[str, ...] = ()
    """For a record: the fields people read, by default those of `fields` in _shared.json; empty: all. A point leads
    into what is inside (`line_items.rate`), a question mark at the end leaves the field out where it is 0 or false."""
    state: tuple[str, ...] = ()
    """For a record: the fields that tell which one it is and how it stands, by default those of `state` in
    _shared.json."""
    more: tuple[str, ...] = ()
    """For rows: fields that are worth asking for besides; the argument `fields` names them."""
    number: str = ""
    """For rows: the column by which people call a record, also an argument of the list. Every tool accepts it in place
    of the record's id, which is the first column."""
    file: File | None = None
    """Instead of an envelope."""


class Entry(Frozen):
    """One tool as its author writes it: one endpoint of Zoho."""

    name: str = Field(pattern=r"^[a-z]+(_[a-z]+)+$", max_length=48)
    title: str
    description: str
    without: Mapping[str, str] = {}
    """Tool to the description where that tool is not offered."""
    docs: tuple[str, ...] = Field(min_length=1)
    """The endpoint as the reference texts name it (`GET /customers`)."""
    note: str = ""
    """Why the request differs from the reference, for the coverage table."""
    http: Http
    effect: Effect
    escalates: Mapping[str, Effect] = {}
    """Argument to effect: given and true, the argument makes the whole call have that effect."""
    scope: str = Field(pattern=r"^[a-z]+\.(READ|CREATE|UPDATE|DELETE)$")
    """Without the product's prefix."""
    known_from: Literal["recorded", "documented", "books", "computed"] | None = None
    """Of an operation beyond the references, required: an answer recorded from Zoho Invoice, Zoho Invoice's pages, or
    only the OpenAPI files of Zoho Books; or it is computed here."""
    replaces: Mapping[str, Replaces] = {}
    """Argument to what it may destroy. A call that destroys something is asked about like any `destroy`."""
    lessens: bool = False
    """Of a change that needs no approval: it can bring about a loss that a person declined (an invoice made a draft, a
    debt covered by credit). For some minutes after that no, it is asked about too."""
    confirm: Confirm | None = None
    mails: Mails | None = None
    """Of a `send` that mails several records at once."""
    found_by: FoundBy | None = None
    """Of a change that names its record by a custom field."""
    always_loaded: bool = False
    """Clients that load tools on demand have it at once. For the few most used tools."""
    exclusive: tuple[tuple[str, ...], ...] = ()
    """Groups of arguments of which at most one may be given."""
    hints: Mapping[str, str] = {}
    """Argument names that are often tried, and what to say to them."""
    handler: str = ""
    """The function in `zoho_mcp.server.tools.composite` that makes the calls, where one request is not enough."""
    also_needs: tuple[str, ...] = ()
    """Operations that are run on the way, by this function or for a question: their scopes are needed too."""
    may_need: tuple[str, ...] = ()
    """Operations that are run for some arguments only: their scopes are asked for, but the tool is offered without."""
    idempotent: bool | None = None
    """Of a change, required: whether running it twice does no more than running it once."""
    sets_status: tuple[str, ...] = ()
    """The status that the record has afterwards, then those it may have moved on to by the time it is read."""
    outcome: Outcome | None = None
    """Of a change, required."""
    instead: Mapping[str, str] = {}
    """Of a change: status of the record to what can be done about it, for when Zoho refuses; needs `outcome.read`."""
    after: After = After()
    """Of a change: what its result says of the records that it touched."""
    clearable: tuple[str, ...] = ()
    """Of an update: fields that the argument `clear` can empty, those of a line as `line_items[].tax_id`, those of an
    address as `billing_address.*`. Zoho gets "" for them."""
    answer: Answer = Answer()
    input: Schema
    output: Json = {}
    """JSON Schema of the record; permissive, Zoho adds fields freely. Of a list's row it is not published: the tests
    hold rows against it."""
    books: Json = {}
    """What differs in Zoho Books, as a JSON merge patch (RFC 7396)."""


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
        schema = _worded(self.input, offered)
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


class Toolset(Frozen):
    """What one file of tool_specs says about itself."""

    json_schema: str = Field(default="", alias="$schema")
    toolset: str = Field(pattern=r"^[a-z_]+$")
    title: str
    about: str
    """One sentence for people who choose toolsets."""
    ability: str = ""
    """What its tools can do, in a few words, for a model that is not offered them. Of an extra toolset, required."""
    extra: bool = False
    """Offered only where `ZOHO_TOOLSETS` names it, or says `all`: the default must stay cheap for a model."""
    renames: Mapping[str, str] = {}
    """Zoho's word to ours, for keys of the answers."""


class SpecFile(Toolset):
    """One file of tool_specs: a toolset and its operations."""

    operations: tuple[Entry, ...] = Field(min_length=1)


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
