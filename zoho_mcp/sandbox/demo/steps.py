"""How the demo's books are written: through the handlers, as if each step had come over HTTP on its day."""

from collections.abc import Callable
from dataclasses import replace

from zoho_mcp.sandbox.wire.json_wire import Record, as_record
from zoho_mcp.sandbox.wire.routing import Reply, Request


def run(at: Request, handler: Callable[[Request], Reply], body: Record) -> Reply:
    """The reply of a handler to a body."""
    return handler(replace(at, body=body))


def shown(reply: Reply, key: str) -> Record:
    """The record in a reply."""
    found = as_record(reply.keys[key])
    if found is None:
        raise TypeError(key)
    return found
