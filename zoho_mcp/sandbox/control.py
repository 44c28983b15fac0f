"""The sandbox's own control path, /sandbox/faults, for programs that test against it. Zoho has no such path."""

from collections import Counter
from datetime import timedelta
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zoho_mcp.sandbox.limits import Limits


async def handle_control(request: Request) -> Response:
    """GET shows rules, hits and the number of responses per code; POST adds; DELETE clears."""
    state = request.app.state
    if request.method == "DELETE":
        state.faults.clear()
    elif request.method == "POST":
        try:
            _set(state, await request.json())
        except (ValueError, TypeError, AttributeError) as problem:
            return JSONResponse({"error": str(problem)}, 400)
    codes = Counter(str(logged.code) for logged in state.request_log if not logged.path.startswith("/oauth"))
    tokens = sum(logged.path == "/oauth/v2/token" for logged in state.request_log)
    rules = [str(rule) for rule in state.faults.rules if rule.left != 0]
    return JSONResponse({"rules": rules, "hits": state.faults.hits, "codes": codes, "token_requests": tokens})


def _set(state: Any, wanted: dict[str, Any]) -> None:
    """`{"rules": [...], "skew": seconds, "limits": [per minute, per day, at once, beyond]}`, each if it is there."""
    state.faults.add(*cast("list[str]", wanted.get("rules", [])))
    if "skew" in wanted:
        state.faults.skew = timedelta(seconds=float(wanted["skew"]))
    if "limits" in wanted:
        state.meter.limits = Limits(*(int(number) for number in wanted["limits"]))
