"""`policy`: shows the policy in words, and what it says about a call. Sends nothing to Zoho."""

import argparse
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from zoho_mcp.cli import console
from zoho_mcp.errors import SettingsError
from zoho_mcp.policy.explain import explained, sentences
from zoho_mcp.policy.facts import amount, at_hand, outsiders, told_by_arguments, with_facts
from zoho_mcp.policy.load import load_policy, shipped_text
from zoho_mcp.policy.rules import Facts, Policy
from zoho_mcp.settings import Settings
from zoho_mcp.settings.profiles import settings_for
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.specs.schema import Json
from zoho_mcp.text import did_you_mean

_COLOURS = {"allowed": "green", "needs approval": "yellow", "refused": "red"}
_RECORD = "record."
_ABOUT_RECORD = ("status", "total", "amount", "balance", "contact_persons")


def add_options(command: argparse.ArgumentParser) -> None:
    """`policy`, `policy test TOOL KEY=VALUE…`, `policy shipped`."""
    command.set_defaults(run=show_policy)
    command.description = "Show what is allowed, what needs your approval and what is refused. Sends nothing to Zoho."
    more = command.add_subparsers(metavar="COMMAND")
    test = more.add_parser("test", help="show what would happen to a call, and which rule decides")
    test.set_defaults(run=test_call)
    test.add_argument("tool", metavar="TOOL", help="the tool, such as void_invoice")
    test.add_argument("given", nargs="*", metavar="KEY=VALUE", help="an argument of the call, record.status=…, "
                      "record.total=…, record.contact_persons=…, principal=…, organization=…")  # fmt: skip
    more.add_parser("shipped", help="print the default policy file, as a start for your own").set_defaults(
        run=print_shipped
    )


def show_policy(options: argparse.Namespace) -> int:
    """Print the policy in force. Raises SettingsError when its file is wrong."""
    settings, catalog = _settings(options)
    policy = policy_in_force(settings, catalog)
    console.line(f"From {policy.source}.")
    if not settings.policy_file and settings.users_policy_file:
        console.line(f"(Your own would be {settings.users_policy_file}, or the file in ZOHO_POLICY_FILE.)", "dim")
    console.line()
    for sentence in sentences(policy):
        console.line(sentence, colours=_COLOURS)
    return 0


def print_shipped(options: argparse.Namespace) -> int:
    """Print the shipped policy file."""
    for text in shipped_text().splitlines():
        console.verbatim(text)
    return 0


def test_call(options: argparse.Namespace) -> int:
    """Print what would happen to a call with `key=value` arguments, and which rule decides."""
    settings, catalog = _settings(options)
    operation, facts = call_facts(options.tool, options.given, settings, catalog)
    for sentence in explained(policy_in_force(settings, catalog), operation, facts):
        console.line(sentence, colours=_COLOURS)
    return 0


def call_facts(tool: str, given: Sequence[str], settings: Settings, catalog: Catalog) -> tuple[Operation, Facts]:
    """The tool, and the facts of a call with `key=value` arguments. Raises SettingsError."""
    operation = catalog.operations.get(tool)
    if operation is None:
        raise SettingsError(f"Unknown tool {tool}.", did_you_mean(tool, catalog.operations) or "See `tools`.")
    arguments, record, caller = _sorted(operation, given)
    organization = caller.get("organization", settings.organization_id)
    facts = at_hand(operation, arguments, catalog, organization, caller.get("principal"))
    return operation, _with_record(operation, arguments, record, facts, catalog)


def policy_in_force(settings: Settings, catalog: Catalog) -> Policy:
    """The policy of these settings. Raises SettingsError when its file is wrong."""
    return load_policy(
        catalog, file=settings.policy_file, users_file=settings.users_policy_file, confirm=settings.confirm
    )


def _settings(options: argparse.Namespace) -> tuple[Settings, Catalog]:
    settings = settings_for(options.environment, account=False)
    return settings, load(settings.product, settings.edition)


def _sorted(operation: Operation, given: Sequence[str]) -> tuple[Json, Mapping[str, str], Mapping[str, str]]:
    """Arguments of the call, facts of its record, and who calls."""
    arguments: Json = {}
    record: dict[str, str] = {}
    caller: dict[str, str] = {}
    known: Json = operation.input.get("properties", {})
    for text in given:
        key, sign, value = text.partition("=")
        if not sign:
            raise SettingsError(f"{text} must have the form key=value.")
        if key.startswith(_RECORD) and key.removeprefix(_RECORD) in _ABOUT_RECORD:
            record[key.removeprefix(_RECORD)] = value
        elif key in known:
            arguments[key] = _value(value, known[key])
        elif key in ("principal", "organization"):
            caller[key] = value
        else:
            about = ", ".join(_RECORD + name for name in _ABOUT_RECORD)
            raise SettingsError(
                f"{operation.name} has no argument {key}.",
                f"It has {', '.join(known) or 'none'}; facts are {about}, principal, organization.",
            )
    return arguments, record, caller


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    """A value as its schema wants it; lists may be written with commas."""
    if schema.get("type") == "string":
        return text
    try:
        value: Any = json.loads(text, parse_float=Decimal)
    except ValueError:
        value = text
    if schema.get("type") == "array" and not isinstance(value, list):
        return text.split(",")
    return cast(Any, value)


def _with_record(
    operation: Operation, arguments: Json, record: Mapping[str, str], facts: Facts, catalog: Catalog
) -> Facts:
    """The facts with those that were given; amounts count as the organisation's currency."""
    if "status" in record:
        facts = with_facts(facts, status=record["status"])
    figures = {name: _figure(name, record[name]) for name in ("total", "amount", "balance") if name in record}
    if figures or told_by_arguments(operation, arguments, catalog):
        facts = with_facts(facts, amount=amount(operation, arguments, figures))
    if "contact_persons" in record:
        people = [{"email": address} for address in record["contact_persons"].split(",")]
        facts = with_facts(facts, outsiders=outsiders(arguments, {"contact_persons": people}))
    return facts


def _figure(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise SettingsError(f"{_RECORD}{name} must be a number, not {text}.") from None
