"""The HTML of the page on which a person chooses demo data or connects their Zoho account. Knows nothing of HTTP."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from zoho_mcp.pages.html import asset, fill, whole_page
from zoho_mcp.settings.variables import DATA_CENTRES, DataCentre

_fill = partial(fill, "connect")
SCRIPT = asset("connect", "copy.js")
QUESTION = "Who owes us money, and since when?"
"""What to ask first. Demo data and real books can both answer it."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed before, to be shown again: never the secret."""

    client_id: str = ""
    product: str = "invoice"
    read_only: bool = False


def choice_page(path: str, *, stored: str, demo: str) -> str:
    """The first page. `stored` and `demo` are the owners of the stored login, if there is one, and of the demo data."""
    use_stored = _fill("stored.html", owner=stored) if stored else ""
    return whole_page("Which books?", _fill("choice.html", path=path, stored=use_stored, demo=demo))


def data_centre_page(path: str) -> str:
    """Asks where the person logs in, because a client belongs to one data centre."""
    rows = Markup().join(
        _fill("data_centre.html", path=path, name=name, title=centre.name, host=_host(centre))
        for name, centre in DATA_CENTRES.items()
    )
    return whole_page("Where do you log in to Zoho?", _fill("data_centres.html", path=path, rows=rows))


def _host(centre: DataCentre) -> str:
    return centre.accounts.removeprefix("https://")


def account_page(path: str, centre: DataCentre, redirect_uri: str, typed: Typed, problem: str = "") -> str:
    """The steps in Zoho's API console, and the form for what it shows."""
    checked = Markup(" checked")
    body = _fill(
        "account.html",
        path=path,
        problem=problem,
        console=centre.accounts.replace("://accounts.", "://api-console."),
        picture=asset("connect", "console.svg"),
        redirect_uri=redirect_uri,
        client_id=typed.client_id,
        invoice=checked if typed.product == "invoice" else "",
        books=checked if typed.product == "books" else "",
        read_only=checked if typed.read_only else "",
    )
    return whole_page("Connect your Zoho account", body, script=SCRIPT)


def leaving_page(path: str, address: str, redirect_uri: str) -> str:
    """On the way to Zoho: after a form, browsers do not follow a redirect to another site."""
    body = _fill("leaving.html", path=path, address=address, redirect_uri=redirect_uri)
    return whole_page("Continue to Zoho", body, go_to=address)


def organization_page(path: str, rows: Sequence[tuple[str, str]]) -> str:
    """Asks which organisation to work in. `rows`: id and name of each."""
    choices = Markup().join(_fill("organization.html", number=number, name=name) for number, name in rows)
    return whole_page("Which organisation?", _fill("organizations.html", path=path, choices=choices))


def ready_page(books: str, *, is_demo: bool, path: str) -> str:
    """The last page: go back to the chat."""
    if is_demo:
        return whole_page("Demo data is on", _fill("demo.html", books=books, question=QUESTION, path=path))
    return whole_page("Connected", _fill("connected.html", books=books, question=QUESTION))


def problem_page(title: str, sentences: Iterable[str], back: str) -> str:
    """What did not work, with a link to try again at `back`."""
    said = Markup().join(Markup("<p>{}</p>").format(sentence) for sentence in sentences if sentence)
    return whole_page(title, _fill("problem.html", title=title, sentences=said, back=back))
