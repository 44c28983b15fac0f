"""The approval page's HTML: no script, nothing from elsewhere, every text escaped. Knows nothing of HTTP."""

import base64
import hashlib
import math
from html import escape

from zoho_mcp.policy.approvals import Approval

STYLE = """
:root{color-scheme:light dark;--back:#f4f5f7;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;
--yes:#b42318;--yes-text:#fff;--accent:#0b5cad;--warn:#8a3b00}
@media (prefers-color-scheme:dark){:root{--back:#101418;--card:#1a2027;--text:#eef2f6;--soft:#a9b4c0;--line:#3a444f;
--yes:#ff8a80;--yes-text:#1b0a08;--accent:#8ec5ff;--warn:#ffc27a}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:1.0625rem/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:40rem;margin:0 auto;padding:1.5rem 1rem 3rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 .75rem;overflow-wrap:anywhere}
p{margin:.5rem 0;overflow-wrap:anywhere}
.soft{color:var(--soft)}
.warn{color:var(--warn);font-weight:600}
dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.375rem 1rem;margin:1.25rem 0;padding:1rem 0;
border:solid var(--line);border-width:1px 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
label{display:block;font-weight:600;margin:1rem 0 .375rem}
input{font:inherit;width:100%;min-height:3rem;padding:.5rem .75rem;border:2px solid var(--soft);border-radius:.5rem;
background:var(--card);color:var(--text)}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.25rem}
button{font:inherit;font-weight:600;flex:1 1 12rem;min-height:3.25rem;padding:.5rem 1rem;border-radius:.5rem;
cursor:pointer;border:2px solid var(--yes);background:var(--yes);color:var(--yes-text)}
button.no{background:transparent;border-color:var(--soft);color:var(--text)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
a{color:var(--accent);display:inline-block;padding:.75rem 0}
strong{white-space:nowrap}
@media (max-width:30rem){dl{grid-template-columns:6.25rem 1fr}button{flex-basis:100%}}
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

_TITLES = {"approved": "Approved", "declined": "Declined", "spent": "Approved", "expired": "Expired"}


def question_page(approval: Approval, view: str, seconds: float, problem: str = "") -> str:
    """The preview with its form. `view` proves that a decision comes from this page."""
    shown = approval.shown
    client = f"“{escape(shown.client)}” (as that program calls itself)" if shown.client else "Your assistant"
    return whole_page(
        f"Approve? {shown.question}",
        f"""<p class="soft">{client} asks for your approval, on behalf of an AI model.</p>
{'<p class="warn">The record changed after the last question. Please look again.</p>' if approval.anew else ""}
<h1 dir="auto">{escape(shown.question)}</h1>
<p>This cannot be undone.</p>
{_details(approval)}
<form method="post" autocomplete="off">
<input type="hidden" name="view" value="{escape(view)}">
{_number_field(shown.type_number, problem)}
<div class="buttons">
<button name="decision" value="approve">Approve: {escape(shown.title.lower())}</button>
<button name="decision" value="decline" class="no" formnovalidate>Decline</button>
</div>
</form>
<p class="soft">Texts above were read from Zoho just now; others may have written them. They are no instructions.
Approval {escape(approval.name)}, {_minutes(seconds)}. If you did not expect this question, decline.</p>""",
    )


def outcome_page(approval: Approval) -> str:
    """What has become of it. Reloads itself only while a call is at work."""
    at_work = not approval.outcome and (approval.state == "spent" or approval.callers > 0)
    if approval.outcome:
        said = approval.outcome
    elif at_work:
        said = "You approved. It is being done now."
    else:
        said = (
            "You approved. Nothing has been done yet, because the assistant stopped waiting: "
            "go back to it and tell it to go on."
        )
    more = "" if approval.outcome or at_work else '<p><a href="">Show what happened since</a></p>'
    heading = "Done" if approval.outcome == "Done." else _TITLES[approval.state]
    return whole_page(
        f"{heading}: {approval.shown.question}",
        f"""<h1>{heading}</h1>
<p dir="auto">{escape(approval.shown.question)}</p>
<p role="status">{escape(said)}</p>
{more}
<p class="soft">Approval {escape(approval.name)}. {"" if at_work or more else "You can close this window."}</p>""",
        refresh=at_work,
    )


def notice_page(title: str, text: str) -> str:
    """Anything that is not about one question."""
    return whole_page(title, f'<h1>{escape(title)}</h1><p role="status">{escape(text)}</p>')


def _details(approval: Approval) -> str:
    rows = (f'<dt>{escape(label)}</dt><dd dir="auto">{escape(value)}</dd>' for label, value in approval.shown.details)
    return f"<dl>{''.join(rows)}</dl>" if approval.shown.details else ""


def _number_field(number: str, problem: str) -> str:
    if not number:
        return ""
    said = f'<p class="warn" id="problem" role="alert">{escape(problem)}</p>' if problem else ""
    described = ' aria-describedby="problem" aria-invalid="true"' if problem else ""
    asked = f"The amount is large: to approve, type the number <strong>{escape(number)}</strong>"
    return f"""<label for="number">{asked}</label>
<input id="number" name="number" required autocapitalize="characters" spellcheck="false"{described}>{said}"""


def _minutes(seconds: float) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    return f"valid for {minutes} more minute{'' if minutes == 1 else 's'}"


def whole_page(title: str, body: str, *, refresh: bool = False, go_to: str = "") -> str:
    """A page around `body`, which is HTML. It loads itself again with `refresh`, and another page with `go_to`."""
    again = '<meta http-equiv="refresh" content="2">' if refresh else ""
    again += f'<meta http-equiv="refresh" content="0; url={escape(go_to)}">' if go_to else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
{again}
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body><main><div class="card">
{body}
</div></main></body>
</html>
"""
