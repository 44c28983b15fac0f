"""Changes one entry of a YAML text and leaves every other line as it is. Knows nothing of clients or files.

Only block style is changed; the caller reads the result and compares. ruamel.yaml comes with the extra `goose`.
"""

from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any, Protocol, cast


class _Node(Protocol):
    """A node of ruamel.yaml's, whose own types are incomplete."""

    id: str
    """scalar, sequence or mapping"""
    value: Any
    """A scalar's text, a sequence's nodes, a mapping's pairs of nodes."""
    flow_style: bool | None
    start_mark: Any
    end_mark: Any


def read(text: str) -> dict[str, Any]:
    """The mapping that `text` is. Raises ValueError."""
    value: Any = _parsed(lambda: _yaml("safe").load(text))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("it is not a mapping")
    return cast("dict[str, Any]", value)


def words(text: str) -> list[str]:
    """The text without its spacing, and without the braces of what is empty."""
    return [word for word in text.split() if word != "{}"]


def put(text: str, key: str, name: str, entry: Mapping[str, Any]) -> str:
    """`text` with `entry` as member `name` of the mapping `key`. Raises ValueError for a layout it cannot change."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix(mark).splitlines(keepends=True)
    end = "\r\n" if "\r\n" in text else "\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    servers = _member(_root(text), key)
    if servers is None:
        lines += _dumped({key: {name: entry}}, 0, end)
        return mark + "".join(lines)
    value = servers[1]
    if _is_empty(value):
        at: int = servers[0].start_mark.line
        head, _, rest = lines[at].partition(":")
        _, sign, comment = rest.rstrip("\r\n").partition(" #")
        lines[at : at + 1] = [f"{head}:{sign}{comment}{end}", *_dumped({name: entry}, 2, end)]
        return mark + "".join(lines)
    _require_block(value)
    indent = _pairs(value)[0][0].start_mark.column
    old = _member(value, name)
    new = _dumped({name: entry}, indent, end)
    first, last = _lines(*old) if old else (_lines(*_pairs(value)[-1])[1],) * 2
    return mark + "".join([*lines[:first], *new, *lines[last:]])


def drop(text: str, key: str, name: str) -> tuple[str, ...]:
    """`text` without member `name` of the mapping `key`; if that leaves `key` empty, also without `key`, that first."""
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix(mark).splitlines(keepends=True)
    servers = _member(_root(text), key)
    old = _member(servers[1], name) if servers else None
    if servers is None or old is None:
        return (text,)
    _require_block(servers[1])
    first, last = _lines(*old)
    if len(_pairs(servers[1])) > 1:
        return (mark + "".join(lines[:first] + lines[last:]),)
    at = servers[0].start_mark.line
    without = lines[:first] + lines[last:]
    return mark + "".join(without[:at] + without[at + 1 :]), mark + "".join(without)


def _library() -> Any:
    try:
        import ruamel.yaml
    except ImportError as problem:
        raise ValueError("ruamel.yaml is not installed: pip install 'zoho-invoice-mcp[goose]'") from problem
    return ruamel.yaml


def _yaml(kind: str) -> Any:
    found = _library().YAML(typ=kind, pure=True)
    found.default_flow_style = False
    found.width = 10_000
    return found


def _parsed(parse: Callable[[], Any]) -> Any:
    library = _library()
    try:
        return parse()
    except library.error.YAMLError as problem:
        raise ValueError(" ".join(str(problem).split())) from problem


def _root(text: str) -> _Node | None:
    return _parsed(lambda: _yaml("rt").compose(text.removeprefix("\ufeff")))


def _member(node: _Node | None, key: str) -> tuple[_Node, _Node] | None:
    return next((pair for pair in _pairs(node) if pair[0].value == key), None)


def _pairs(node: _Node | None) -> list[tuple[_Node, _Node]]:
    """The members of a mapping; of anything else none."""
    return cast("list[tuple[_Node, _Node]]", node.value) if node is not None and node.id == "mapping" else []


def _is_empty(node: _Node) -> bool:
    return not node.value or node.value in ("null", "~")


def _require_block(node: _Node) -> None:
    if node.id != "mapping" or node.flow_style:
        raise ValueError("it is not written in block style")


def _lines(key: _Node, value: _Node) -> tuple[int, int]:
    """The first line of a member, and the line behind its last."""
    return key.start_mark.line, _end(key if value.value == "" else value) + 1


def _end(node: _Node) -> int:
    """The last line with something of this node; its own end counts comments and empty lines behind it."""
    if node.id != "scalar" and node.value and not node.flow_style:
        name, value = _pairs(node)[-1] if node.id == "mapping" else (node, node.value[-1])
        return _end(name if value.value == "" and node.id == "mapping" else value)
    return int(node.end_mark.line) - (node.end_mark.column == 0 and node.end_mark.line > node.start_mark.line)


def _dumped(value: Mapping[str, Any], indent: int, end: str) -> list[str]:
    text = StringIO()
    yaml = _yaml("rt")
    yaml.dump(value, text)
    return [" " * indent + line + end for line in text.getvalue().splitlines()]
