"""HTML from template files, in the shell that all pages share. Knows nothing of HTTP.

A template has the fields of `str.format`. markupsafe escapes every value that is not `Markup` already.
"""

import base64
import hashlib
from functools import cache
from importlib import resources

from markupsafe import Markup


@cache
def asset(folder: str, name: str) -> Markup:
    """The text of a file in the `templates` of a folder of this package, such as "connect"."""
    return Markup((resources.files("zoho_mcp") / folder / "templates" / name).read_text(encoding="utf-8"))


def fill(folder: str, file: str, /, **values: object) -> Markup:
    """The template in a `file` with its fields filled in. Raises KeyError for a field without a value."""
    return asset(folder, file).format(**values)


def source_hash(text: str) -> str:
    """The Content-Security-Policy source that allows exactly this style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


STYLE = asset("pages", "page.css")


def whole_page(title: str, body: Markup, *, go_to: str = "", script: str = "") -> str:
    """The document around `body`. With `go_to`, the browser goes on to that address at once.

    `script` runs only if the response's headers contain its hash.
    """
    return fill(
        "pages",
        "shell.html",
        refresh=Markup('<meta http-equiv="refresh" content="0; url={}">').format(go_to) if go_to else "",
        title=title,
        style=STYLE,
        body=body,
        script=Markup("<script>{}</script>").format(Markup(script)) if script else "",
    )


def notice_page(title: str, text: str) -> str:
    """A page with one message."""
    return whole_page(title, fill("pages", "notice.html", title=title, text=text))
