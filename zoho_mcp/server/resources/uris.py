"""The URIs of resources. Each kind of resource has one read operation of the catalog."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from zoho_mcp.server.context import SCHEME, ServerContext
from zoho_mcp.text import fill
from zoho_mcp.zoho.client import ORGANIZATION

JSON = "application/json"
LASTING = 300_000
"""Milliseconds for which a client may cache a resource that hardly ever changes."""
MOST_IDS = 25
"""Ids in the address of a file: the invoices that Zoho puts into one PDF."""


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A kind of resource. `template` may have `{argument}` for arguments of the operation, or `{?page}` at its end."""

    template: str
    operation: str
    title: str
    description: str
    media_type: str = JSON


KINDS = (
    ResourceKind(f"{SCHEME}organization", "list_organizations", "Organisation",
            "Name, currency, time zone and language of the business"),
    ResourceKind(f"{SCHEME}customers", "list_customers", "Customers", "Customers with what they owe, the newest 200"),
    ResourceKind(f"{SCHEME}customers{{?page}}", "list_customers", "Customers, page by page", "200 customers a page"),
    ResourceKind(f"{SCHEME}customers/{{customer_id}}", "get_customer", "Customer",
            "One customer: people, address, terms, what is owed"),
    ResourceKind(f"{SCHEME}customers/{{customer_id}}/statement", "get_customer", "Statement",
            "What one customer owes: open invoices, payments, credits, balance, added up exactly"),
    ResourceKind(f"{SCHEME}invoices", "list_invoices", "Invoices", "Invoices with status and balance, the newest 200"),
    ResourceKind(f"{SCHEME}invoices{{?page}}", "list_invoices", "Invoices, page by page", "200 invoices a page"),
    ResourceKind(f"{SCHEME}invoices/{{invoice_id}}", "get_invoice", "Invoice",
                 "One invoice: lines, taxes, totals, balance"),
)  # fmt: skip
CHANGES = ResourceKind(f"{SCHEME}changes", "list_changes", "Changes of today",
                       "What was changed, declined or refused through this server today")  # fmt: skip
STATEMENT = next(address for address in KINDS if address.template.endswith("/statement"))
_NEEDED: Mapping[str, tuple[str, ...]] = {
    # It shows callers only their own calls and records that they may read, so it needs no tool.
    CHANGES.template: (),
    STATEMENT.template: ("get_customer", "list_invoices", "list_payments", "list_credit_notes"),
}


def needed(address: ResourceKind) -> tuple[str, ...]:
    """The operations that a resource of this kind reads."""
    return _NEEDED.get(address.template, (address.operation,))


def kinds(app: ServerContext) -> Iterator[ResourceKind]:
    """All kinds: those above, and the files of the catalog."""
    yield from (*KINDS, CHANGES)
    for operation in app.catalog.operations.values():
        if file := operation.answer.file:
            yield ResourceKind(f"{SCHEME}{file.at}", operation.name, file.title, operation.description, file.media_type)


def expanded(template: str, arguments: Mapping[str, Any]) -> str:
    """A template such as `invoices/{invoice_id}/pdf` or `invoices/pdf{?invoice_ids}` with its arguments filled in."""
    plain, _, name = template.removesuffix("}").partition("{?")
    path = fill(plain if name else template, lambda argument: str(arguments[argument]))
    return f"{path}?{name}={','.join(arguments[name])}" if name else path


def readable(app: ServerContext) -> Iterator[ResourceKind]:
    """The kinds whose operations are offered: tools that are switched off are not resources either."""
    return (address for address in kinds(app) if all(name in app.offered for name in needed(address)))


def template(app: ServerContext, address: ResourceKind) -> str:
    """The template of a kind; with several organisations it names the organisation."""
    if len(app.api.client.organizations) < 2:
        return address.template
    rest = address.template.removeprefix(SCHEME)
    return f"{SCHEME}organizations/{{{ORGANIZATION}}}" + ("" if rest == "organization" else f"/{rest}")


def match(app: ServerContext, uri: str) -> tuple[ResourceKind, dict[str, str]] | None:
    """The kind and arguments of an address; None if the caller has no such resource."""
    found = meaning(app, uri)
    if found is None or found[0] not in readable(app):
        return None
    return found if found[1].get(ORGANIZATION) in (None, *app.api.organizations) else None


def meaning(app: ServerContext, uri: str) -> tuple[ResourceKind, dict[str, str]] | None:
    """The kind and arguments of an address, whether or not the caller may read it; None for another address."""
    for address in kinds(app):
        if found := _pattern(template(app, address)).fullmatch(uri):
            return address, found.groupdict()
    return None


@lru_cache(maxsize=64)
def _pattern(template: str) -> re.Pattern[str]:
    """The pattern of the addresses of a template; arguments are digits."""
    plain = re.sub(r"{(\w+)}", r"(?P<\1>[0-9]{1,30})", template)
    plain = plain.replace("{?page}", r"\?page=(?P<page>[1-9][0-9]{0,6})")
    return re.compile(
        re.sub(r"{\?(\w+)}", rf"\\?\1=(?P<\1>[0-9]{{1,30}}(?:,[0-9]{{1,30}}){{0,{MOST_IDS - 1}}})", plain)
    )
