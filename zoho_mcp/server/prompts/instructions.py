"""The instructions for the model, assembled from instructions.md for the offered tools.

The most important sentences come first.
"""

import re
from collections.abc import Iterator, Mapping

from zoho_mcp.server.prompts.prompt import markdown, tools_in
from zoho_mcp.specs.model import Catalog, Operation

CUT = 2_048
"""Bytes after which a widely used client cuts the instructions."""
LONGEST = CUT - 108
"""Bytes. The rest is for the line that `connect/` adds."""


def instructions(offered: Mapping[str, Operation], catalog: Catalog) -> str:
    """The instructions for these operations, without sections about tools that are not offered.

    Of the abilities that are missing, as many are named as fit.
    """
    missing = lacking(offered, catalog)
    conditions = {*_conditions(offered), *(["missing"] if missing else [])}
    _, *parts = re.split(r"^## (.+)\n", markdown("instructions"), flags=re.MULTILINE)
    text = ""
    for condition, section in zip(parts[::2], parts[1::2], strict=True):
        if condition in conditions and tools_in(section, catalog) <= offered.keys():
            lines = [" ".join(paragraph.split()) for paragraph in section.strip().split("\n\n")]
            text += "\n".join(lines) + ("\n\n" if condition == "always" else "\n")
    room = LONGEST - len(text.strip().replace("{abilities}", "").encode())
    while len("; ".join(missing).encode()) > room:
        missing = missing[:-1]
    return text.strip().replace("{abilities}", "; ".join(missing))


def _conditions(offered: Mapping[str, Operation]) -> Iterator[str]:
    """The headings of sections that apply to these operations."""
    yield "always"
    for operation in offered.values():
        yield operation.toolset
        if operation.effect != "read":
            yield from ("any change", f"{operation.toolset}: changes")
        if operation.effect == "send":
            yield "any send"


def lacking(offered: Mapping[str, Operation], catalog: Catalog) -> list[str]:
    """The abilities of toolsets of which no tool is offered; without those that change, if only reads are offered."""
    toolsets = {operation.toolset for operation in offered.values()}
    reading = all(operation.effect == "read" for operation in offered.values())
    changing = {operation.toolset for operation in catalog.operations.values() if operation.effect != "read"}
    return [
        ability
        for toolset, ability in catalog.extra.items()
        if toolset not in toolsets and not (reading and toolset in changing)
    ]
