"""Writes the tables of docs/reference.md and docs/coverage.md, and tool_specs/_schema.json: `python docs/tables.py`.

The tests compare.
"""

import ast
import inspect
import itertools
import json
import re
from pathlib import Path

from pydantic import BaseModel

from zoho_mcp.policy.explain import asks
from zoho_mcp.policy.facts import at_hand, can_mail
from zoho_mcp.policy.load import load_policy
from zoho_mcp.policy.rules import Policy
from zoho_mcp.settings.variables import SETTINGS, Setting
from zoho_mcp.specs import entry
from zoho_mcp.specs.entry import SpecFile
from zoho_mcp.specs.load import load, specs_folder
from zoho_mcp.specs.model import Catalog, Operation
from zoho_mcp.specs.schema import Json

REFERENCE = Path(__file__).parent / "reference.md"
COVERAGE = Path(__file__).parent / "coverage.md"
_KNOWN_FROM = {
    "recorded": "recorded", "documented": "documented", "books": "Books' OpenAPI", "computed": "computed here",
}  # fmt: skip
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
    default = "from the login" if setting.required else f"`{setting.default}`" if setting.default else ""
    return f"| `{setting.name}` | {setting.meaning}{choices} | {default} |"


def coverage_table() -> str:
    """Reference endpoint, tool, request that is sent, scope, and why the two differ."""
    rows = ["| reference | tool | request | scope | where it differs |", "|---|---|---|---|---|"]
    catalog, books = load("invoice"), load("books").operations
    usual = [operation for operation in catalog.operations.values() if operation.toolset not in catalog.extra]
    return "\n".join([*rows, *(_coverage_row(operation, books[operation.name]) for operation in usual)])


def beyond_table() -> str:
    """Operations beyond the references: what shows that Zoho offers them, tool, request, scope, and what is to know."""
    rows = ["| tool | request | scope | known from | remark |", "|---|---|---|---|---|"]
    catalog, books = load("invoice"), load("books").operations
    extra = [operation for operation in catalog.operations.values() if operation.toolset in catalog.extra]
    return "\n".join([*rows, *(_beyond_row(operation, books[operation.name]) for operation in extra)])


def _beyond_row(operation: Operation, in_books: Operation) -> str:
    request, scope = _sent(operation, in_books)
    known = _KNOWN_FROM[operation.known_from or "computed"]
    return f"| `{operation.name}` | {request} | {scope} | {known} | {operation.note} |"


def _coverage_row(operation: Operation, in_books: Operation) -> str:
    reference = "<br>".join(f"`{endpoint}`" for endpoint in operation.docs)
    request, scope = _sent(operation, in_books)
    return f"| {reference} | `{operation.name}` | {request} | {scope} | {operation.note} |"


def _sent(operation: Operation, in_books: Operation) -> tuple[str, str]:
    """The request and its scope, those of Books too where they differ."""
    request, scope = _request(operation), f"`{operation.scope}`"
    if _request(in_books) != request:
        request += f"<br>Books: {_request(in_books)}"
    if in_books.scope != operation.scope:
        scope += f"<br>Books: `{in_books.scope}`"
    return request, scope


def _request(operation: Operation) -> str:
    headers = f" ({', '.join(operation.http.headers.values())})" if operation.http.headers else ""
    return f"`{operation.http.method} {operation.http.path}`{headers}"


def filled(text: str) -> str:
    """A page's text with its tables as they are now."""
    tables = {"tools": tools_table, "settings": settings_table, "coverage": coverage_table, "beyond": beyond_table}
    for name, table in tables.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?<!-- end -->",
            lambda page, table=table: f"{page[1]}{table()}\n<!-- end -->",
            text,
            flags=re.DOTALL,
        )
    return text


def spec_schema() -> Json:
    """The JSON Schema of a spec file, each key described by the text below it in the code. Editors show it."""
    schema = SpecFile.model_json_schema()
    for name, part in {SpecFile.__name__: schema, **schema["$defs"]}.items():
        model: type[BaseModel] = getattr(entry, name)
        for field, text in _texts(model).items():
            part["properties"][model.model_fields[field].alias or field]["description"] = text
    return schema


def _texts(model: type[BaseModel]) -> dict[str, str]:
    """Field to the text below it, of a model and those that it extends."""
    found: dict[str, str] = {}
    for each in model.__mro__[model.__mro__.index(BaseModel) - 1 :: -1]:
        [parsed] = ast.parse(inspect.getsource(each)).body
        assert isinstance(parsed, ast.ClassDef)
        for field, text in itertools.pairwise(parsed.body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return found


if __name__ == "__main__":
    (specs_folder() / "_schema.json").write_text(json.dumps(spec_schema(), indent=2) + "\n", encoding="utf-8")
    for page in (REFERENCE, COVERAGE):
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
