"""An entry of tool_specs as its author writes it: every key, and what it means."""

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
    transactions: bool = False
    """For rows: transactions, which can be listed by `customer_id`. Zoho deletes no customer that has any."""
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
    output: Mapping[str, Any] = {}
    """JSON Schema of the record; permissive, Zoho adds fields freely. Of a list's row it is not published: the tests
    hold rows against it."""
    books: Mapping[str, Any] = {}
    """What differs in Zoho Books, as a JSON merge patch (RFC 7396)."""


class Toolset(Frozen):
    """What one file of tool_specs says about itself."""

    json_schema: str = Field(default="", alias="$schema")
    toolset: str = Field(pattern=r"^[a-z_]+$")
    title: str
    about: str
    """One sentence for people who choose toolsets."""
    order: int = 1000
    """Its place in tools/list: lower numbers come first, equal ones by name."""
    ability: str = ""
    """What its tools can do, in a few words, for a model that is not offered them. Of an extra toolset, required."""
    extra: bool = False
    """Offered only where `ZOHO_TOOLSETS` names it, or says `all`: the default must stay cheap for a model."""
    renames: Mapping[str, str] = {}
    """Zoho's word to ours, for keys of the answers."""


class SpecFile(Toolset):
    """One file of tool_specs: a toolset and its operations."""

    operations: tuple[Entry, ...] = Field(min_length=1)
