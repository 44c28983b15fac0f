"""What owners ask for, in their words: done with these calls and no more, one request after the other."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Zoho, call

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
REQUESTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "cases" / "owner_requests.json").read_text(encoding="utf-8")
)


async def test_each_request_is_done_with_its_calls(zoho: Zoho) -> None:
    kept: dict[str, Any] = {}
    async with zoho.client() as client:
        for request in REQUESTS:
            result: dict[str, Any] = {}
            for step in request["calls"]:
                text = json.dumps(step["arguments"])
                for name in sorted(kept, key=len, reverse=True):
                    text = text.replace(f'"${name}"', json.dumps(kept[name]))
                result = await call(client, step["tool"], **json.loads(text))
                kept |= {name: found(result, path) for name, path in step.get("keep", {}).items()}
            actual = {path: found(result, path) for path in request["expect"]}
            assert actual == request["expect"], request["words"]


def found(result: Any, path: str) -> Any:
    value: Any = result
    for step in path.split("."):
        value = value[int(step) if isinstance(value, list) else step]
    return value
