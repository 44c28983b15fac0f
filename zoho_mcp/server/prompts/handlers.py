"""Prompts: jobs that a person starts by name. Each tells a model the tools, their order, what to ask and what to avoid.

The texts are in `prompt_texts`; a prompt is offered only if every tool that its text names is.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

import mcp_types as types
from mcp.shared.exceptions import MCPError

from zoho_mcp.server.prompts.texts import ALL, Prompt

if TYPE_CHECKING:
    from zoho_mcp.server.context import RequestContext, ServerContext

PROMPTS: Mapping[str, Prompt] = {prompt.name: prompt for prompt in ALL}
_TOOL = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_RIGHT: Mapping[str, tuple[str, str]] = {
    "month": (r"20\d\d-(0[1-9]|1[0-2])", "a month, written yyyy-mm"),
    "email": (r"[^@\s,;<>]+@[^@\s,;<>]+", "one e-mail address"),
    "days": (r"\d{1,3}", "a number of days"),
}
LONGEST_VALUE = 2000


def tools_of(app: "ServerContext", prompt: Prompt) -> set[str]:
    """The tools that a prompt's text names."""
    return set(_TOOL.findall(prompt.text)) & set(app.catalog.operations)


def offered(app: "ServerContext") -> Iterator[Prompt]:
    """The prompts that can be followed with the tools of this server."""
    return (prompt for prompt in ALL if tools_of(app, prompt) <= set(app.offered))


async def list_prompts(ctx: "RequestContext", params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
    """Every prompt that can be followed here."""
    return types.ListPromptsResult(prompts=[_shown(prompt) for prompt in offered(ctx.lifespan_context)])


def _shown(prompt: Prompt) -> types.Prompt:
    arguments = [
        types.PromptArgument(name=one.name, description=one.description, required=one.required)
        for one in prompt.arguments
    ]
    return types.Prompt(name=prompt.name, title=prompt.title, description=prompt.description, arguments=arguments)


async def get_prompt(ctx: "RequestContext", params: types.GetPromptRequestParams) -> types.GetPromptResult:
    """A prompt's text with what the person gave. Wrong or missing arguments are a protocol error naming all."""
    prompt = next((one for one in offered(ctx.lifespan_context) if one.name == params.name), None)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")
    given = {name: value.strip() for name, value in (params.arguments or {}).items() if value.strip()}
    problems = list(_problems(prompt, given))
    if problems:
        raise MCPError(types.INVALID_PARAMS, f"{prompt.name}: {' '.join(problems)}")
    text = types.TextContent(text=_text(_for(ctx.lifespan_context, prompt), prompt, given))
    return types.GetPromptResult(
        description=prompt.description, messages=[types.PromptMessage(role="user", content=text)]
    )


def _problems(prompt: Prompt, given: Mapping[str, str]) -> Iterator[str]:
    known = {one.name: one for one in prompt.arguments}
    for name in given.keys() - known.keys():
        yield f"There is no argument {name}; there is {', '.join(known)}."
    for name, argument in known.items():
        value = given.get(name, "")
        pattern, right = _RIGHT.get(argument.kind, (".*", "text"))
        if not value and argument.required:
            yield f"{name} is missing: {argument.description}"
        elif value and not re.fullmatch(pattern, value, re.DOTALL | re.ASCII):
            yield f"{name} must be {right}."
        elif len(value) > LONGEST_VALUE:
            yield f"{name} takes at most {LONGEST_VALUE} characters."


def _for(app: "ServerContext", prompt: Prompt) -> str:
    """The prompt's text with the paragraphs that the offered tools can follow."""
    fitting = [
        part for part in prompt.also if set(_TOOL.findall(part)) & set(app.catalog.operations) <= set(app.offered)
    ]
    return "\n\n".join(part.strip() for part in (prompt.text, *fitting))


def _text(text: str, prompt: Prompt, given: Mapping[str, str]) -> str:
    known = [f"- {one.name}: {given[one.name]}" for one in prompt.arguments if one.name in given]
    missing = [one.name for one in prompt.arguments if one.name not in given]
    lines = ["What I can tell you:", *known] if known else []
    lines += [f"I have not said: {', '.join(missing)}."] if missing else []
    return "\n".join([text, "", *lines]).strip()


def months(count: int) -> list[str]:
    """The last months as yyyy-mm, the present one first."""
    today = date.today()
    first = today.year * 12 + today.month - 1
    return [f"{number // 12}-{number % 12 + 1:02}" for number in range(first, first - count, -1)]
