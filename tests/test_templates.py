"""The HTML templates: whatever fills their fields stays text."""

import re
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest
from markupsafe import Markup

import zoho_mcp
from zoho_mcp.pages.html import asset, fill

PACKAGE = Path(zoho_mcp.__file__).parent
TEMPLATES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("*/templates/*.html"))
HOSTILE = "</p></form><script>alert(1)</script><b title=\"x' onload=y>&lt; javascript:alert(1) {0} {title}"
ATTRIBUTES = {"attributes", "invoice", "books", "read_only"}
"""Fields that are whole attributes, filled with constants of the code."""


class Tags(HTMLParser):
    """Tags and the names of their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))


def fields(template: str) -> set[str]:
    folder, _, name = template.split("/")
    return {field for _, field, _, _ in Formatter().parse(asset(folder, name)) if field is not None}


@pytest.mark.parametrize("template", TEMPLATES)
def test_hostile_text_adds_no_tag_and_no_attribute(template: str) -> None:
    folder, _, name = template.split("/")
    names = fields(template)
    assert all(re.fullmatch("[a-z_]+", field) for field in names)
    constant = {field: Markup("") for field in names & ATTRIBUTES}
    plain = fill(folder, name, **{**dict.fromkeys(names, "x"), **constant})
    hostile = fill(folder, name, **{**dict.fromkeys(names, HOSTILE), **constant})
    assert Tags(hostile).found == Tags(plain).found
    assert hostile.count("<") == plain.count("<")


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_field_within_a_tag_is_quoted_or_a_constant(template: str) -> None:
    text = (PACKAGE / template).read_text(encoding="utf-8")
    for tag in re.findall(r"<[^>]+>", text):
        unquoted = re.sub(r'"[^"]*"', "", tag)
        assert set(re.findall(r"{(\w+)}", unquoted)) <= ATTRIBUTES
        assert re.findall(r'\bon\w+=|\bstyle="', tag) == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_missing_value_is_an_error(template: str) -> None:
    folder, _, name = template.split("/")
    if fields(template):
        with pytest.raises(KeyError):
            fill(folder, name)
