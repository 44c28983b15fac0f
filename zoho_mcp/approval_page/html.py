"""The approval page's HTML: no script, nothing from elsewhere, every text escaped. Knows nothing of HTTP."""

import base64
import hashlib
import math
import re
from importlib import resources

from markupsafe import Markup, escape

from zoho_mcp.policy import display
from zoho_mcp.policy.approvals import DONE, Approval
from zoho_mcp.policy.preview import FINAL

STYLE = (resources.files("zoho_mcp.approval_page") / "page.css").read_text(encoding="utf-8")
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PRODUCT = "Zoho Invoice MCP"
_ICON = Markup(
    '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M5 2h10l4 4v16H5z" fill="none" '
    'stroke="currentColor" stroke-width="2" stroke-linejoin="round"/><path d="M8 11h8M8 15h8M8 7h4" '
    'stroke="currentColor" stroke-width="2" stroke-linecap="round"/></svg>'
)
_CLIENTS = (
    ("claude-ai", "Claude Desktop"),
    ("claude desktop", "Claude Desktop"),
    ("claude-code", "Claude Code"),
    ("claude code", "Claude Code"),
    ("codex", "Codex"),
    ("cursor", "Cursor"),
    ("visual studio code", "Visual Studio Code"),
    ("vscode", "Visual Studio Code"),
    ("chatgpt", "ChatGPT"),
    ("openai-mcp", "ChatGPT"),
    ("gemini-cli", "Gemini CLI"),
    ("goose", "Goose"),
    ("librechat", "LibreChat"),
)
"""How a client's own name begins, and how people know it."""
_TITLES = {"approved": "Approved", "declined": "Declined", "spent": "Approved", "expired": "Expired"}
_WHOLE = re.compile(r"[^\s@]+@[^\s@]+|[+-]?\d[\d.,:/-]*(?:%| [A-Z]{3}\b)?|\b[A-Z]{2,}-[\w-]+")
"""Amounts, numbers and addresses: never broken over two lines where they fit on one."""


def question_page(approval: Approval, view: str, seconds: float, problem: str = "", typed: str = "") -> str:
    """The preview with its form. `view` proves that a decision comes from this page; `typed` was a wrong number."""
    shown = approval.shown
    changed = '<p class="warn">The record has changed since the last question. Please check it again.</p>'
    body = Markup("""{owner}<p class="who">{client} wants to:</p>
{changed}{amount}<h1>{question}</h1>
{final}{losses}{texts}{details}
<form method="post" autocomplete="off">
<input type="hidden" name="view" value="{view}">
{number}
<div class="buttons">
<button name="decision" value="approve">Approve: {title}</button>
<button name="decision" value="decline" class="no" formnovalidate>Decline</button>
</div>
</form>
<p class="soft">Words in quotation marks were written by others and are not instructions. Figures were read from Zoho
just now. Approval {name}, {left}. If you did not expect this question, decline.</p>""").format(
        owner=_owner(approval),
        client=_client(shown.client),
        changed=Markup(changed) if approval.record_changed else "",
        amount=Markup('<p class="amount">{}</p>').format(shown.amount) if shown.amount else "",
        question=marked_up(shown.question),
        final=Markup('<p class="warn">{}</p>').format(FINAL) if shown.final else "",
        losses=_rows(shown.losses, "losses"),
        texts=Markup().join(_text(label, text) for label, text in shown.texts),
        details=_rows(shown.details, ""),
        view=view,
        number=_number_field(shown.type_number, problem, typed),
        title=shown.title.lower(),
        name=approval.name,
        left=_minutes(seconds),
    )
    return whole_page(f"Approve? {display.for_page(shown.question)}", body)


def outcome_page(approval: Approval) -> str:
    """The state of an approval. The page never reloads itself, so slow readers are not surprised."""
    shown = approval.shown
    at_work = not approval.outcome and (approval.state == "spent" or approval.callers > 0)
    said: str | Markup
    if approval.outcome == DONE:
        said = marked_up(shown.done) if shown.done else DONE
    elif approval.outcome:
        said = approval.outcome
    elif at_work:
        said = "You approved. The change is being made now."
    else:
        said = (
            "You approved. Nothing has been done yet, because the assistant stopped waiting. "
            "Go back to the chat and ask it to continue."
        )
    is_open = not approval.outcome
    heading = "Done" if approval.outcome == DONE else _TITLES[approval.state]
    body = Markup("""{owner}<h1>{heading}</h1>
<p role="status">{said}</p>
<p class="soft">{question}</p>
{more}<p class="soft">Approval {name}. {close}</p>""").format(
        owner=_owner(approval),
        heading=heading,
        said=said,
        question=marked_up(shown.question),
        more=Markup('<p><a href="">Check again</a></p>') if is_open else "",
        name=approval.name,
        close="" if is_open else "You can close this window.",
    )
    return whole_page(f"{heading}: {display.for_page(shown.question)}", body)


def notice_page(title: str, text: str) -> str:
    """Anything that is not about one question."""
    return whole_page(title, Markup('<h1>{}</h1><p role="status">{}</p>').format(title, text))


def marked_up(text: str) -> Markup:
    """A text of a question: what others wrote set apart, numbers and addresses kept whole."""
    return Markup().join(
        Markup("<bdi>“{}”</bdi>").format(_kept_whole(part)) if is_quoted else _kept_whole(part)
        for is_quoted, part in display.parts(text)
    )


def _kept_whole(text: str) -> Markup:
    result, end = Markup(), 0
    for found in _WHOLE.finditer(text):
        result += escape(text[end : found.start()]) + Markup('<span class="whole">{}</span>').format(found[0])
        end = found.end()
    return result + escape(text[end:])


def _owner(approval: Approval) -> Markup:
    demo = Markup('<span class="demo">Demo data</span>') if approval.shown.is_demo else Markup()
    name = display.one_line(approval.shown.organization)
    return Markup('<p class="owner"><bdi>{}</bdi> {}</p>\n').format(name, demo) if name or demo else Markup()


def _client(client: str) -> Markup:
    known = next((name for start, name in _CLIENTS if client.casefold().startswith(start)), "")
    if known:
        return Markup("<strong>{}</strong>").format(known)
    name = display.for_page(display.quoted(client, 60))
    return Markup("<bdi>{}</bdi> (as it calls itself)").format(name) if name else Markup("Your assistant")


def _rows(details: tuple[tuple[str, str], ...], kind: str) -> Markup:
    rows = Markup().join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(marked_up(label), marked_up(value)) for label, value in details
    )
    return Markup('<dl class="{}">{}</dl>\n').format(kind, rows) if details else Markup()


def _text(label: str, text: str) -> Markup:
    return Markup(
        '<h2>{label} ({count} characters)</h2><div class="text" tabindex="0" role="region" aria-label="{label}">'
        "<bdi>{text}</bdi></div>\n"
    ).format(label=label, count=len(text), text=text)


def _number_field(number: str, problem: str, typed: str) -> Markup:
    if not number:
        return Markup()
    said = Markup('<p class="warn" id="problem" role="alert">{}</p>').format(problem) if problem else Markup()
    described = Markup(' aria-describedby="problem" aria-invalid="true" autofocus') if problem else Markup()
    return Markup("""<label for="number">The amount is large: to approve, type the number {number}</label>
<input id="number" name="number" value="{typed}" required autocapitalize="characters" spellcheck="false"{described}>
{said}""").format(number=marked_up(number), typed=typed, described=described, said=said)


def _minutes(seconds: float) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    return f"valid for {minutes} more minute{'' if minutes == 1 else 's'}"


def whole_page(title: str, body: str, *, go_to: str = "", script: str = "") -> str:
    """A page around `body`, which is HTML. It goes on to another page at once with `go_to`.

    `script` runs only where the headers hold its hash.
    """
    onward = Markup('<meta http-equiv="refresh" content="0; url={}">').format(go_to) if go_to else Markup()
    return Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
{onward}
<title>{title}</title>
<style>{style}</style>
</head>
<body><main><p class="product">{icon} {product}</p><div class="card">
{body}
</div></main>{script}</body>
</html>
""").format(
        onward=onward,
        title=title,
        style=Markup(STYLE),
        icon=_ICON,
        product=PRODUCT,
        body=Markup(body),
        script=Markup("<script>{}</script>").format(Markup(script)) if script else "",
    )
