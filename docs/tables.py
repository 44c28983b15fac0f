"""Writes the tables of the README from the specs and the settings: `python docs/tables.py`. The tests compare."""

import re
from pathlib import Path

from zoho_mcp.policy.facts import at_hand, can_mail
from zoho_mcp.policy.reading import load_policy
from zoho_mcp.policy.rules import Policy
from zoho_mcp.policy.wording import asks
from zoho_mcp.settings import SETTINGS, Setting
from zoho_mcp.specs.load import load
from zoho_mcp.specs.model import Catalog, Operation

README = Path(__file__).parent.parent / "README.md"
_EFFECTS = {"read": "reads", "write": "changes", "send": "e-mails", "destroy": "destroys"}


def tools_table() -> str:
    """Tool, what it does, effect, and whether a person is asked by the shipped policy."""
    catalog = load()
    policy = load_policy(catalog)
    rows = ["| toolset | tool | what it does | effect | asks first |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *(_tool_row(operation, policy, catalog) for operation in catalog.operations.values())])


def _tool_row(operation: Operation, policy: Policy, catalog: Catalog) -> str:
    # A tool that can name recipients is asked about with one that nobody knows yet.
    arguments = {"to_mail_ids": ["?"]} if can_mail(operation) else {}
    asked = asks(policy, operation, at_hand(operation, arguments, catalog, "", None))
    first = operation.description.split(". ")[0].rstrip(".") + "."
    return f"| {operation.toolset} | `{operation.name}` | {first} | {_EFFECTS[operation.effect]} | {asked} |"


def settings_table() -> str:
    """Environment variables with their meaning and default."""
    rows = ["| setting | meaning | default |", "|---|---|---|"]
    return "\n".join([*rows, *map(_setting_row, SETTINGS)])


def _setting_row(setting: Setting) -> str:
    choices = f" One of {', '.join(f'`{choice}`' for choice in setting.choices)}." if setting.choices else ""
    default = "required" if setting.required else f"`{setting.default}`" if setting.default else ""
    return f"| `{setting.name}` | {setting.meaning}{choices} | {default} |"


def filled(text: str) -> str:
    """The README's text with its tables as they are now."""
    for name, table in (("tools", tools_table()), ("settings", settings_table())):
        text = re.sub(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
