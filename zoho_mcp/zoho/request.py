"""From an operation and its arguments to the request, purely: no I/O, no settings, no clock."""

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
"""For `Request.accept`: a file of whatever type."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes out as multipart form data."""

    field: str
    file_name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What will be sent, below the product's base path and without credentials."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Json | None = None
    accept: str = "application/json"
    scope: str = ""
    """The scope it needs, without the product's prefix; for the message when Zoho refuses."""
    upload: Upload | None = None
    record_in: str = ""
    """The answer's key that holds a record, where there is one."""
    rows_in: str = ""
    """The answer's key that holds rows, where there are any."""
    account: bool = False
    """Whether it is about the whole account, not about the books of one organisation."""
    organization_id: str = ""
    """Whose books it is about; empty: the one organisation that is set."""
    route: str = ""
    """The path as the catalog has it, with places for ids: what may be shown of it. Empty: nothing may."""

    @property
    def changes(self) -> bool:
        """Whether Zoho may change something when it gets this request."""
        return self.method != "GET"


ORGANIZATIONS = Request("GET", "/organizations", scope="settings.READ", account=True, route="/organizations")
"""The organisations of the account: the request that works before one is set."""


def build(operation: Operation, arguments: Mapping[str, Any]) -> Request:
    """The request for checked arguments.

    An argument named in the path fills its place; of a GET or DELETE the others go into the query; of a POST or PUT
    they go into the JSON body, except those in `http.query` and `http.headers`. Those in `view` are about the answer
    and go nowhere; the caller that reads a file adds it. Raises ArgumentsError when a value for the path is not an id:
    no value may reach another endpoint.
    """
    http = operation.http
    path, _, constant = http.path.partition("?")
    places = placeholders(path)
    given = operation.emptied(arguments) if http.method in ("POST", "PUT") else arguments
    ours = {*operation.view, "file_path"} if http.file else operation.view
    rest = {name: value for name, value in given.items() if name not in places and name not in ours}
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
    """Zoho counts discounts of one level only, by default the document's: the level follows from where they are."""
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
    """The body in Zoho's words; `renames` has the path of an argument."""
    if not renames:
        return value
    if isinstance(value, list):
        return [_renamed(part, renames, path + "[]") for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    named = ((f"{path}.{name}" if path else name, name, part) for name, part in cast(Json, value).items())
    return {renames.get(where, name): _renamed(part, renames, where) for where, name, part in named}


def json_numbers(value: Any) -> Any:
    """JSON values with every Decimal as a number of the same digits, or as text where a float could not hold them."""
    if isinstance(value, Decimal):
        near = float(value)
        number = int(value) if near.is_integer() else near
        # A float gives any 15 digits back as they were; of more, it has to be seen.
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
    """A value as Zoho reads it in a query or header: lists joined by commas, booleans in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(_text(part) for part in value)  # pyright: ignore[reportUnknownVariableType] # JSON
    return json.dumps(value) if isinstance(value, float) else str(value)
