"""Builds requests from operations and their arguments. Pure: no I/O, settings or clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast
from urllib.parse import parse_qsl, quote

from zoho_mcp.errors import ArgumentsError
from zoho_mcp.specs.model import Operation
from zoho_mcp.specs.schema import Json
from zoho_mcp.text import fill, placeholders

ANY_FILE = "*/*"
"""The value of `Request.accept` for a file of any type."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send as multipart form data."""

    field: str
    file_name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A request, relative to the product's base path and without credentials."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Json | None = None
    accept: str = "application/json"
    scope: str = ""
    """The required scope without the product's prefix, for the message if Zoho refuses."""
    upload: Upload | None = None
    record_in: str = ""
    """The envelope's key for the record; empty if there is none."""
    rows_in: str = ""
    """The envelope's key for the rows; empty if there are none."""
    account: bool = False
    """Whether the request concerns the whole account, not the books of one organisation."""
    organization_id: str = ""
    """The organisation; empty: the only one configured."""
    route: str = ""
    """The path as in the catalog, with placeholders for ids, for logs and traces. Empty: unknown."""

    @property
    def changes(self) -> bool:
        """Whether the request may change something at Zoho."""
        return self.method != "GET"


ORGANIZATIONS = Request("GET", "/organizations", scope="settings.READ", account=True, route="/organizations")
"""Lists the account's organisations: works before one is configured."""


def build(operation: Operation, arguments: Mapping[str, Any]) -> Request:
    """Build the request for checked arguments.

    Arguments named in the path fill its placeholders. The others go into the query of a GET or DELETE, or into the JSON
    body of a POST or PUT, except those in `http.query` and `http.headers`. Those in `view` only shape the result and
    are not sent; the caller adds the content of an upload.

    Raises ArgumentsError if a value for the path is not an id, so that no value can reach another endpoint.
    """
    http = operation.http
    path, _, constant = http.path.partition("?")
    placeholder_names = placeholders(path)
    given = operation.emptied(arguments) if http.method in ("POST", "PUT") else arguments
    own_names = {*operation.view, "file_path"} if http.file else operation.view
    rest = {name: value for name, value in given.items() if name not in placeholder_names and name not in own_names}
    headers = tuple((http.headers[name], _text(rest.pop(name))) for name in http.headers if name in rest)
    in_query = http.query if http.method in ("POST", "PUT") else tuple(rest)
    if http.number in rest:
        rest["ignore_auto_number_generation"] = True
    query = (
        *parse_qsl(constant),
        *((http.renames.get(name, name), _text(rest.pop(name))) for name in in_query if name in rest),
    )
    if http.method in ("POST", "PUT"):
        rest = _renamed(_with_discounts(operation, rest), http.renames)
    return Request(
        method=http.method,
        path=fill(path, lambda name: _segment(operation, name, arguments)),
        route=path,
        query=query,
        headers=headers,
        body=json_numbers(rest) if http.method in ("POST", "PUT") and rest else None,
        accept=operation.answer.file.media_type if operation.answer.file else "application/json",
        scope=operation.scope,
        account=http.account,
        record_in="" if operation.answer.columns or operation.answer.file else operation.answer.key,
        rows_in=operation.answer.key if operation.answer.columns else "",
    )


def _with_discounts(operation: Operation, body: Json) -> Json:
    """Add `discount_type`: Zoho applies discounts at one level only, by default the document's."""
    if not operation.has_discounts:
        return body
    result = operation.discount_level(body) | body
    if "discount" in result:
        result["discount"] = _amount(result["discount"])
    if isinstance(lines := result.get("line_items"), list):
        result["line_items"] = [_discounted(line) for line in cast("list[Json]", lines)]
    return result


def _discounted(line: Json) -> Json:
    return {**line, "discount": _amount(line["discount"])} if "discount" in line else line


def _amount(discount: Any) -> Any:
    """An amount as a number; a percentage stays text."""
    return Decimal(discount) if isinstance(discount, str) and not discount.endswith("%") else discount


def _renamed(value: Any, renames: Mapping[str, str], path: str = "") -> Any:
    """The body with Zoho's names. `renames` has argument paths such as `invoices[].note_id` as keys."""
    if not renames:
        return value
    if isinstance(value, list):
        return [_renamed(part, renames, path + "[]") for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    named = ((f"{path}.{name}" if path else name, name, part) for name, part in cast(Json, value).items())
    return {renames.get(where, name): _renamed(part, renames, where) for where, name, part in named}


def json_numbers(value: Any) -> Any:
    """Replace every Decimal in a JSON value by a number with the same digits, or by text if no float has them."""
    if isinstance(value, Decimal):
        near = float(value)
        number = int(value) if near.is_integer() else near
        # A float preserves any 15 digits; longer numbers are compared.
        return number if len(str(value)) <= 16 or Decimal(repr(number)) == value else str(value)
    if isinstance(value, list):
        return [json_numbers(part) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: json_numbers(part) for key, part in cast("dict[str, Any]", value).items()}
    return value


def _segment(operation: Operation, name: str, arguments: Mapping[str, Any]) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not (value.isascii() and value.isdigit()):
        raise ArgumentsError(operation.name, [f"{name} must be a Zoho id, digits only."])
    return quote(value, safe="")


def _text(value: Any) -> str:
    """A value in Zoho's format for queries and headers: lists joined by commas, booleans in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(_text(part) for part in value)  # pyright: ignore[reportUnknownVariableType] # JSON
    return json.dumps(value) if isinstance(value, float) else str(value)
