"""Finds contradictions within and between entries. Compares names only, at every start."""

from collections.abc import Iterator
from typing import cast

from zoho_mcp.specs.entry import FoundBy, Mails
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.specs.schema import Json
from zoho_mcp.text import placeholders

_CAN_DESTROY = frozenset({"customer_id", "currency_id", "amount", "discount", "shipping_charge", "adjustment"})
_LISTS = ("lines", "people", "allocations", "values")
_NUMBERS = ("amount", "payout")
_OF_PAYMENTS = frozenset({"payment_id", "customer_id", "currency_code"})
"""Columns that `currency_of_customer` reads and fills."""
_TAKES = {"pays_out": "amount", "refused_with_transactions": "customer_id"}
"""Consequence to the argument that it needs."""
MOST_ALWAYS_LOADED = 5
_OF_LINES = frozenset({"line_items[].rate", "line_items[].quantity", "line_items[].discount"})
_KNOWN_BY_NAME = _CAN_DESTROY | _OF_LINES | {"line_items", "contact_persons"}
"""Arguments that policies, questions and discounts look for."""


def cross_check(catalog: Catalog) -> list[str]:
    """Contradictions within and between entries, as sentences."""
    problems = [f"{name}.json: an extra toolset says its ability." for name, able in catalog.extra.items() if not able]
    if sum(operation.always_loaded for operation in catalog.operations.values()) > MOST_ALWAYS_LOADED:
        problems.append(f"at most {MOST_ALWAYS_LOADED} tools are always_loaded.")
    return problems + [
        f"{operation.toolset}.json: {operation.name}: {problem}"
        for operation in catalog.operations.values()
        for problem in _contradictions(operation, catalog)
    ]


def _contradictions(operation: Operation, catalog: Catalog) -> Iterator[str]:
    yield from _unknown_names(operation, catalog)
    yield from _effect_contradictions(operation)
    yield from _rename_contradictions(operation)
    yield from _file_contradictions(operation, catalog)
    yield from _list_contradictions(operation, catalog)
    yield from _column_contradictions(operation)
    yield from _outcome_contradictions(operation, catalog)
    yield from _clear_contradictions(operation)
    yield from _after_contradictions(operation, catalog)
    if operation.toolset in catalog.extra and operation.known_from is None:
        yield "known_from says what shows that Zoho offers it."
    if operation.http.method == "PUT" and operation.effect == "write":
        yield from _replaces_contradictions(operation, catalog)
    if operation.confirm is not None:
        yield from _confirm_contradictions(operation, catalog)
    if operation.mails is not None:
        yield from _mails_contradictions(operation, operation.mails, catalog)
    if operation.found_by is not None:
        yield from _found_by_contradictions(operation, operation.found_by, catalog)


def _unknown_names(operation: Operation, catalog: Catalog) -> Iterator[str]:
    """Names of arguments and operations that do not exist."""
    properties: Json = operation.input.get("properties", {})
    required = operation.input.get("required", [])
    if not operation.handler:
        for place in sorted({*placeholders(operation.http.path)} - {*required}):
            yield f"{{{place}}} of the path is not a required argument."
    for name in (*required, *operation.http.query, *operation.http.headers, *operation.escalates):
        if name not in properties:
            yield f"{name} is named, but not an argument."
    exclusive = [name for group in operation.exclusive for name in group]
    for key, names in (("exclusive", exclusive), ("replaces", operation.replaces)):
        for name in names:
            if name not in properties and name not in operation.hidden:
                yield f"{name} is named in {key}, but not an argument."
    for name in (*operation.also_needs, *operation.may_need):
        if name not in catalog.operations:
            yield f"{name} in also_needs or may_need is not an operation."


def _effect_contradictions(operation: Operation) -> Iterator[str]:
    if (operation.http.method == "GET") != (operation.effect == "read"):
        yield "GET and effect read belong together."
    if operation.http.method == "DELETE" and operation.effect != "destroy":
        yield "a DELETE has the effect destroy."
    if operation.effect == "destroy" and operation.confirm is None:
        yield "what destroys needs a confirm."


def _rename_contradictions(operation: Operation) -> Iterator[str]:
    for path, theirs in operation.http.renames.items():
        name, _, _ = path.partition("[")
        if name.partition(".")[0] not in operation.input.get("properties", {}):
            yield f"{path} is named in http.renames, but not an argument."
        known = "customer_id" if theirs == "contact_id" else f"{path.rpartition('.')[0]}.{theirs}".removeprefix(".")
        if known != path and (known in _KNOWN_BY_NAME or known.endswith("_mail_ids")):
            yield f"http.renames: {path} is {known} in policies and questions: call it so."


def _file_contradictions(operation: Operation, catalog: Catalog) -> Iterator[str]:
    file, required = operation.answer.file, operation.input.get("required", [])
    if operation.http.file and "file_path" not in required:
        yield "http.file needs the required argument file_path."
    if file is None:
        return
    for name in placeholders(file.at.replace("{?", "{")):
        if name not in required:
            yield f"{{{name}}} of answer.file.at is not a required argument."
    if placeholders(file.name) and not _reads_record(catalog.operations.get(file.record)):
        yield f"answer.file.record {file.record} is not an operation that reads a record."


def _list_contradictions(operation: Operation, catalog: Catalog) -> Iterator[str]:
    answer = operation.answer
    if operation.http.account and "organization_id" not in answer.columns:
        yield "http.account is for a list of organisations: organization_id is one of its columns."
    if answer.transactions and not {"customer_id", "per_page"} <= operation.input.get("properties", {}).keys():
        yield "answer.transactions needs the arguments customer_id and per_page."
    if not answer.number:
        return
    if answer.number not in answer.columns or answer.number not in operation.input.get("properties", {}):
        yield f"answer.number {answer.number} is not a column and an argument."
    lists = [listing for listing in catalog.operations.values() if listing.answer.number]
    if not answer.columns[:1] or sum(listing.answer.columns[:1] == answer.columns[:1] for listing in lists) > 1:
        yield f"answer.number: the first column is the record's id, and {answer.columns[:1]} has one such list."


def _column_contradictions(operation: Operation) -> Iterator[str]:
    """Rows that cannot be told apart, and sums without a currency."""
    answer = operation.answer
    if answer.columns and not operation.handler:
        own_id = answer.columns[0]
        is_path = operation.http.path.endswith(f"/{{{own_id}}}")
        # An argument names another record, unless it is the last part of the path.
        if not own_id.endswith("_id") or (own_id in operation.input.get("properties", {}) and not is_path):
            yield f"answer.columns begin with the record's own id, which {own_id} is not."
    for name in answer.sums:
        if not {name, "currency_code"} <= {*answer.columns}:
            yield f"answer.sums needs the columns {name} and currency_code."
    if answer.currency_of_customer and not {*answer.columns} >= _OF_PAYMENTS:
        yield f"answer.currency_of_customer is for payments: it needs the columns {', '.join(sorted(_OF_PAYMENTS))}."


def _mails_contradictions(operation: Operation, mails: Mails, catalog: Catalog) -> Iterator[str]:
    if operation.effect != "send":
        yield "mails is for a send."
    if mails.ids not in operation.input.get("required", []) or not mails.ids.endswith("_ids"):
        yield f"mails.ids {mails.ids} is not a required argument with ids."
    for name in (mails.record, mails.mail):
        reader = catalog.operations.get(name)
        if reader is None or not _reads_record(reader) or reader.input["required"] != [mails.ids.removesuffix("s")]:
            yield f"mails names {name}, which is not an operation that reads a record by {mails.ids.removesuffix('s')}."
        if name not in operation.also_needs:
            yield f"also_needs names {name}, which mails does."


def _found_by_contradictions(operation: Operation, found_by: FoundBy, catalog: Catalog) -> Iterator[str]:
    for name in (found_by.field, found_by.value):
        if name not in operation.input.get("required", []):
            yield f"{name} is named in found_by, but not a required argument."
    lister = catalog.operations.get(found_by.list)
    if lister is None or not lister.answer.columns:
        yield f"found_by.list {found_by.list} is not an operation that lists records."
    if not _reads_record(catalog.operations.get(found_by.read)):
        yield f"found_by.read {found_by.read} is not an operation that reads a record."


def _clear_contradictions(operation: Operation) -> Iterator[str]:
    for field in operation.clearable:
        name, _, inner = field.removesuffix(".*").partition("[].")
        part: Json = operation.input.get("properties", {}).get(name, {})
        if not part or (inner and inner not in part.get("items", {}).get("properties", {})):
            yield f"{field} is named in clearable, but not an argument."
    if operation.http.number and "ignore_auto_number_generation" not in operation.http.query:
        yield "http.number needs ignore_auto_number_generation in http.query."


def _after_contradictions(operation: Operation, catalog: Catalog) -> Iterator[str]:
    after = operation.after
    for name in filter(None, (after.read, after.each_read)):
        if not _reads_record(catalog.operations.get(name)):
            yield f"after names {name}, which is not an operation that reads a record."
    if operation.instead and not (operation.outcome and operation.outcome.read):
        yield "instead needs outcome.read, which shows the status."
    if bool(after.each) != bool(after.each_read):
        yield "after.each and after.each_read belong together."


def _outcome_contradictions(operation: Operation, catalog: Catalog) -> Iterator[str]:
    """A change must declare how its outcome can be read, or that it cannot; a read must not."""
    outcome = operation.outcome
    if operation.effect == "read":
        if outcome is not None or operation.idempotent is not None or operation.sets_status:
            yield "a read has no outcome, idempotent or sets_status."
        return
    if operation.idempotent is None:
        yield "a change says whether it is idempotent."
    if outcome is None:
        yield "a change says how its outcome is seen, or that it is unseen."
        return
    if (outcome.sign == "status") != bool(operation.sets_status):
        yield "sets_status and an outcome seen by status belong together."
    if (outcome.sign == "deleted") != (operation.http.method == "DELETE"):
        yield "a DELETE is seen by deleted, and nothing else is."
    if outcome.sign != "unseen" and not _reads_record(catalog.operations.get(outcome.read)):
        yield f"outcome.read {outcome.read} is not an operation that reads a record."
    if outcome.sign == "created":
        yield from _created_contradictions(operation, catalog)
    elif outcome.list or outcome.by:
        yield "outcome.list and outcome.by are for what is created."


def _created_contradictions(operation: Operation, catalog: Catalog) -> Iterator[str]:
    assert operation.outcome is not None
    outcome, listed = operation.outcome, catalog.operations.get(operation.outcome.list)
    if listed is None or not listed.answer.columns:
        yield f"outcome.list {outcome.list} is not an operation that lists records."
    for name in outcome.by:
        if name not in operation.input.get("properties", {}):
            yield f"{name} is named in outcome.by, but not an argument."


def _reads_record(operation: Operation | None) -> bool:
    return operation is not None and operation.effect == "read" and not operation.answer.columns


def _replaces_contradictions(operation: Operation, catalog: Catalog) -> Iterator[str]:
    """An update must declare what each argument that can destroy something destroys."""
    pays_out = _pays_out(operation, catalog)
    for name, part in cast(Json, operation.input.get("properties", {})).items():
        if name == "clear":
            continue
        is_list = part.get("type") == "array"
        is_own = name in operation.input.get("required", ())
        if (is_list or (name in _CAN_DESTROY and not is_own)) and name not in operation.replaces:
            yield f"{name} of an update can destroy something: say so in replaces."
        kind = operation.replaces[name].kind if name in operation.replaces else ""
        if is_list and kind not in ("", *_LISTS):
            yield f"{name} is a list: its kind in replaces is one of {', '.join(_LISTS)}."
        if kind in _NUMBERS and part.get("type") != "number":
            yield f"{name} is not a number: its kind in replaces is not {kind}."
        if name == "amount" and pays_out and kind != "payout":
            yield "amount is money that leaves the business: its kind in replaces is payout."


def _pays_out(update: Operation, catalog: Catalog) -> bool:
    """Whether the record of an update is made by a tool that pays money out."""
    made_at = update.http.path.rpartition("/")[0]
    return any(
        other.http.method == "POST" and other.http.path == made_at and other.confirm.consequence == "pays_out"
        for other in catalog.operations.values()
        if other.confirm is not None
    )


def _confirm_contradictions(operation: Operation, catalog: Catalog) -> Iterator[str]:
    assert operation.confirm is not None
    subject = catalog.operations.get(operation.confirm.subject)
    if subject is None or subject.effect != "read":
        yield f"confirm.subject {operation.confirm.subject} is not a read operation."
    elif not set(subject.input.get("required", [])) <= set(operation.input.get("required", [])):
        yield f"confirm.subject {subject.name} needs arguments that this tool does not require."
    confirm = operation.confirm
    needed = _TAKES.get(confirm.consequence or "", "")
    if needed and needed not in operation.input.get("required", []):
        yield f"confirm.consequence {confirm.consequence} needs the required argument {needed}."
    payments = catalog.operations.get(confirm.payments)
    if (confirm.consequence == "unapplies") != (payments is not None and bool(payments.answer.columns)):
        yield "confirm.consequence unapplies needs confirm.payments, an operation that lists payments."
    places = placeholders(operation.confirm.ask)
    written = [name.endswith("name") or name in ("description", "notes") for name in places]
    if written != sorted(written):
        yield "confirm.ask: names and texts that others wrote come last."
    if operation.effect in ("send", "destroy") and not operation.confirm.done:
        yield "confirm.done says what is true afterwards."
    if operation.effect == "send" and not operation.confirm.final:
        yield "a mail cannot be taken back: confirm.final."
    if operation.http.method == "DELETE" and not (confirm.part or confirm.final):
        yield "a deleted record cannot be brought back: confirm.final."
