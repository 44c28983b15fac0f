"""The keys of each response, read from the tables in `sandbox/keys/` and laid over what a handler returns.

A table holds one file per kind of record, in `keys/recorded/` (seen in responses of real organisations) or in
`keys/documented/` (seen in Zoho's documentation only). A file maps a shape, such as "list", to a specimen response:
every key, with the value it has in a small organisation when nobody entered anything. In a specimen
  - `["tax"]` is a list of the part of that name in `keys/documented/parts.json`, `{"$part": "tax"}` one of them,
  - `"total?"` is a key that is sent only when the handler gives it,
  - `"$extends": "saved"` adds keys to the shape "saved",
  - a shape "list@books" adds keys to "list" for that product.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, cast

from zoho_mcp.sandbox.wire.json_wire import Record

GRADES = ("recorded", "documented")


@cache
def table(grade: str, kind: str) -> Record:
    """All shapes of a kind of record in one grade; {} when there are none."""
    path = files("zoho_mcp.sandbox") / "keys" / grade / f"{kind}.json"
    return cast("Record", json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


@cache
def specimen(name: str, product: str) -> Record:
    """The specimen of a shape, "invoices.list", as that product sends it. Raises KeyError if no table has it."""
    kind, _, shape = name.partition(".")
    for grade in GRADES:
        shapes = table(grade, kind)
        if shape in shapes:
            return _resolved(_of_product(shapes, shape, product))
    raise KeyError(name)


def shape(name: str, product: str, values: Record) -> Record:
    """The part of `values` that is sent: exactly the keys of the shape, in its order.

    Raises KeyError for a top-level key that the shape does not have: a handler and its table contradict each other.
    """
    model = specimen(name, product)
    unknown = values.keys() - {key.removesuffix("?") for key in model}
    if unknown:
        raise KeyError(f"{name} has no {', '.join(sorted(unknown))}")
    return _filled(model, values)


def _filled(model: Any, value: Any) -> Any:
    if value is None:
        return model
    if isinstance(model, dict) and model:
        return dict(_pairs(cast("Record", model), cast("Record", value)))
    if isinstance(model, list) and model:
        return [_filled(cast("list[Any]", model)[0], part) for part in value]
    return value


def _pairs(model: Record, values: Record) -> Iterator[tuple[str, Any]]:
    for key, default in model.items():
        name = key.removesuffix("?")
        if name in values:
            yield name, _filled(default, values[name])
        elif name == key:
            # An empty organisation has no lines, taxes or people: the elements of a list are a model only.
            yield name, [] if isinstance(default, list) else _filled(default, {} if isinstance(default, dict) else None)


def _of_product(shapes: Record, name: str, product: str) -> Any:
    own = cast("Record", shapes[name])
    if "$extends" in own:
        base = _of_product(shapes, own["$extends"], product)
        own = _merged(base, {key: value for key, value in own.items() if key != "$extends"})
    return _merged(own, shapes.get(f"{name}@{product}", {}))


def _resolved(model: object) -> Any:
    parts = table("documented", "parts")
    if isinstance(model, dict):
        fields = cast("Record", model)
        return parts[fields["$part"]] if "$part" in fields else {key: _resolved(fields[key]) for key in fields}
    if isinstance(model, list):
        return [_resolved(parts[part] if isinstance(part, str) else part) for part in cast("list[Any]", model)]
    return model


def _merged(model: Any, more: Any) -> Any:
    if isinstance(model, dict) and isinstance(more, dict):
        own, others = cast("Record", model), cast("Record", more)
        return own | {key: _merged(own[key], value) if key in own else value for key, value in others.items()}
    if isinstance(model, list) and isinstance(more, list) and model and more:
        return [_merged(cast("list[Any]", model)[0], cast("list[Any]", more)[0])]
    return cast("Any", more)
