"""The sandbox's routes, for authors of entries. `.venv/bin/python tests/routes.py` lists those that no tool uses."""

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from zoho_mcp.sandbox import kinds
from zoho_mcp.sandbox.app import MODULES
from zoho_mcp.sandbox.kinds.documents.kind import DocumentKind
from zoho_mcp.sandbox.kinds.record_kind import PERMISSIONS, RecordKind, Router
from zoho_mcp.sandbox.wire.errors import ZohoError
from zoho_mcp.sandbox.wire.routing import BOTH, Route, RouteTable
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Operation

ROOT = Path(__file__).resolve().parent.parent
TABLE = RouteTable(route for routes in MODULES for route in routes)
MESSAGE = "<Zoho's message>"


@dataclass(frozen=True)
class Missing:
    """Where a route is declared that the sandbox lacks, and how its file would do it."""

    file: str
    line: str


def route_of(operation: Operation, product: str) -> Route:
    """The route that an operation's requests take. Raises LookupError that says how to add it."""
    segments = re.sub(r"\{\w+\}", "1", operation.http.path.partition("?")[0]).strip("/").split("/")
    try:
        return TABLE.find(product, operation.http.method, segments)[0]
    except ZohoError:
        raise LookupError(advice(operation)) from None


def unused() -> list[Route]:
    """The routes that no tool uses, in the order of MODULES."""
    used: set[int] = set()
    for product in BOTH:
        for operation in load(product).operations.values():
            with suppress(LookupError):
                used.add(id(route_of(operation, product)))
    return [route for routes in MODULES for route in routes if id(route) not in used]


def advice(operation: Operation) -> str:
    """How to add the route that the sandbox lacks for an operation."""
    http = operation.http
    how = missing(operation.name, http.method, http.path)
    return (
        f"{operation.name}: the sandbox has no route {http.method} {http.path}. Add it in {how.file}:\n\n{how.line}\n\n"
        "A response with a record or rows names the shape of its keys: zoho_mcp/sandbox/keys/README.md."
    )


def missing(name: str, method: str, path: str) -> Missing:
    """How to declare a route for the operation `name`, in the table whose routes have most of its path in common."""
    path = path.partition("?")[0]
    tables = [(max(_common(route.pattern, path) for route in routes), routes) for routes in MODULES]
    common, routes = max(tables, key=lambda one: one[0])
    if not common:
        return Missing(
            "zoho_mcp/sandbox/kinds/", f"a module with a RecordKind of {path}, its router in MODULES of app.py"
        )
    module, table, owner = next(_owners(routes))
    other = next((route for route in routes if route.method == method and _alike(route.pattern, path)), None)
    if other is not None:
        return Missing(_file(module), f"{table}: {method} {other.pattern} has products={other.products}")
    if isinstance(owner, Router):
        return _on_router(name, method, path, module, table, owner)
    scope = f"{routes[0].scope.partition('.')[0]}.{PERMISSIONS[method]}"
    return Missing(_file(module), f'{table}: Route("{method}", "{path}", "{scope}", {name}, "<shape>")')


def _on_router(name: str, method: str, path: str, module: ModuleType, table: str, router: Router) -> Missing:
    kind = router.kind
    # Otherwise the router was made bare, and the kind's keys add no routes to it.
    is_declared = any(route.handler == kind.get_one for route in router.routes)
    record, _, tail = path.removeprefix(kind.path).strip("/").partition("/")
    tail = f"/{tail}" if tail else ""
    if not record.startswith("{"):
        tail = f"/{record}{tail}" if record else ""
        if is_declared and not tail and method == "POST":
            return _declared(kind, f'created="{MESSAGE}"')
        return Missing(_file(module), f'@{table}.on_all("{method}", "{tail}", "<shape>")\ndef {name}(request)')
    if is_declared and not tail and method in ("PUT", "DELETE"):
        return _declared(kind, f'{"updated" if method == "PUT" else "deleted"}="{MESSAGE}"')
    if is_declared and isinstance(kind, DocumentKind) and method == "POST" and tail.startswith("/status/"):
        status = tail.removeprefix("/status/")
        line = f'Transition("{tail}", "{status}", "{MESSAGE}", ("<a status that it changes>",))'
        return _declared(kind, f"transitions=(…, {line})")
    line = f'@{table}.on_one("{method}", "{tail}", "{MESSAGE}", "<shape>")\ndef {name}(request, record)'
    return Missing(_file(module), line)


def _declared(kind: RecordKind, line: str) -> Missing:
    module, name = next(
        (module, name) for module in _modules() for name, value in vars(module).items() if value is kind
    )
    return Missing(_file(module), f"{name}: {line}")


def _owners(routes: list[Route]) -> Iterator[tuple[ModuleType, str, Any]]:
    """The module with that table, and the table's name and value there."""
    for module in _modules():
        for name, value in vars(module).items():
            if value is routes or (isinstance(value, Router) and value.routes is routes):
                yield module, name, value


def _modules() -> list[ModuleType]:
    """The modules of the sandbox's kinds, those first that others import from."""
    return [module for name, module in sys.modules.items() if name.startswith(f"{kinds.__name__}.")]


def _file(module: ModuleType) -> str:
    return Path(cast(str, module.__file__)).relative_to(ROOT).as_posix()


def _segments(path: str) -> list[str]:
    return re.sub(r"\{\w+\}", "{}", path).strip("/").split("/")


def _alike(pattern: str, path: str) -> bool:
    return _segments(pattern) == _segments(path)


def _common(pattern: str, path: str) -> int:
    """How many segments two paths have in common from the start, whatever their ids are called."""
    pairs = zip(_segments(pattern), _segments(path), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


if __name__ == "__main__":
    for one in unused():
        print(one.method, one.pattern, "" if one.products == BOTH else f"({', '.join(one.products)})")
