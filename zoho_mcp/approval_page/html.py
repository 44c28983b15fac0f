"""The approval page's HTML: no script, nothing from elsewhere, every text escaped. Knows nothing of HTTP."""

import math
import re
from functools import partial

from markupsafe import Markup, escape

from zoho_mcp.pages.html import fill, whole_page
from zoho_mcp.policy import display
from zoho_mcp.policy.approvals import DONE, Approval
from zoho_mcp.policy.preview import FINAL
from zoho_mcp.text import one_line

_fill = partial(fill, "approval_page")
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
"""How the name that a client sends begins, and the name that people know."""
_HEADINGS = {"approved": "Approved", "declined": "Declined", "spent": "Approved", "expired": "Expired"}
_CHANGED = "This record has changed since you were last asked. Please check it again."
_IN_PROGRESS = "You approved. The change is being made now."
_NOT_YET = (
    "You approved. Nothing has been done yet, because the assistant stopped waiting. Go back to the chat and ask it to "
    "continue."
)
_UNBROKEN = re.compile(r"[^\s@]+@[^\s@]+|[+-]?\d[\d.,:/-]*(?:%| [A-Z]{3}\b)?|\b[A-Z]{2,}-[\w-]+")
"""Amounts, numbers and addresses: never broken over two lines where they fit on one."""


def question_page(approval: Approval, view: str, seconds: float, problem: str = "", typed: str = "") -> str:
    """The preview with its form.

    Args:
        view: proves that a decision comes from this page.
        seconds: for which the approval is still valid.
        problem: what was wrong with the number that was `typed`.
    """
    shown = approval.shown
    body = _fill(
        "question.html",
        **_owner(approval),
        client=_client(shown.client),
        changed=_CHANGED if approval.record_changed else "",
        amount=shown.amount,
        question=marked_up(shown.question),
        final=FINAL if shown.final else "",
        losses=_rows(shown.losses, "losses"),
        texts=Markup().join(_fill("text.html", label=label, count=len(text), text=text) for label, text in shown.texts),
        details=_rows(shown.details, ""),
        view=view,
        number=_number_field(shown.type_number, problem, typed),
        title=shown.title.lower(),
        name=approval.name,
        left=_minutes(seconds),
    )
    return whole_page(f"Approve? {display.for_page(shown.question)}", body)


def outcome_page(approval: Approval) -> str:
    """What became of an approval. The page never reloads itself, so that it does not surprise slow readers."""
    heading = "Done" if approval.outcome == DONE else _HEADINGS[approval.state]
    body = _fill(
        "outcome.html",
        **_owner(approval),
        heading=heading,
        said=_outcome(approval),
        question=marked_up(approval.shown.question),
        again="" if approval.outcome else Markup('<a href="">Check again</a>'),
        name=approval.name,
        close="You can close this window." if approval.outcome else "",
    )
    return whole_page(f"{heading}: {display.for_page(approval.shown.question)}", body)


def _outcome(approval: Approval) -> str | Markup:
    if approval.outcome == DONE and approval.shown.done:
        return marked_up(approval.shown.done)
    if approval.outcome:
        return approval.outcome
    return _IN_PROGRESS if approval.state == "spent" or approval.callers else _NOT_YET


def marked_up(text: str) -> Markup:
    """A text of a question: text by other people is set apart, numbers and addresses are not broken."""
    return Markup().join(
        Markup("<bdi>“{}”</bdi>").format(_unbroken(part)) if is_quoted else _unbroken(part)
        for is_quoted, part in display.parts(text)
    )


def _unbroken(text: str) -> Markup:
    result, end = Markup(), 0
    for found in _UNBROKEN.finditer(text):
        result += escape(text[end : found.start()]) + Markup('<span class="whole">{}</span>').format(found[0])
        end = found.end()
    return result + escape(text[end:])


def _owner(approval: Approval) -> dict[str, str]:
    shown = approval.shown
    return {
        "organization": one_line(shown.organization),
        "demo": "Demo data" if shown.is_demo else "",
    }


def _client(client: str) -> str | Markup:
    known = next((name for start, name in _CLIENTS if client.casefold().startswith(start)), "")
    if known:
        return Markup("<strong>{}</strong>").format(known)
    name = display.for_page(display.quoted(client, 60))
    return Markup("An app that calls itself <bdi>{}</bdi>").format(name) if name else "Your assistant"


def _rows(details: tuple[tuple[str, str], ...], kind: str) -> Markup:
    rows = Markup().join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(marked_up(label), marked_up(value)) for label, value in details
    )
    return Markup('<dl class="{}">{}</dl>\n').format(kind, rows) if details else Markup()


def _number_field(number: str, problem: str, typed: str) -> Markup:
    attributes = Markup(' aria-describedby="problem" aria-invalid="true" autofocus') if problem else ""
    return (
        _fill("number.html", number=marked_up(number), typed=typed, attributes=attributes, problem=problem)
        if number
        else Markup()
    )


def _minutes(seconds: float) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    return f"{minutes} more minute{'' if minutes == 1 else 's'}"
