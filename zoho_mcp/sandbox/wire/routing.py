"""Routes, and the requests and replies of handlers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from zoho_mcp.sandbox.store import Books
from zoho_mcp.sandbox.times import stamp
from zoho_mcp.sandbox.wire.errors import ZohoError, invalid_url, invalid_value
from zoho_mcp.sandbox.wire.forms import Upload
from zoho_mcp.sandbox.wire.json_wire import Record

BOTH = ("invoice", "books")


@dataclass(frozen=True)
class Request:
    """One request, after authentication: everything a handler may know."""

    books: Books
    organization: Record
    now: datetime  # in the organisation's time zone
    product: str = "invoice"
    path: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])  # names in lower case
    body: Record = field(default_factory=dict[str, object])
    files: Mapping[str, Upload] = field(default_factory=dict[str, Upload])

    @property
    def today(self) -> str:
        """The organisation's date."""
        return self.now.date().isoformat()

    @property
    def stamp(self) -> str:
        """The organisation's time, as Zoho writes it."""
        return stamp(self.now)

    def wants(self, name: str) -> bool:
        """Whether a query parameter is true."""
        return self.query.get(name, "").lower() == "true"

    def ids(self, name: str, most: int | None = None) -> list[str]:
        """The ids in a query parameter, at least one. Raises ZohoError, whose code is unverified."""
        wanted = [part.strip() for part in self.query.get(name, "").split(",") if part.strip()]
        if not wanted or (most is not None and len(wanted) > most):
            raise invalid_value(name)
        return wanted


@dataclass(frozen=True)
class Reply:
    """A successful response: the envelope's message and keys, or a file."""

    message: str = "success"
    keys: Mapping[str, object] = field(default_factory=dict[str, object])
    status: int = 200
    location: str = ""
    content: bytes | None = None
    content_type: str = ""
    file_name: str = ""


def created(message: str, location: str, **keys: object) -> Reply:
    """201, with the Location that Zoho sends (its old base path, whatever the product)."""
    return Reply(message, keys, 201, f"/api/v3{location}")


def done(message: str = "success", **keys: object) -> Reply:
    """200, with these keys."""
    return Reply(message, keys)


@dataclass(frozen=True)
class Route:
    """One row of a module's table.

    In `pattern`, {name} stands for one id: digits and nothing else. `keys` names the shape of the response in the key
    tables, "invoices.one"; without it the response has a code and a message only.
    """

    method: str
    pattern: str
    scope: str
    handler: Callable[[Request], Reply]
    keys: str = ""
    products: tuple[str, ...] = BOTH
    needs_organization: bool = True


Found: TypeAlias = tuple[Route, dict[str, str]]


class RouteTable:
    """All routes of the app."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, route.pattern.strip("/").split("/")) for route in routes]

    def find(self, product: str, method: str, segments: list[str]) -> Found:
        """The route and the ids in its path. Raises ZohoError if there is none."""
        matches = [
            (sum(not part.startswith("{") for part in pattern), route, ids)
            for route, pattern in self._routes
            if product in route.products and (ids := _ids(pattern, segments)) is not None
        ]
        if not matches:
            raise invalid_url()
        allowed = [match for match in matches if match[1].method == method]
        if not allowed:
            # Unverified; reported by third parties.
            raise ZohoError(37, "The HTTP method is not allowed for the requested resource", 405)
        # A literal part takes precedence over an id.
        _, route, ids = max(allowed, key=lambda match: match[0])
        return route, ids


def _ids(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    ids: dict[str, str] = {}
    for part, segment in zip(pattern, segments, strict=True):
        if part.startswith("{"):
            if not (segment.isascii() and segment.isdigit()):
                return None
            ids[part[1:-1]] = segment
        elif part != segment:
            return None
    return ids
