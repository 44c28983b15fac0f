"""A hook of MkDocs: README, CHANGELOG, CONTRIBUTING and SECURITY are pages of the site too, with fitting links."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
REPOSITORY = "https://github.com/zoho-invoice-mcp/zoho-invoice-mcp/blob/HEAD/"
PAGES = {"README.md": "index.md", "CHANGELOG.md": "", "CONTRIBUTING.md": "", "SECURITY.md": ""}
"""Pages of the project's folder, and their names on the site where these differ."""
_TARGET = re.compile(r'(\]\(|src=")(?!https?:|#|mailto:)([^)"]+)')


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the pages of the project's folder."""
    for name, there in PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, there or name, content=moved(text, in_docs=False)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Correct the links of a page in docs/."""
    return markdown if page.file.generated_by else moved(markdown, in_docs=True)


def moved(text: str, *, in_docs: bool) -> str:
    """The text with links to pages of the site, and to the repository for any other file."""
    return _TARGET.sub(lambda found: found[1] + _address(found[2], in_docs), text)


def _address(target: str, in_docs: bool) -> str:
    path, mark, anchor = target.partition("#")
    if in_docs and not path.startswith("../"):
        return target
    path = path.removeprefix("../")
    if path in PAGES:
        return f"{PAGES[path] or path}{mark}{anchor}"
    if path.startswith("docs/") and not path.endswith(".py"):
        return f"{path.removeprefix('docs/')}{mark}{anchor}"
    return f"{REPOSITORY}{target.removeprefix('../')}"
