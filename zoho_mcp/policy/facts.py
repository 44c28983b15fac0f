"""Finds the facts about a call that a policy can depend on, in its arguments and records. Pure."""

import re
import string
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from zoho_mcp.policy.display import decimal, records_in
from zoho_mcp.policy.rules import Fact, Facts, effect_of
from zoho_mcp.specs.model import Catalog, Operation

UNKNOWN_AMOUNT = Decimal("Infinity")
"""An unknown amount: larger than any limit in a rule."""
MAIL = "_mail_ids"
"""The ending of every argument that holds e-mail addresses."""
HOLD_ADDRESSES = frozenset({"email", "contact_persons"})
"""The arguments and fields that can hold e-mail addresses of contact persons; see `addresses_given`."""
_OWN_AMOUNTS = ("total", "amount")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_PLACE = re.compile(r"{\w+}")


def subject(operation: Operation, catalog: Catalog) -> Operation | None:
    """The operation that reads the record the call is about; None if it is about none, or creates one."""
    if operation.confirm is not None:
        return catalog.operations[operation.confirm.subject]
    if operation.outcome is not None and operation.outcome.read and operation.outcome.sign != "created":
        return catalog.operations[operation.outcome.read]
    readers = [other for other in catalog.operations.values() if _reads_one(other)]
    for path in _paths_above(operation.http.path):
        if found := next((other for other in readers if other.http.path == path), None):
            return found
    required = set(operation.input.get("required", ()))
    return next(
        (
            other
            for other in readers
            if other.toolset == operation.toolset and set(other.input.get("required", ())) <= required
        ),
        None,
    )


def _reads_one(operation: Operation) -> bool:
    """Whether the operation reads one record by its id."""
    plain = operation.effect == "read" and operation.answer.key and not operation.answer.columns
    return bool(plain and not operation.handler and operation.http.path.endswith("}"))


def _paths_above(path: str) -> Iterator[str]:
    """The path up to each of its ids, longest first."""
    for found in reversed([*_PLACE.finditer(path)]):
        yield path[: found.end()]


def ids_in(value: Any) -> Iterator[str]:
    """Every id in the arguments of a call, at any depth."""
    if isinstance(value, Mapping):
        for part in cast("Mapping[str, Any]", value).values():
            yield from ids_in(part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from ids_in(part)
    elif isinstance(value, str) and value.isdecimal():
        yield value


def recipients(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Every e-mail address the call would send to: to, cc and bcc."""
    lists = [cast("list[Any]", value) for name, value in arguments.items() if name.endswith(MAIL) and value]
    return tuple(str(address) for addresses in lists for address in addresses)


def can_mail(operation: Operation) -> bool:
    """Whether a call can name recipients."""
    return any(name.endswith(MAIL) for name in operation.input.get("properties", {}))


def can_cost(operation: Operation, catalog: Catalog) -> bool:
    """Whether a call can involve an amount."""
    about = {"amount", "line_items"} & set(operation.input.get("properties", {}))
    return (operation.effect != "read" and bool(about)) or subject(operation, catalog) is not None


def at_hand(
    operation: Operation, arguments: Mapping[str, Any], catalog: Catalog, organization: str, principal: str | None
) -> Facts:
    """The facts that need no lookup. `unknown` names the others."""
    unknown: set[Fact] = set()
    has_subject = subject(operation, catalog) is not None
    if has_subject:
        unknown.add("status")
    if has_subject or _requested_amount(operation, arguments) is not None:
        unknown.add("amount")
    effect = effect_of(operation, arguments)
    if recipients(arguments) or effect == "send":
        unknown.add("recipients")
    return Facts(effect, organization, principal, unknown=frozenset(unknown))


def outsiders(
    arguments: Mapping[str, Any], customer: Mapping[str, Any] | None, recent: Collection[str] = ()
) -> tuple[str, ...]:
    """The recipients that are not on the customer's record, or only since less than a day (`recent`).

    All recipients if there is no customer. A call without recipients, which sends the document on creation, mails the
    contact persons that it names, or else the customer's primary one.
    """
    record: Mapping[str, Any] = customer or {}
    people = records_in(record.get("contact_persons"))
    insiders = {same_address(address) for address in addresses_of(record)}
    insiders -= {same_address(address) for address in recent}
    named = recipients(arguments) or mailed_on_creation(arguments, people)
    return tuple(address for address in named if same_address(address) not in insiders)


def mailed_on_creation(arguments: Mapping[str, Any], people: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The recipients of a document sent on creation: the chosen contact persons, or else the primary one."""
    chosen = {str(person_id) for person_id in cast("list[Any]", arguments.get("contact_persons") or [])}
    mailed = [
        person
        for person in people
        if (str(person.get("contact_person_id")) in chosen if chosen else person.get("is_primary_contact"))
    ]
    return tuple(str(person["email"]) for person in mailed if person.get("email"))


def addresses_given(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The e-mail addresses that a change gives to contact persons: in a list of them, or to a single one."""
    people = records_in(arguments.get("contact_persons"))
    found = [arguments, *people]
    return tuple(str(part["email"]) for part in found if part.get("email"))


def addresses_of(customer: Mapping[str, Any]) -> tuple[str, ...]:
    """The e-mail addresses on a customer's record."""
    return addresses_given(customer)


def same_address(address: object) -> str:
    """The address in the form used for comparison: only ASCII letters in lower case.

    Full case folding would equate the long s with s, and ß with ss.
    """
    return str(address or "").strip().translate(_LOWER)


def amount(operation: Operation, arguments: Mapping[str, Any], record: Mapping[str, Any]) -> Decimal | None:
    """The amount of a call in the record's currency: the larger of those in the arguments and the record.

    A payment or refund counts with its own amount, by default the record's balance.
    """
    requested = _requested_amount(operation, arguments)
    own = next((_decimal(record[name]) for name in _OWN_AMOUNTS if record.get(name) not in (None, "")), None)
    if _moves_money(operation):
        return requested if requested is not None else _decimal(record.get("balance"))
    return max((value for value in (requested, own) if value is not None), default=None)


def told_by_arguments(operation: Operation, arguments: Mapping[str, Any], catalog: Catalog) -> bool:
    """Whether the amount of a call depends only on its arguments, not on an existing record."""
    alone = subject(operation, catalog) is None or (_moves_money(operation) and "amount" in arguments)
    return alone and _requested_amount(operation, arguments) is not None


def in_own_currency(value: Decimal | None, record: Mapping[str, Any], arguments: Mapping[str, Any]) -> Decimal | None:
    """An amount converted to the organisation's currency by the record's exchange rate."""
    if value is None:
        return None
    if arguments.get("currency_id", record.get("currency_id")) != record.get("currency_id"):
        return UNKNOWN_AMOUNT
    rate = _decimal(record.get("exchange_rate"))
    return value * rate if rate.is_finite() and rate > 0 else UNKNOWN_AMOUNT


def with_facts(facts: Facts, **found: Any) -> Facts:
    """The facts with further ones that were looked up."""
    names = {"outsiders": "recipients"}
    return replace(facts, **found, unknown=facts.unknown - {names.get(name, name) for name in found})


def _moves_money(operation: Operation) -> bool:
    """Whether a call adds its own amount to a record: a payment, a refund."""
    return operation.http.method == "POST" and "amount" in operation.input.get("properties", {})


def _requested_amount(operation: Operation, arguments: Mapping[str, Any]) -> Decimal | None:
    """The amount in the arguments: given directly, or of the lines before tax and discount."""
    if operation.effect == "read":
        return None
    if arguments.get("amount") is not None:
        return _decimal(arguments["amount"])
    if not arguments.get("line_items"):
        return None
    lines = cast("list[dict[str, Any]]", arguments["line_items"])
    extras = (max(_decimal(arguments.get(name, 0)), Decimal()) for name in ("shipping_charge", "adjustment"))
    return sum((_line(line) for line in lines), sum(extras, Decimal()))


def _line(line: Mapping[str, Any]) -> Decimal:
    # Without a rate, the price comes from the item, which is not read here.
    rate, quantity = _decimal(line.get("rate")), _decimal(line.get("quantity", 1))
    return rate * quantity if rate.is_finite() and quantity.is_finite() else UNKNOWN_AMOUNT


def _decimal(value: object) -> Decimal:
    found = decimal(value)
    return UNKNOWN_AMOUNT if found is None else found
