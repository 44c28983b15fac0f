"""Between a server and the sandbox: changes what the sandbox sends, as data, before the server reads it."""

import json
import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import parse_qsl, urlencode

Json = dict[str, Any]
Change = Callable[[str, str, Json], Json]
"""From the method, the path below the product ("/invoices/12") and the envelope to another envelope."""


class Rewriting:
    """An ASGI app that passes each JSON envelope of the sandbox through `change`; its state is the sandbox's.

    Of a read's query, only the parameters in `query` arrive where it is given: all others are ignored.
    """

    def __init__(self, app: Any, change: Change, query: Collection[str] | None = None) -> None:
        self._app = app
        self._change = change
        self._query = query
        self.state = app.state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = re.sub(r"^/(invoice|books)/v3", "", scope["path"])
        started: list[Json] = []
        parts: list[bytes] = []

        async def rewrite(message: Json) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts)
            if path != scope["path"] and _is_json(started[0]):
                body = json.dumps(self._change(scope["method"], path, json.loads(body))).encode()
            headers = [(name, value) for name, value in started[0]["headers"] if name != b"content-length"]
            await send({**started[0], "headers": [*headers, (b"content-length", str(len(body)).encode())]})
            await send({"type": "http.response.body", "body": body})

        await self._app(self._ignoring(scope), receive, rewrite)

    def _ignoring(self, scope: Any) -> Any:
        if self._query is None or scope["method"] != "GET":
            return scope
        kept = [(name, value) for name, value in parse_qsl(scope["query_string"].decode()) if name in self._query]
        return {**scope, "query_string": urlencode(kept).encode()}


def _is_json(start: Json) -> bool:
    return start["status"] < 400 and dict(start["headers"]).get(b"content-type", b"").startswith(b"application/json")
