"""The approval page in a real browser, headless Chromium, driven over the plain WebDriver protocol."""

import base64
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from approving import Desk, a_desk, both, browser_session, serving
from conftest import Zoho, call, kind_of, text_of
from mcp import Client
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from test_approval_page import HOSTILE, a_window
from test_confirm import sent_invoice, status

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.anyio,
    pytest.mark.skipif(
        not (CHROMIUM and CHROMEDRIVER),
        reason="needs Chromium and its driver (on Debian: apt-get install chromium chromium-driver)",
    ),
]
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=900,900",
            "--host-resolver-rules=MAP rebound.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, "
            "EXCLUDE localhost"]  # fmt: skip


class Refusal(Exception):
    """The driver could not do it, mostly because the page was just being left."""


class Browser:
    """One window of a real browser."""

    def __init__(self, session: str) -> None:
        self._session = session

    async def run(self, command: str, method: str = "POST", **parameters: Any) -> Any:
        async with browser_session(timeout=30) as driver:
            address = f"{self._session}/{command}"
            answer = await (driver.post(address, json=parameters) if method == "POST" else driver.get(address))
            value = answer.json()["value"]
            if answer.status_code != 200:
                raise Refusal(value)
            return value

    async def go(self, address: str) -> None:
        await self.run("url", url=address)

    async def text(self) -> str:
        return await self.script("return document.body.innerText")

    async def until(self, text: str) -> str:
        """Wait until the page says this: a click returns before a slow page is there."""
        with anyio.fail_after(20):
            while True:
                with suppress(Refusal):
                    if text in (said := await self.text()):
                        return said

    async def script(self, script: str, *arguments: Any) -> Any:
        return await self.run("execute/sync", script=script, args=list(arguments))

    async def _element(self, css: str) -> str:
        return (await self.run("element", using="css selector", value=css))[_ELEMENT]

    async def click(self, decision: str) -> None:
        await self.press(f"button[value={decision}]")

    async def press(self, css: str) -> None:
        element = await self._element(css)
        await self.run(f"element/{element}/click")

    async def type(self, text: str, css: str = "#number") -> None:
        element = await self._element(css)
        await self.run(f"element/{element}/clear")
        await self.run(f"element/{element}/value", text=text)

    async def complaints(self) -> list[str]:
        """What the browser had to say about the pages since it was last asked."""
        return [entry["message"] for entry in await self.run("se/log", type="browser")]

    async def look_like(self, *, dark: bool = False, phone: bool = False) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self._devtools("Emulation.setEmulatedMedia", features=[scheme])
        size: dict[str, Any] = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        if phone:
            await self._devtools("Emulation.setDeviceMetricsOverride", **size)
        else:
            await self._devtools("Emulation.clearDeviceMetricsOverride")

    async def _devtools(self, command: str, **parameters: Any) -> None:
        await self.run("goog/cdp/execute", cmd=command, params=parameters)

    async def picture(self) -> bytes:
        return base64.b64decode(await self.run("screenshot", "GET"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert CHROMEDRIVER is not None
    arguments = [*_OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]
    wanted = {
        "goog:chromeOptions": {"binary": CHROMIUM, "args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    with subprocess.Popen([CHROMEDRIVER, "--port=0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = next(
                found[1] for line in process.stdout if (found := re.search(r"successfully on port (\d+)", line))
            )
            driver = f"http://127.0.0.1:{port}/session"
            with httpx.Client(verify=False, timeout=60) as starting:
                answer = starting.post(driver, json={"capabilities": {"alwaysMatch": wanted}}).json()["value"]
                assert "sessionId" in answer, answer
                session = f"{driver}/{answer['sessionId']}"
                yield Browser(session)
                starting.delete(session)
        finally:
            process.terminate()


@asynccontextmanager
async def asking(zoho: Zoho) -> AsyncGenerator[tuple[Client, Desk]]:
    async with (
        a_desk() as desk,
        zoho.client("legacy", can_ask=False, browser=desk.open, can_open_browser=True) as client,
    ):
        yield client, desk


async def test_approving_runs_the_call_and_shows_the_outcome(zoho: Zoho, browser: Browser) -> None:
    async with asking(zoho) as (client, desk):
        invoice = await sent_invoice(client)

        async def approve() -> None:
            await browser.go(await desk.next())
            assert "450.00" in await browser.text()
            await browser.click("approve")
            assert "is void." in await browser.until("is void.")

        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), approve())
        assert not result.is_error, text_of(result)
        assert await status(client, invoice) == "void"
        assert await browser.script("return document.cookie") == ""
        assert not any("Security" in said for said in await browser.complaints())


async def test_declining_does_nothing_and_shows_it(zoho: Zoho, browser: Browser) -> None:
    async with asking(zoho) as (client, desk):
        invoice = await sent_invoice(client)

        async def refuse() -> None:
            await browser.go(await desk.next())
            await browser.click("decline")
            await browser.until("Declined")
            await browser.run("refresh")
            await browser.until("Declined")
            await browser.run("back")

        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), refuse())
        assert kind_of(result) == "declined"
        assert await status(client, invoice) == "sent"


async def test_a_large_amount_is_approved_by_typing_the_number(zoho: Zoho, browser: Browser) -> None:
    async with asking(zoho) as (client, desk):
        invoice = await sent_invoice(client, total=5000)
        number = (await call(client, "get_invoice", invoice_id=invoice))["invoice"]["invoice_number"]

        async def approve() -> None:
            await browser.go(await desk.next())
            await browser.click("approve")
            assert "Approve" in await browser.text()  # the empty field keeps the form
            await browser.type("INV-0")
            await browser.click("approve")
            await browser.until("That is not the number.")
            await browser.type(number)
            await browser.click("approve")
            assert "is void." in await browser.until("is void.")

        result = await both(client.call_tool("void_invoice", {"invoice_id": invoice}), approve())
        assert not result.is_error, text_of(result)


async def test_the_page_shows_the_outcome_of_a_slow_call(zoho: Zoho, browser: Browser) -> None:
    async with a_window(zoho) as window:
        await window.approvals.decide(window.approval, yes=True)
        await window.approvals.spend(window.approval, window.approval.bound)
        await browser.go(window.address)
        assert "The change is being made now." in await browser.text()
        await window.approvals.settle(window.approval, "Done.")
        await browser.press("main a")
        await browser.until("is void.")


async def test_hostile_text_is_text_in_a_real_browser(zoho: Zoho, browser: Browser) -> None:
    async with a_desk() as desk:
        changes: dict[str, Any] = {"can_open_browser": True, "approval_wait": 0.05}
        async with zoho.client(can_ask=False, browser=desk.open, **changes) as client:
            made = await call(client, "create_customer", contact_name=HOSTILE[:90], company_name=HOSTILE)
            await client.call_tool("delete_customer", {"customer_id": made["customer"]["customer_id"]})
            await browser.go(await desk.next())
            assert "<script>alert(1)</script>" in await browser.text()
            assert await browser.script("return [document.forms.length, document.scripts.length]") == [1, 0]


@asynccontextmanager
async def another_site(html: str) -> AsyncGenerator[str]:
    async def page(request: Any) -> HTMLResponse:
        return HTMLResponse(html)

    async with serving(Starlette(routes=[Route("/", page)])) as address:
        yield address


async def test_another_site_can_neither_frame_the_page_nor_send_its_form(zoho: Zoho, browser: Browser) -> None:
    async with a_window(zoho) as window:
        view = await window.desk.view(window.address)
        async with another_site(f'<p>Win!</p><iframe src="{window.address}"></iframe>') as evil:
            await browser.go(evil)
            with anyio.fail_after(20):
                while not any("frame" in said for said in await browser.complaints()):
                    await anyio.lowlevel.checkpoint()
            frame = await browser.run("element", using="css selector", value="iframe")
            await browser.run("frame", id=frame)
            assert "Void" not in await browser.text()
            await browser.run("frame", id=None)
        form = f"""<form id=f method=post action="{window.address}"><input name=view value="{view}">
            <input name=decision value=approve></form>"""
        async with another_site(form) as evil:
            await browser.go(evil)
            await browser.script("document.getElementById('f').submit()")
            await browser.until("Refused")
        assert await window.is_untouched()


async def test_a_rebound_host_name_sees_nothing(zoho: Zoho, browser: Browser) -> None:
    async with a_window(zoho) as window:
        port = urlsplit(window.address).port
        await browser.go(window.address.replace("127.0.0.1", "rebound.example"))
        assert f":{port}/" in await browser.script("return location.href")
        assert "Refused" in await browser.text()
        assert await window.is_untouched()


CONTRAST = """
const value = c => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4 };
const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number); return .2126*value(r) + .7152*value(g) + .0722*value(b) };
const opaque = c => !/, 0\\)$/.test(c);
const behind = e => { while (!opaque(getComputedStyle(e).backgroundColor)) e = e.parentElement; return getComputedStyle(e).backgroundColor };
return [...document.querySelectorAll('h1,p,dt,dd,label,button')].map(e => {
  const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
  return [e.innerText.slice(0, 20), (a + .05) / (b + .05), parseFloat(getComputedStyle(e).fontSize)] })
"""  # noqa: E501


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_page_is_readable_in_light_and_dark_mode_and_on_a_phone(
    zoho: Zoho, browser: Browser, tmp_path: Path, dark: bool, phone: bool
) -> None:
    async with a_window(zoho, total=5000) as window:
        await browser.look_like(dark=dark, phone=phone)
        await browser.go(window.address)
        for text, contrast, size in await browser.script(CONTRAST):
            assert contrast >= 4.5, text
            assert size >= 16, text
        width, shown = await browser.script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert width <= shown
        heights = await browser.script("return [...document.querySelectorAll('button,input:not([type=hidden])')]"
                                       ".map(e => e.getBoundingClientRect().height)")  # fmt: skip
        assert min(heights) >= 44
        (tmp_path / "page.png").write_bytes(await browser.picture())
        await browser.look_like()
