"""The HTML of the page on which a person chooses demo data or connects their Zoho account. Knows nothing of HTTP."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup

from zoho_mcp.approval_page.html import whole_page
from zoho_mcp.settings.variables import DATA_CENTRES, DataCentre

_FILES = resources.files("zoho_mcp.connect")
_SCRIPT = (_FILES / "copy.js").read_text(encoding="utf-8")
SCRIPT_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_PICTURE = Markup((_FILES / "console.svg").read_text(encoding="utf-8"))
_PRODUCTS = {"invoice": "Zoho Invoice", "books": "Zoho Books"}
QUESTION = "Who owes us money, and since when?"
"""What to ask first; demo data and real books can both answer it."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed before, to be shown again: never the secret."""

    client_id: str = ""
    product: str = "invoice"
    read_only: bool = False


def choice_page(path: str, *, stored: str, demo: str) -> str:
    """The first page. `stored`: a login on this computer that can be used; `demo`: whose made-up books there are."""
    use_stored = Markup(
        '<li><form method="post"><div class="buttons">'
        '<button class="ok" name="choice" value="stored">Use the stored login: {}</button></div></form></li>'
    ).format(stored)
    body = Markup("""<h1>Which books should your assistant work on?</h1>
<ul class="choices">
{stored}<li><a href="{path}/account">Connect my Zoho
<small>Zoho Invoice or Zoho Books. Takes about five minutes, once.</small></a></li>
<li><form method="post"><div class="buttons">
<button class="no" name="choice" value="demo">Try it with demo data</button></div></form>
<span>The made-up books of {demo}, stored on this computer. You can connect your own account later.</span></li>
</ul>
<p class="soft">Your login goes to Zoho and stays on this computer. Your assistant sees only the results it asks
for.</p>""").format(stored=use_stored if stored else "", path=path, demo=demo)
    return whole_page("Which books?", body)


def data_centre_page(path: str) -> str:
    """Asks where the person logs in, in words: a client belongs to one data centre."""
    rows = Markup("\n").join(
        Markup('<li><a href="{}/account/{}">{} <small>The address begins with {}/</small></a></li>').format(
            path, name, centre.name, centre.accounts.removeprefix("https://")
        )
        for name, centre in DATA_CENTRES.items()
    )
    body = Markup("""<h1>Where do you log in to Zoho?</h1>
<p>Log in to Zoho as usual and look at the address of the login page.</p>
<ul class="choices many">
{rows}
</ul>
<p><a href="{path}">Back</a></p>""").format(rows=rows, path=path)
    return whole_page("Where do you log in to Zoho?", body)


def account_page(path: str, centre: DataCentre, redirect_uri: str, typed: Typed, problem: str = "") -> str:
    """The steps in Zoho's API console, and the form for what it shows."""
    said = Markup('<p class="warn" id="problem" role="alert">{}</p>').format(problem) if problem else ""
    products = Markup("\n").join(
        Markup('<label class="choice"><input type="radio" name="product" value="{}"{}>{}</label>').format(
            value, Markup(" checked") if value == typed.product else "", title
        )
        for value, title in _PRODUCTS.items()
    )
    body = Markup("""<h1>Connect your Zoho account</h1>
{said}<h2>1. Create a client at Zoho</h2>
<p><a href="{console}" target="_blank" rel="noopener noreferrer">Open Zoho's API console</a> (a new tab),
and log in.</p>
{picture}
<ol class="steps">
<li>Choose <strong>Server-based Applications</strong>. If the console shows a list of clients, press
<strong>Add Client</strong> first.</li>
<li>Client Name: anything, for example <code>Chat</code>. Homepage URL: <code>http://localhost</code></li>
<li>Authorized Redirect URIs, exactly this address:
<span class="copy"><code id="address">{redirect_uri}</code>
<button class="small" type="button" id="copy" hidden>Copy the address</button>
<span id="copied" role="status"></span></span></li>
<li>Press <strong>Create</strong>. The console shows a client id and a client secret.</li>
</ol>
<h2>2. Paste what the console shows</h2>
<form method="post" autocomplete="off">
<label for="client_id">Client ID</label>
<input id="client_id" name="client_id" value="{client_id}" required maxlength="200" spellcheck="false"
autocapitalize="off">
<label for="client_secret">Client Secret</label>
<input id="client_secret" name="client_secret" type="password" required maxlength="200" autocomplete="off">
<fieldset><legend>Your invoices are in</legend>
{products}
</fieldset>
<fieldset><legend>Permission</legend>
<label class="choice"><input type="checkbox" name="read_only" value="true"{read_only}>Read only: nothing can be
changed, sent or deleted</label>
</fieldset>
<div class="buttons"><button class="ok">Continue to Zoho</button></div>
</form>
<p class="soft">Zoho then asks whether you agree. The secret goes to Zoho and is kept on this computer, in the keyring
or in a file that only you can read.</p>
<p><a href="{path}/account">I log in at another address</a></p>""").format(
        said=said,
        console=centre.accounts.replace("://accounts.", "://api-console."),
        picture=_PICTURE,
        redirect_uri=redirect_uri,
        client_id=typed.client_id,
        products=products,
        read_only=Markup(" checked") if typed.read_only else "",
        path=path,
    )
    return whole_page("Connect your Zoho account", body, script=_SCRIPT)


def leaving_page(path: str, address: str, redirect_uri: str) -> str:
    """On the way to Zoho: browsers do not follow a redirect to elsewhere after a form."""
    body = Markup("""<h1>Continue to Zoho</h1>
<p><a class="go" href="{address}">Continue to Zoho</a></p>
<p>If Zoho shows an error instead of a question:</p>
<ul>
<li>“Invalid Client”: the client id belongs to another data centre, or is incomplete.</li>
<li>“Invalid Redirect Uri”: the redirect address in the console must be exactly <code>{redirect_uri}</code></li>
</ul>
<p><a href="{path}/account">Start again</a></p>""").format(path=path, address=address, redirect_uri=redirect_uri)
    return whole_page("Continue to Zoho", body, go_to=address)


def organization_page(path: str, rows: Sequence[tuple[str, str]], problem: str = "") -> str:
    """Asks which organisation to work in. `rows`: number and name."""
    choices = Markup("\n").join(
        Markup(
            '<label class="choice"><input type="radio" name="organization" value="{0}" required>'
            '<span class="whole"><bdi>{1}</bdi> ({0})</span></label>'
        ).format(number, name)
        for number, name in rows
    )
    body = Markup("""<h1>Which organisation?</h1>
{said}<p>Your account has several. Your assistant will work in this one only.</p>
<form method="post" action="{path}/organization">
<fieldset><legend>Organisation</legend>
{choices}
</fieldset>
<div class="buttons"><button class="ok">Work in this organisation</button></div>
</form>
<p><a href="{path}/account">Log in with another account</a></p>""").format(
        said=Markup('<p class="warn" role="alert">{}</p>').format(problem) if problem else "",
        path=path,
        choices=choices,
    )
    return whole_page("Which organisation?", body)


def ready_page(books: str, *, is_demo: bool, path: str) -> str:
    """The last page: go back to the chat."""
    demo = Markup('<p class="owner"><bdi>{}</bdi> <span class="demo">Demo data</span></p>').format(books)
    more = Markup('<p><a href="{}/account">Connect my Zoho instead</a></p>').format(path)
    body = Markup("""{demo}<h1>{heading}</h1>
<p role="status">Go back to your chat and ask again, for example: “{question}”</p>
{more}""").format(
        demo=demo if is_demo else "",
        heading="Demo data is on" if is_demo else Markup("Connected: <bdi>{}</bdi>").format(books),
        question=QUESTION,
        more=more if is_demo else Markup('<p class="soft">You can close this window.</p>'),
    )
    return whole_page("Demo data is on" if is_demo else "Connected", body)


def problem_page(title: str, sentences: Iterable[str], back: str, link: str = "Try again") -> str:
    """What did not work, and the way back."""
    said = Markup("\n").join(Markup("<p>{}</p>").format(sentence) for sentence in sentences if sentence)
    body = Markup('<h1>{}</h1>\n<div role="alert">{}</div>\n<p><a class="go" href="{}">{}</a></p>').format(
        title, said, back, link
    )
    return whole_page(title, body)
