"""axe-core finds nothing in any state of the pages, in light and dark mode, in a real browser.

axe-core comes from a Python package whose own browser driver is not used.
"""

import importlib.util
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from approving import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from test_approval_page_browser import CHROMEDRIVER, CHROMIUM, Browser
from test_approval_page_browser import browser as browser

from zoho_mcp.approval_page.html import outcome_page, question_page
from zoho_mcp.connect import html as connect
from zoho_mcp.http.approval_page import log_in_page, logged_in_page, not_theirs_page
from zoho_mcp.pages.html import notice_page
from zoho_mcp.pages.requests import HEADERS
from zoho_mcp.policy.approvals import DECLINED, DONE, NOBODY, Approval, Binding, Prompt
from zoho_mcp.settings.variables import DATA_CENTRES

AXE = importlib.util.find_spec("axe_playwright_python")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.anyio,
    pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER and AXE), reason="needs Chromium, its driver, the group browser"),
]
PROMPT = Prompt(
    title="Void an invoice",
    question="Void invoice INV-000033, 4,500.00 EUR, of \u2068Grünwald & Söhne\u2069?",
    details=(("Status", "sent"), ("Due", "3 July 2026"), ("E-mail", "\u2068ada@gruenwald.example\u2069")),
    client="claude-ai 1.0",
    amount="4,500.00 EUR",
    losses=(("Comes loose", "payment 12 of 1 June 2026, 200.00 EUR"), ("Becomes unused credit", "200.00 EUR")),
    organization="Linden Studio",
    is_demo=True,
    done="Invoice INV-000033 is void.",
    final=True,
)
LARGE = replace(PROMPT, type_number="INV-000033", client="some host 2")
MAIL = replace(PROMPT, texts=(("Text", "Dear Ada,\n\n" + "please pay. " * 200),), losses=(), final=False)


def asked(prompt: Prompt = PROMPT, **state: Any) -> Approval:
    """An approval in this state."""
    approval = Approval("page", Binding("call", "record"), prompt, expires_at=300)
    for name, value in state.items():
        setattr(approval, name, value)
    return approval


REDIRECT = "http://localhost:8765/callback"
PAGES: dict[str, str] = {
    "question": question_page(asked(), "view", 290),
    "question with little in it": question_page(asked(Prompt(title="Delete", question="Delete it?")), "view", 290),
    "question that takes the number": question_page(asked(LARGE), "view", 290),
    "wrong number": question_page(asked(LARGE), "view", 290, "That is not the number.", "INV-1"),
    "text of a mail": question_page(asked(MAIL), "view", 290),
    "changed record": question_page(asked(record_changed=True), "view", 59),
    "at work": outcome_page(asked(state="spent")),
    "approved without a call": outcome_page(asked(state="approved")),
    "done": outcome_page(asked(state="spent", outcome=DONE)),
    "failed": outcome_page(asked(state="spent", outcome="You approved, but it did not work. “No.”")),
    "declined": outcome_page(asked(state="declined", outcome=DECLINED)),
    "expired": outcome_page(asked(state="expired", outcome=NOBODY)),
    "unknown address": notice_page("Not found", "This approval does not exist or has expired."),
    "log-in by token": log_in_page("/approvals/x", "", by_token=True),
    "wrong token": log_in_page("/approvals/x", "This is not a valid token for this server.", by_token=True),
    "log-in by issuer": log_in_page("/approvals/x", "", by_token=False),
    # Without its redirect, which would be faster than axe-core.
    "logged in": logged_in_page("/approvals/x", "ada").replace(' content="0; url=/approvals/x"', ""),
    "somebody else": not_theirs_page("/approvals/x", "ada"),
    "account, choice": connect.choice_page("/x", stored="Linden Studio", demo="Studio Linden"),
    "account, data centre": connect.data_centre_page("/x"),
    "account, client": connect.account_page("/x", DATA_CENTRES["eu"], REDIRECT, connect.Typed()),
    "account, wrong client": connect.account_page(
        "/x", DATA_CENTRES["eu"], REDIRECT, connect.Typed("1000.A", "books", True), "Wrong."
    ),
    "account, to Zoho": connect.leaving_page("/x", "https://z/", REDIRECT).replace(' content="0; url=https://z/"', ""),
    "account, connected": connect.ready_page("Linden Studio", is_demo=False, path="/x"),
    "account, ready": connect.ready_page("Linden Studio", is_demo=True, path="/x"),
    "account, problem": connect.problem_page("That did not work", ["Zoho refused the client."], "/x"),
    "account, organisation": connect.organization_page("/x", [("1", "Linden Studio"), ("2", "Linden Export")]),
}


@asynccontextmanager
async def shown() -> AsyncGenerator[str]:
    """The pages on loopback, with the headers they are served with."""

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(list(PAGES.values())[int(request.path_params["number"])], headers=HEADERS)

    async with serving(Starlette(routes=[Route("/{number}", page)])) as address:
        yield address


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_axe_core_finds_nothing_in_any_state(browser: Browser, dark: bool, phone: bool) -> None:
    assert AXE is not None
    assert AXE.origin is not None
    axe = Path(AXE.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    async with shown() as address:
        await browser.look_like(dark=dark, phone=phone)
        for number, name in enumerate(PAGES):
            await browser.go(f"{address}/{number}")
            await browser.script(axe)
            problems = await browser.script(_RUN)
            if problems:
                found[name] = problems
        await browser.look_like()
    assert found == {}


_RUN = """
const found = await axe.run(document, {resultTypes: ['violations']});
return found.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' | '))
"""
