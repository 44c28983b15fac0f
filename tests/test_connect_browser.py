"""The page for connecting an account in a real browser: from nothing to the first answer, without a terminal."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from conftest import call
from connecting import CLIENT, a_newcomer
from mcp import Client
from test_approval_page_browser import CHROMEDRIVER, CHROMIUM, CONTRAST, Browser
from test_approval_page_browser import browser as browser
from test_connect import opened

from zoho_mcp.sandbox.credentials import CREDENTIALS
from zoho_mcp.sandbox.demo.organization import add_organization, today_there
from zoho_mcp.sandbox.times import utc_now

pytestmark = [
    pytest.mark.browser,
    pytest.mark.anyio,
    pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason="needs Chromium and its driver"),
]

PRESSED = "button:not([hidden]),input:not([type=radio]):not([type=checkbox]),label.choice"


async def test_a_person_tries_demo_data_then_connects_their_account(browser: Browser, tmp_path: Path) -> None:
    async with a_newcomer(tmp_path) as newcomer, Client(newcomer.server()) as client:
        add_organization(newcomer.zoho.state.store, "900000002", "Linden Export", today=today_there(utc_now()))
        address = await opened(newcomer, client)
        await browser.go(address)
        await browser.click("demo")
        await browser.until("Demo data is on")
        assert "demo_data" in await call(client, "list_invoices", per_page=1)
        await browser.press('a[href$="/account"]')
        await browser.until("Where do you log in to Zoho?")
        await browser.press('a[href$="/account/us"]')
        await browser.until("Create a client at Zoho")
        port = address.split("/")[2].rpartition(":")[2]
        assert f"http://localhost:{port}/callback" in await browser.text()
        await browser.press("#copy")
        with anyio.fail_after(20):
            while not await browser.script("return document.getElementById('copied').textContent"):
                await anyio.lowlevel.checkpoint()
        # An empty field keeps the form.
        await browser.press("button.ok")
        await browser.type(CLIENT["client_id"], "#client_id")
        await browser.type(CLIENT["client_secret"], "#client_secret")
        await browser.press("button.ok")
        # Zoho's sandbox agrees by itself.
        await browser.until("Which organisation?")
        await browser.press('input[value="900000001"]')
        await browser.press("button.ok")
        await browser.until(f"Connected: {CREDENTIALS.organization_name}")
        assert "demo_data" not in await call(client, "list_invoices", per_page=1)
        assert await browser.script("return document.cookie") == ""
        assert not any("Security" in said for said in await browser.complaints())


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_each_step_is_readable_with_large_controls(
    browser: Browser, tmp_path: Path, dark: bool, phone: bool
) -> None:
    async with a_newcomer(tmp_path) as newcomer, Client(newcomer.server()) as client:
        address = await opened(newcomer, client)
        await browser.look_like(dark=dark, phone=phone)
        for step in ("", "/account", "/account/us"):
            await browser.go(f"{address}{step}")
            for text, contrast, size in await browser.script(CONTRAST):
                assert contrast >= 4.5, text
                assert size >= 13, text
            width, shown = await browser.script("return [document.documentElement.scrollWidth, window.innerWidth]")
            assert width <= shown
            heights = await browser.script(f"return [...document.querySelectorAll('{PRESSED}')]"
                                           ".map(e => e.getBoundingClientRect().height)")  # fmt: skip
            assert min([44, *heights]) >= 44
            (tmp_path / f"page{step.replace('/', '-')}.png").write_bytes(await browser.picture())
        await browser.look_like()
