"""Loads tool_specs into a catalog for one product and edition. Errors name the file and the entry."""

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from zoho_mcp.errors import SpecError
from zoho_mcp.specs.entry import Toolset
from zoho_mcp.specs.lint import cross_check
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.specs.schema import Json, Schema


def specs_folder() -> Path:
    """The folder of the spec files: in the installed package, or beside it in a checkout."""
    packaged = Path(str(resources.files("zoho_mcp"))) / "tool_specs"
    return packaged if packaged.is_dir() else packaged.parent.parent / "tool_specs"


def load(product: str = "invoice", edition: str = "", folder: Path | None = None) -> Catalog:
    """The operations of `product` and `edition` (empty: without fields of single countries), cached per process.

    Raises SpecError naming the file and the entry.
    """
    return _load(product, edition, folder or specs_folder())


@cache
def _load(product: str, edition: str, folder: Path) -> Catalog:
    shared = _read(folder / "_shared.json")
    documents = {"_shared.json": shared}
    operations: dict[str, Operation] = {}
    toolsets: dict[str, str] = {}
    extra: dict[str, str] = {}
    for path, file, entries in _spec_files(folder):
        toolsets[file.toolset] = file.about
        if file.extra:
            extra[file.toolset] = file.ability
        for entry in entries:
            operation = _operation(path.name, file, entry, product, edition, documents)
            if operation.name in operations:
                raise SpecError(f"{path.name}: {operation.name} is defined twice.")
            operations[operation.name] = operation
    catalog = Catalog(
        operations=operations,
        toolsets=toolsets,
        extra=extra,
        product=product,
        edition=edition,
        hints=shared.get("hints", {}),
        synonyms=shared.get("synonyms", {}),
        verbatim=frozenset(shared.get("verbatim", ())),
    )
    problems = cross_check(catalog)
    if problems:
        raise SpecError("tool_specs contradict themselves:\n- " + "\n- ".join(problems))
    return catalog


def _spec_files(folder: Path) -> list[tuple[Path, Toolset, list[Json]]]:
    """Every toolset's file, what it says of the toolset, and its entries, in the order of tools/list."""
    paths = [path for path in folder.glob("*.json") if not path.name.startswith("_")]
    if not paths:
        raise SpecError(f"No tool specs in {folder}.", "Install the package again.")
    files = [(path, *_spec_file(path)) for path in paths]
    return sorted(files, key=lambda file: (file[1].order, file[0].stem))


def _read(path: Path) -> Json:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise SpecError(f"{path.name} cannot be read: {problem}.") from problem


def _spec_file(path: Path) -> tuple[Toolset, list[Json]]:
    """The toolset and the raw entries of a file. Entries are validated one by one so that errors name them."""
    content = _read(path)
    entries: list[Json] = content.pop("operations", [])
    try:
        toolset = Toolset.model_validate(content)
    except ValidationError as problem:
        raise SpecError(f"{path.name}: {_first(problem)}") from problem
    if toolset.toolset != path.stem:
        raise SpecError(f"{path.name}: the toolset is named like its file, not {toolset.toolset}.")
    return toolset, entries


def _operation(
    file_name: str, file: Toolset, entry: Json, product: str, edition: str, documents: dict[str, Json]
) -> Operation:
    name = entry.get("name", "an entry without name")
    entry = dict(entry)
    patch = entry.pop("books", None)
    if patch is not None and product == "books":
        entry = _merge_patch(entry, patch)
    try:
        hidden: dict[str, tuple[str, ...]] = {}
        Schema.model_validate(entry.get("input", {}))
        schema = _inline(entry.get("input", {}), documents)
        entry["input"] = _for_edition(schema, edition, "", hidden)
        if entry.get("http", {}).get("method") == "PUT" and "{" in entry["http"].get("path", ""):
            _without_defaults(entry["input"])
        entry["output"] = _inline(entry.get("output", {}), documents)
        _add_view(entry, documents["_shared.json"])
        _add_clear(entry)
        _add_after(entry)
        entry |= {"toolset": file.toolset, "renames": file.renames, "hidden": hidden}
        return Operation.model_validate(entry)
    except ValidationError as problem:
        raise SpecError(f"{file_name}: {name}: {_first(problem)}") from problem
    except KeyError as problem:
        raise SpecError(f"{file_name}: {name}: the reference {problem} leads nowhere.") from problem


def _add_view(entry: Json, shared: Json) -> None:
    """Add the fields shown of a record and, to reads, the arguments that request more of it."""
    answer: Json = {**entry.get("answer", {})}
    key, columns = answer.get("key", ""), answer.get("columns")
    if answer.get("file"):
        save: Json = {"type": "boolean", "description": "Also save it in the download folder"}
        entry["input"] = {**entry["input"], "properties": {**entry["input"].get("properties", {}), "save": save}}
        entry["view"] = ["save"]
    if key and not columns:
        answer.setdefault("fields", shared.get("fields", {}).get(key, []))
        answer.setdefault("state", shared.get("state", {}).get(key, []))
        entry["answer"] = answer
    if key and entry.get("effect") == "read" and not entry.get("handler"):
        arguments: Json = shared.get("view", {})
        properties: Json = entry["input"].get("properties", {})
        left_out = {"all_fields" if columns else "", "" if "page" in properties else "max_records"}
        added = {name: schema for name, schema in arguments.items() if name not in left_out}
        if more := answer.get("more"):
            added["fields"] = {**added["fields"], "description": f"More, e.g. {', '.join(more)}"}
        if "page" not in properties:
            # A list without pages shows nearly all fields, and a record has all_fields.
            added["fields"] = {**added["fields"], "x-unlisted": True}
        entry["input"] = {**entry["input"], "properties": properties | added}
        entry["view"] = list(added)


def _add_clear(entry: Json) -> None:
    """Add the argument `clear`, the only way to empty fields."""
    if fields := entry.get("clearable"):
        properties: Json = entry["input"].get("properties", {})
        shown = [field for field in fields if not properties.get(field.partition(".")[0], {}).get("x-unlisted")]
        clear = {"type": "array", "items": {"type": "string"}, "description": f"Fields to empty: {_named(shown)}"}
        entry["input"] = {**entry["input"], "properties": {**entry["input"].get("properties", {}), "clear": clear}}


def _named(fields: list[str]) -> str:
    """The fields as text, with the list named once: `line_items[0].tax_id, .unit`."""
    words: list[str] = []
    before = ""
    for field in fields:
        name, is_list, part = field.partition("[].")
        words.append(f".{part}" if is_list and name == before else field.replace("[]", "[0]"))
        before = name if is_list else ""
    return ", ".join(words)


def _add_after(entry: Json) -> None:
    """Follow a change whose response contains no record by a read of it."""
    read = entry.get("outcome", {}).get("read")
    if read and not entry.get("answer", {}).get("key"):
        entry["after"] = {"read": read, **entry.get("after", {})}


def _without_defaults(schema: Json) -> None:
    """Remove defaults from an update: fields that it does not name stay unchanged."""
    for part in schema.get("properties", {}).values():
        part.pop("x-default", None)
        if str(part.get("description", "")).startswith("Default"):
            part["description"] = "New value"


def _first(problem: ValidationError) -> str:
    details = problem.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in details["loc"])
    return f"{where}: {details['msg']}."


def _inline(schema: Any, documents: dict[str, Json]) -> Any:
    """Replace `{"$ref": "_shared.json#/$defs/x", …}` by its definition; keys beside `$ref` win."""
    if isinstance(schema, list):
        return [_inline(part, documents) for part in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    parts = cast(Json, schema)
    result = {key: _inline(value, documents) for key, value in parts.items() if key != "$ref"}
    if "enum" in result and isinstance(result["enum"], list):
        result.setdefault("type", "string")
    if "$ref" in parts:
        document, _, pointer = str(parts["$ref"]).partition("#/")
        target: Any = documents[document]
        for step in pointer.split("/"):
            target = target[step]
        result = {**_inline(target, documents), **result}
    return result


def _merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: objects merge, null removes, anything else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged: Json = dict(cast(Json, target)) if isinstance(target, dict) else {}
    for key, value in cast(Json, patch).items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_patch(merged.get(key), value)
    return merged


def _for_edition(schema: Any, edition: str, path: str, hidden: dict[str, tuple[str, ...]]) -> Any:
    """Drop properties of other editions, recorded in `hidden`, and all `x-edition` keys."""
    if not isinstance(schema, dict):
        return schema
    result: Json = {key: value for key, value in cast(Json, schema).items() if key != "x-edition"}
    if "properties" in result:
        kept: Json = {}
        for name, part in result["properties"].items():
            inner = f"{path}.{name}" if path else name
            editions = tuple(part.get("x-edition", ()))
            if editions and edition not in editions:
                hidden[inner] = editions
            else:
                kept[name] = _for_edition(part, edition, inner, hidden)
        result["properties"] = kept
    if "items" in result:
        result["items"] = _for_edition(result["items"], edition, path + "[]", hidden)
    return result
