"""The approval page of the real process over stdio, opened by the program in `BROWSER`."""

import json
import sys
from pathlib import Path

import anyio
import pytest
from conftest import ERAS, Era, call, text_of
from mcp import Client, StdioServerParameters
from test_processes import COMMAND, PLAIN

pytestmark = [pytest.mark.anyio, pytest.mark.processes]

# A browser that talks on the standard output it got, tells what it knows, and whose user approves.
BROWSER = """
import json, os, re, subprocess, sys, urllib.parse, urllib.request
print("Opening in existing browser session.", flush=True)
address = sys.argv[1]
if len(sys.argv) == 2:
    subprocess.Popen([sys.executable, __file__, address, "decide"])
    raise SystemExit
known = {"secrets": [name for name in os.environ if name.startswith("ZOHO_")], "output": os.readlink("/proc/self/fd/1")}
page = urllib.request.urlopen(address).read().decode()
view = re.search('name="view" value="([^"]+)"', page)[1]
form = urllib.parse.urlencode({"view": view, "decision": "approve"}).encode()
origin = "/".join(address.split("/")[:3])
answer = urllib.request.urlopen(urllib.request.Request(address, form, {"Origin": origin})).read().decode()
with open(os.path.join(os.path.dirname(__file__), "known.json"), "w") as file:
    json.dump({**known, "answer": answer}, file)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see where a browser's output goes")
@pytest.mark.parametrize("era", ERAS)
async def test_a_click_in_the_browser_runs_the_call_that_waits(era: Era, tmp_path: Path) -> None:
    script = tmp_path / "browser.py"
    script.write_text(BROWSER)
    environment = PLAIN | {"BROWSER": f"{sys.executable} {script} %s", "ZOHO_CONFIRM_TIMEOUT": "20"}
    server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "--sandbox"], env=environment)
    with anyio.fail_after(60):
        async with Client(server, mode=era) as client:
            rows = (await call(client, "list_invoices", status="sent"))["invoices"]
            invoice = next(row["invoice_id"] for row in rows if row["total"] < 1000)
            result = await client.call_tool("void_invoice", {"invoice_id": invoice})
            assert not result.is_error, text_of(result)
            assert (await call(client, "get_invoice", invoice_id=invoice))["invoice"]["status"] == "void"
            known = tmp_path / "known.json"
            while not (known.exists() and known.read_text().endswith("}")):
                await anyio.lowlevel.checkpoint()
    told = json.loads(known.read_text())
    assert "<h1>Done</h1>" in told["answer"]
    assert told["secrets"] == []
    assert told["output"] == "/dev/null"
