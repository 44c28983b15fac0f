"""The prompts, each read from NAME.md in this folder when prompts are first used.

A file has TOML between two lines of `+++`, then the text for the model. Each part after a line of `---` is added to the
text where all tools that it names are offered.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from zoho_mcp.specs.model import Catalog

NAMES = (
    "bill_customer", "monthly_report", "chase_overdue", "month_end_close", "onboard_customer", "convert_won_estimate",
)  # fmt: skip
"""In the order in which they are offered."""
_NAME = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that the person may give. The kind determines its format and its completion."""

    name: str
    kind: Literal["text", "customer", "estimate", "month", "email", "days"]
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A job, and how a model does it well with the tools of this server."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    text: str
    optional_parts: tuple[str, ...]
    """Each is added where all tools that it names are offered."""


@cache
def all_prompts() -> Mapping[str, Prompt]:
    """Every prompt by name."""
    return {name: _parsed(name, markdown(name)) for name in NAMES}


def markdown(name: str) -> str:
    """The text of a Markdown file in this folder."""
    return (files(__package__ or "") / f"{name}.md").read_text(encoding="utf-8")


def tools_in(text: str, catalog: Catalog) -> set[str]:
    """The tools that a text names."""
    return set(_NAME.findall(text)) & catalog.operations.keys()


def _parsed(name: str, content: str) -> Prompt:
    import tomllib

    _, header, body = content.split("+++\n")
    facts: dict[str, Any] = tomllib.loads(header)
    arguments = tuple(Argument(**argument) for argument in facts["arguments"])
    text, *optional_parts = (part.strip() for part in body.split("\n---\n"))
    return Prompt(name, facts["title"], facts["description"], arguments, text, tuple(optional_parts))
