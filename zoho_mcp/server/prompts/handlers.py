"""Prompts: jobs that a person starts by name. Each tells a model the tools, their order, what to ask and what to avoid.

A prompt is offered only if all tools that its text names are offered.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

import mcp_types as types
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.prompts.prompt import Prompt, all_prompts, tools_in

if TYPE_CHECKING:
    from zoho_mcp.server.context import RequestContext, ServerContext

_FORMATS: Mapping[str, tuple[str, str]] = {
    "month": (r"20\d\d-(0[1-9]|1[0-2])", "a month, written yyyy-mm"),
    "email": (r"[^@\s,;<>]+@[^@\s,;<>]+", "one e-mail address"),
    "days": (r"\d{1,3}", "a number of days"),
}
"""Kinds of arguments: the pattern and its name in an error."""
LONGEST_VALUE = 2000


def offered(app: "ServerContext") -> Iterator[Prompt]:
    """The prompts that can be followed with the tools of this server."""
    return (prompt for prompt in all_prompts().values() if tools_in(prompt.text, app.catalog) <= set(app.offered))


async def list_prompts(ctx: "RequestContext", params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
    """prompts/list: every prompt that can be followed with the tools of this server, on one page."""
    return types.ListPromptsResult(prompts=[_listed(prompt) for prompt in offered(ctx.lifespan_context)])


def _listed(prompt: Prompt) -> types.Prompt:
    arguments = [
        types.PromptArgument(name=one.name, description=one.description, required=one.required)
        for one in prompt.arguments
    ]
    return types.Prompt(name=prompt.name, title=prompt.title, description=prompt.description, arguments=arguments)


async def get_prompt(ctx: "RequestContext", params: types.GetPromptRequestParams) -> types.GetPromptResult:
    """prompts/get: the prompt's text with the given arguments.

    Raises MCPError that names every wrong or missing argument.
    """
    prompt = next((one for one in offered(ctx.lifespan_context) if one.name == params.name), None)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
    given = {name: value.strip() for name, value in (params.arguments or {}).items() if value.strip()}
    problems = list(_problems(prompt, given))
    if problems:
        raise MCPError(types.INVALID_PARAMS, f"{prompt.name}: {' '.join(problems)}")
    text = types.TextContent(text=_text(ctx.lifespan_context, prompt, given))
    return types.GetPromptResult(
        description=prompt.description, messages=[types.PromptMessage(role="user", content=text)]
    )


def _problems(prompt: Prompt, given: Mapping[str, str]) -> Iterator[str]:
    known = {one.name: one for one in prompt.arguments}
    for name in given.keys() - known.keys():
        yield f"There is no argument {name}; there is {', '.join(known)}."
    for name, argument in known.items():
        value = given.get(name, "")
        pattern, format_name = _FORMATS.get(argument.kind, (".*", "text"))
        if not value and argument.required:
            yield f"{name} is missing: {argument.description}"
        elif value and not re.fullmatch(pattern, value, re.DOTALL | re.ASCII):
            yield f"{name} must be {format_name}."
        elif len(value) > LONGEST_VALUE:
            yield f"{name} takes at most {LONGEST_VALUE} characters."


def _text(app: "ServerContext", prompt: Prompt, given: Mapping[str, str]) -> str:
    parts = [part for part in prompt.optional_parts if tools_in(part, app.catalog) <= set(app.offered)]
    known = [f"- {one.name}: {given[one.name]}" for one in prompt.arguments if one.name in given]
    missing = [one.name for one in prompt.arguments if one.name not in given]
    lines = ["What I can tell you:", *known] if known else []
    lines += [f"I have not said: {', '.join(missing)}."] if missing else []
    return "\n\n".join((prompt.text, *parts, "\n".join(lines)))


def months(count: int) -> list[str]:
    """The last `count` months as yyyy-mm, the current one first."""
    today = date.today()
    first = today.year * 12 + today.month - 1
    return [f"{number // 12}-{number % 12 + 1:02}" for number in range(first, first - count, -1)]
