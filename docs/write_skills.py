"""Writes the prompts as skills for coding agents, skills/NAME/SKILL.md: `python docs/write_skills.py`."""

from pathlib import Path

from zoho_mcp.server.prompts.prompt import all_prompts
from zoho_mcp.server.prompts.skills import skill_name, skill_text

FOLDER = Path(__file__).parent.parent / "skills"


def skills() -> dict[Path, str]:
    """Every file below `FOLDER` and what it holds."""
    return {FOLDER / skill_name(prompt) / "SKILL.md": skill_text(prompt) for prompt in all_prompts().values()}


if __name__ == "__main__":
    for path, text in skills().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
