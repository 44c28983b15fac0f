"""The prompts as skills (SEP-2640): listed with their digests, and read as `skill://NAME/SKILL.md`.

Each skill is one file. The plugin for coding agents has the same files.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.prompts.handlers import offered
from zoho_mcp.server.prompts.prompt import Prompt

if TYPE_CHECKING:
    from zoho_mcp.server.context import RequestContext, ServerContext

EXTENSION = "io.modelcontextprotocol/skills"
MARKDOWN = "text/markdown"
SCHEME = "skill://"
LASTING = 300_000
"""Milliseconds for which a client may keep a list of skills."""


class GetSkillParams(types.RequestParams):
    """The parameters of skills/get."""

    uri: str


def skill_name(prompt: Prompt) -> str:
    """The prompt's name in the format of skills: lower-case letters and hyphens."""
    return prompt.name.replace("_", "-")


def frontmatter(prompt: Prompt) -> dict[str, str]:
    """The header by which an agent chooses the skill."""
    described = f"{prompt.description} With the tools of the MCP server zoho-invoice."
    return {"name": skill_name(prompt), "description": described, "license": "MIT"}


def skill_text(prompt: Prompt) -> str:
    """The content of SKILL.md: the header and the prompt's text."""
    header = frontmatter(prompt)
    arguments = "\n".join(f"- {one.name}: {one.description}" for one in prompt.arguments)
    return f"""\
---
name: {header["name"]}
description: "{header["description"]}"
license: {header["license"]}
---

# {prompt.title}

The text speaks as the user. Take from the conversation what they have said already:

{arguments}

{prompt.text}
"""


def skill_resources(app: "ServerContext") -> Iterator[types.Resource]:
    """The files of the skills that can be followed with the tools of this server."""
    for prompt in offered(app):
        header = frontmatter(prompt)
        yield types.Resource(
            uri=_uri(prompt), name=header["name"], title=prompt.title, description=header["description"],
            mime_type=MARKDOWN,
        )  # fmt: skip


def skill_at(app: "ServerContext", uri: str) -> Prompt | None:
    """The skill whose file has this address, if it can be followed here."""
    return next((prompt for prompt in offered(app) if _uri(prompt) == uri), None)


async def list_skills(ctx: "RequestContext", params: types.PaginatedRequestParams) -> dict[str, Any]:
    """skills/list: every skill on one page."""
    return {"skills": [_entry(prompt) for prompt in offered(ctx.lifespan_context)], **_kept()}


async def get_skill(ctx: "RequestContext", params: GetSkillParams) -> dict[str, Any]:
    """skills/get: one skill."""
    prompt = skill_at(ctx.lifespan_context, params.uri)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, "Unknown skill.", {"uri": params.uri})
    return {"skill": _entry(prompt), **_kept()}


def _entry(prompt: Prompt) -> dict[str, Any]:
    content = skill_text(prompt).encode()
    file = {"uri": _uri(prompt), "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
    return {"uri": _uri(prompt), "frontmatter": frontmatter(prompt), "resources": [file]}


def _uri(prompt: Prompt) -> str:
    return f"{SCHEME}{skill_name(prompt)}/SKILL.md"


def _kept() -> dict[str, Any]:
    return {"ttlMs": LASTING, "cacheScope": "private"}
