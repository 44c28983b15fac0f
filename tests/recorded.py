"""The recordings of real organisations, as a filter: what of an envelope was ever seen on its route."""

import json
import re
from pathlib import Path
from typing import Any, cast

Json = dict[str, Any]
RECORDINGS: Json = json.loads((Path(__file__).parent / "recordings" / "responses.json").read_text(encoding="utf-8"))
ROUTES: dict[str, Json] = RECORDINGS["routes"]


def keys_of(method: str, path: str) -> dict[str, Any]:
    """Key to what was recorded inside it ({} where nothing is known of that), of both products; {} without any."""
    route = f"{method} {re.sub(r'/[0-9]+', '/{id}', path)} "
    known: dict[str, Any] = {}
    for name, recording in ROUTES.items():
        if name.startswith(route):
            for key, inside in recording["keys"].items():
                _note(known, [key], inside)
            for where, inside in recording.get("nested", {}).items():
                _note(known, where.replace("[]", "").split("."), inside)
    return known


def only_recorded(method: str, path: str, envelope: Json) -> Json:
    """The envelope without the keys that no recording of its route has; whole where none was recorded."""
    known = keys_of(method, path)
    return _kept(envelope, known | {"code": {}, "message": {}}) if known else envelope


def _note(known: dict[str, Any], path: list[str], inside: Any) -> None:
    for name in path:
        known = known.setdefault(name, {})
    if isinstance(inside, dict):
        for name in cast(Json, inside):
            known.setdefault(name, {})


def _kept(value: Any, known: dict[str, Any]) -> Any:
    if not known:
        return value
    if isinstance(value, list):
        return [_kept(part, known) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _kept(part, known[key]) for key, part in cast(Json, value).items() if key in known}
    return value
