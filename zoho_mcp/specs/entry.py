"""The keys of an entry in tool_specs, as its author writes it."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from zoho_mcp.specs.schema import Frozen, Schema

Effect = Literal["read", "write", "send", "destroy"]
EFFECTS: tuple[Effect, ...] = ("read", "write", "send", "destroy")
Sign = Literal["created", "changed", "deleted", "status", "mailed", "unseen"]
Consequence = Literal[
    "unapplies", "falls_due", "pays_out", "refused_while_paid", "refused_without_balance", "refused_with_transactions"
]


class Http(Frozen):
    """The request to Zoho. `zoho_mcp.zoho.request` decides where each argument goes."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str = Field(pattern=r"^/[A-Za-z0-9_/{}]+(\?[A-Za-z0-9_.=&]+)?$")
    """Relative to the product's base path; `{argument}` is filled in, a constant query is written out."""
    query: tuple[str, ...] = ()
    """Arguments of a POST or PUT that go into the query."""
    headers: Mapping[str, str] = {}
    """Argument to header name."""
    renames: Mapping[str, str] = {}
    """Argument to Zoho's name, in query and body (`customer_id` to `contact_id`). Nested ones by path:
    `invoices[].note_id` to `creditnote_id`."""
    number: str = ""
    """The argument with the document's own number; if given, Zoho's automatic numbering is turned off."""
    file: str = ""
    """The form field of an upload: the file in the upload folder that the argument `file_path` names."""
    account: bool = False
    """Whether the request concerns the whole account: it names no organisation, and each row is one."""


class Mails(Frozen):
    """Several e-mails in one call, one for each record in a list argument."""

    ids: str
    """The argument with the list of ids."""
    record: str
    """The operation that reads one such record."""
    mail: str
    """The operation that reads the e-mail as Zoho would send it, with its recipients in `to_contacts`."""
    verb: str
    """The beginning of the question: `E-mail`, `Send reminders of`."""
    amount: str
    """The record's field with the amount at stake."""


class Confirm(Frozen):
    """The question asked before the call may run; `{field}` is filled from a fresh read of the record."""

    ask: str
    """Numbers and amounts come first, names and texts by others last, so that they cannot imitate the sentence."""
    subject: str
    """The operation that reads the record in question, by an id argument that both operations have."""
    done: str = ""
    """A sentence about the result, with `{field}`s of the record as it was before."""
    final: bool = False
    """Whether nothing can undo it, not even Zoho's web app."""
    part: str = ""
    """The operation that reads the part of the record named by the last id in the path: a payment taken off an invoice,
    a person removed from a customer."""
    consequence: Consequence | None = None
    """An effect beyond the record, which is shown: payments on it become unapplied (`unapplies`), the invoices that it
    paid fall due again (`falls_due`), money leaves the business (`pays_out`, takes an `amount`). Or a reason for Zoho
    to refuse, so that nobody is asked: payments or credits are on it (`refused_while_paid`), nothing is owed
    (`refused_without_balance`), the customer has transactions (`refused_with_transactions`, takes a `customer_id`)."""
    payments: str = ""
    """For `unapplies`: the operation that lists the payments on the record."""


class FoundBy(Frozen):
    """A record that a call identifies by a unique custom field instead of an id."""

    field: str
    """The argument with the field's API name."""
    value: str
    """The argument with the field's value."""
    list: str
    """The operation that lists such records."""
    read: str
    """The operation that reads one, including custom fields."""


class Replaces(Frozen):
    """How an argument of an update can destroy existing values."""

    kind: Literal[
        "lines",
        "people",
        "allocations",
        "values",
        "amount",
        "reduction",
        "payout",
        "owner",
        "currency",
        "file",
        "address",
    ]
    """A list that is replaced as a whole, so that omitted elements are lost (`lines`, `people`, `allocations`,
    `values`); an `amount` that may fall; a `reduction` that may grow; a `payout`, money leaving the business, that may
    grow; the `owner` of a debt; the `currency`; a `file`; an e-mail `address`."""
    key: str = ""
    """For a list: the field that identifies an element."""
    field: str = ""
    """The record's field with the old value, if it is not named like the argument."""


class Outcome(Frozen):
    """How a read can show whether a change happened after its response was lost."""

    sign: Sign
    """created: there is a new record in `list`; changed: the record has the values sent; deleted: it is gone; status:
    it has one of `sets_status`; mailed: it was sent since; unseen: no read shows it."""
    read: str = ""
    """The operation that reads the record."""
    list: str = ""
    """For `created`: the operation that lists such records."""
    by: tuple[str, ...] = ()
    """For `created`: the arguments that identify the new record in that list, as far as they are given."""


class After(Frozen):
    """What a result shows of the records that a change affected. Costs a read each, after the change."""

    read: str = ""
    """The operation that reads the record; by default `outcome.read`, if the response contains no record."""
    before: tuple[str, ...] = ()
    """Fields whose previous values are shown as well: `balance` as `balance_before`."""
    each: str = ""
    """A list in the changed record; every record that its elements name, before or after, is read."""
    each_read: str = ""
    """The operation that reads one of these."""


class File(Frozen):
    """A file that Zoho stores or generates. The tool's result links to it; with `save` it is also saved here."""

    media_type: str = "*/*"
    """By default that of the record, because it varies."""
    title: str
    """The title of the resource: `Invoice PDF`."""
    at: str
    """The URI without the scheme: `invoices/{invoice_id}/pdf`; a list of ids comes last, `{?invoice_ids}`."""
    name: str
    """The file name, with `{field}`s of the record; if they are empty, there is no file or it has no name."""
    record: str = ""
    """The operation that reads the record to which the file belongs."""


class Answer(Frozen):
    """Zoho's response: a record, rows, a file, or (all empty) only a message."""

    key: str = ""
    """The envelope's key for the record or the rows."""
    columns: tuple[str, ...] = ()
    """For rows: the fields shown, the record's own id first. Empty for a record."""
    sums: tuple[str, ...] = ()
    """For rows: the money columns to add up, per currency, which is in the column `currency_code`."""
    currency_of_customer: bool = False
    """For rows: payments do not contain their currency, which is that of their customer. Needs the columns
    `payment_id`, `customer_id` and `currency_code`."""
    by_contact_person: bool = False
    """For rows: customers, whom a search also finds by any of their contact persons."""
    fields: tuple[str, ...] = ()
    """For a record: the fields shown, by default those of `fields` in _shared.json; empty: all. A dot leads to a nested
    field (`line_items.rate`), a question mark at the end hides a field that is 0 or false."""
    state: tuple[str, ...] = ()
    """For a record: the fields that identify it and show its state, by default those of `state` in _shared.json."""
    more: tuple[str, ...] = ()
    """For rows: further fields worth requesting with the argument `fields`."""
    transactions: bool = False
    """For rows: transactions that can be listed by `customer_id`. Zoho deletes no customer that has any."""
    number: str = ""
    """For rows: the column with the number that people use for a record, also an argument of the list. Every tool
    accepts it in place of the record's id, which is the first column."""
    file: File | None = None
    """The file, if the response is one instead of an envelope."""


class Entry(Frozen):
    """One tool as its author writes it: one endpoint of Zoho."""

    name: str = Field(pattern=r"^[a-z]+(_[a-z]+)+$", max_length=48)
    title: str
    description: str
    without: Mapping[str, str] = {}
    """Tool to the description used where that tool is not offered."""
    docs: tuple[str, ...] = Field(min_length=1)
    """The endpoint as the reference texts name it (`GET /customers`)."""
    note: str = ""
    """Why the request differs from the reference; shown in the coverage table."""
    http: Http
    effect: Effect
    escalates: Mapping[str, Effect] = {}
    """Argument to effect: if the argument is true, the whole call has that effect."""
    scope: str = Field(pattern=r"^[a-z]+\.(READ|CREATE|UPDATE|DELETE)$")
    """Without the product's prefix."""
    known_from: Literal["recorded", "documented", "books", "computed"] | None = None
    """Required of an operation that is not in the references: known from a response recorded from Zoho Invoice, from
    Zoho Invoice's pages, or only from the OpenAPI files of Zoho Books; or it is computed here."""
    replaces: Mapping[str, Replaces] = {}
    """Argument to what it may destroy. A call that destroys something is confirmed like any `destroy`."""
    lessens: bool = False
    """For a change without approval: it can cause a loss that a person declined (an invoice made a draft, a debt
    covered by credit). For some minutes after such a refusal it needs approval too."""
    confirm: Confirm | None = None
    mails: Mails | None = None
    """For a `send` that mails several records at once."""
    found_by: FoundBy | None = None
    """For a change that identifies its record by a custom field."""
    always_loaded: bool = False
    """Whether clients that load tools on demand load it at once. For the few most used tools."""
    exclusive: tuple[tuple[str, ...], ...] = ()
    """Groups of arguments of which at most one may be given."""
    hints: Mapping[str, str] = {}
    """Wrong argument names that are often tried, with advice."""
    handler: str = ""
    """The function in `zoho_mcp.server.tools.composite` that runs the tool, if one request is not enough."""
    also_needs: tuple[str, ...] = ()
    """Operations that the handler or the question runs; their scopes are needed too."""
    may_need: tuple[str, ...] = ()
    """Operations run for some arguments only: their scopes are requested, but the tool is offered without them."""
    idempotent: bool | None = None
    """Required of a change: whether running it twice does no more than running it once."""
    sets_status: tuple[str, ...] = ()
    """The status of the record afterwards, then those that it may have moved on to before it is read."""
    outcome: Outcome | None = None
    """Required of a change."""
    instead: Mapping[str, str] = {}
    """For a change: status of the record to advice after Zoho refused; needs `outcome.read`."""
    after: After = After()
    """For a change: what its result shows of the affected records."""
    clearable: tuple[str, ...] = ()
    """For an update: the fields that the argument `clear` can empty; in a line `line_items[].tax_id`, in an address
    `billing_address.*`. They are sent as ""."""
    answer: Answer = Answer()
    input: Schema
    output: Mapping[str, Any] = {}
    """JSON Schema of the record; permissive, because Zoho adds fields. Not published for rows: the tests validate them
    with it."""
    books: Mapping[str, Any] = {}
    """Differences in Zoho Books, as a JSON merge patch (RFC 7396)."""


class Toolset(Frozen):
    """The header of a file in tool_specs."""

    json_schema: str = Field(default="", alias="$schema")
    toolset: str = Field(pattern=r"^[a-z_]+$")
    title: str
    about: str
    """One sentence for people who choose toolsets."""
    order: int = 1000
    """Its place in tools/list: lower numbers come first, equal ones by name."""
    ability: str = ""
    """What its tools can do, in a few words, for a model that is not offered them. Required of an extra toolset."""
    extra: bool = False
    """Offered only if `ZOHO_TOOLSETS` names it or is `all`: the default tools must cost few tokens."""
    renames: Mapping[str, str] = {}
    """Zoho's name to ours, for keys in responses."""


class SpecFile(Toolset):
    """One file of tool_specs: a toolset and its operations."""

    operations: tuple[Entry, ...] = Field(min_length=1)
