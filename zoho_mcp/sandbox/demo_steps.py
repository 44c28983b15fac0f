"""How the demo's books are written: handler by handler, as if each step had come over HTTP on its day."""

from collections.abc import Callable
from dataclasses import replace

from zoho_mcp.sandbox.routing import Call, Reply
from zoho_mcp.sandbox.wire import Record, as_record


def run(at: Call, handler: Callable[[Call], Reply], body: Record) -> Reply:
    """What the handler answers to a body."""
    return handler(replace(at, body=body))


def shown(reply: Reply, key: str) -> Record:
    """The record in an answer."""
    found = as_record(reply.keys[key])
    if found is None:
        raise TypeError(key)
    return found
