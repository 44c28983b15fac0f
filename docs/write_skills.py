"""Writes the prompts as skills for coding agents, skills/NAME/SKILL.md: `python docs/write_skills.py`."""

from pathlib import Path

from zoho_mcp.server.prompts.handlers import PROMPTS
from zoho_mcp.server.prompts.texts import Prompt

FOLDER = Path(__file__).parent.parent / "skills"


def skill_name(prompt: Prompt) -> str:
    """As the format wants it: small letters and hyphens."""
    return prompt.name.replace("_", "-")


def skill_text(prompt: Prompt) -> str:
    """SKILL.md: the header by which an agent chooses it, and the prompt's text."""
    arguments = "\n".join(f"- {one.name}: {one.description}" for one in prompt.arguments)
    return f"""\
---
name: {skill_name(prompt)}
description: "{prompt.description} With the tools of the MCP server zoho-invoice."
license: MIT
---

# {prompt.title}

The text speaks as the user. Take from the conversation what they have said already:

{arguments}

{prompt.text.strip()}
"""


def skills() -> dict[Path, str]:
    """Every file below `FOLDER` and what it holds."""
    return {FOLDER / skill_name(prompt) / "SKILL.md": skill_text(prompt) for prompt in PROMPTS.values()}


if __name__ == "__main__":
    for path, text in skills().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
