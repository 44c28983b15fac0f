"""Bearer tokens from a file: the holder of a token is let in under its name until it is revoked."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import ERAS, Era, Zoho, call
from mcp.shared.exceptions import MCPError
from serving import INITIALIZE, LIST, Site, a_site
from test_processes import run

from zoho_mcp.cli.main import main
from zoho_mcp.cli.serve.healthy import healthy
from zoho_mcp.errors import SettingsError
from zoho_mcp.http.settings import HttpSettings
from zoho_mcp.http.tokens import PREFIX, add_token, read_tokens, revoke_token

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@dataclass
class Tokens:
    """A file with a token for each of two users."""

    path: Path
    ada: str
    ben: str

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(tokens=self.path)


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    path = tmp_path / "http-tokens.json"
    return Tokens(path, add_token(path, "ada"), add_token(path, "ben"))


async def status(site: Site, token: str, **headers: str) -> int:
    return (
        await site.post(LIST, mcp_protocol_version="2026-07-28", authorization=f"Bearer {token}", **headers)
    ).status_code


@pytest.mark.parametrize("era", ERAS)
async def test_a_tokens_holder_is_let_in_under_its_name(era: Era, zoho: Zoho, tokens: Tokens, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    async with a_site(zoho, tokens.http, audit_file=str(audit)) as site, site.client(era, token=tokens.ada) as client:
        await call(client, "create_customer", contact_name="New")
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert {line["principal"] for line in lines} == {"ada"}
    assert tokens.ada not in audit.read_text()


async def test_nobody_else_is_let_in_and_nothing_reaches_zoho(zoho: Zoho, tokens: Tokens) -> None:
    held = read_tokens(tokens.path)[0].sha256
    ways: dict[str, dict[str, str]] = {
        "none": {},
        "an empty one": {"authorization": "Bearer"},
        "a made-up one": {"authorization": f"Bearer {PREFIX}{'x' * 43}"},
        "its hash": {"authorization": f"Bearer {held}"},
        "its name": {"authorization": "Bearer ada"},
        "half of it": {"authorization": f"Bearer {tokens.ada[:20]}"},
        "more than it": {"authorization": f"Bearer {tokens.ada}x"},
        "another scheme": {"authorization": f"Basic {tokens.ada}"},
        "a very long one": {"authorization": f"Bearer {'x' * 20_000}"},
        "in the address": {"path": f"/mcp?access_token={tokens.ada}"},
        "a cookie": {"cookie": f"token={tokens.ada}"},
    }
    answered: dict[str, set[int]] = {}
    async with a_site(zoho, tokens.http) as site:
        for name, way in ways.items():
            for body in (INITIALIZE, LIST):
                for era in ("", "2026-07-28"):
                    answer = await site.post(body, mcp_protocol_version=era, **way)
                    answered.setdefault(name, set()).add(answer.status_code)
                    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answered == {name: {401} for name in ways}
    assert zoho.app.state.request_log == []


async def test_a_good_token_does_not_excuse_another_page_or_a_forged_name(zoho: Zoho, tokens: Tokens) -> None:
    async with a_site(zoho, tokens.http) as site:
        assert await status(site, tokens.ada, origin="https://evil.example") == 403
        assert await status(site, tokens.ada, host="evil.example") == 421
        assert await status(site, tokens.ada, x_forwarded_for="203.0.113.7") != 403, "a proxy before it is welcome"
    assert zoho.app.state.request_log == []


async def test_revoking_and_adding_tokens_takes_effect_without_a_restart(zoho: Zoho, tokens: Tokens) -> None:
    async with a_site(zoho, tokens.http) as site, site.client("legacy", token=tokens.ada) as client:
        await call(client, "list_customers")
        before = len(zoho.received())
        revoke_token(tokens.path, "ada")
        with pytest.raises(MCPError):
            await client.call_tool("list_customers", {})
        assert len(zoho.received()) == before
        again = add_token(tokens.path, "ada")
        assert await status(site, again) != 401
        assert await status(site, tokens.ben) != 401


BROKEN: dict[str, Any] = {
    "no JSON": "{",
    "something else": "[]",
    "an entry without a hash": '{"tokens": [{"name": "ada"}]}',
    "a hash that is none": '{"tokens": [{"name": "ada", "sha256": ""}]}',
}


async def test_a_file_that_cannot_be_trusted_lets_nobody_in(zoho: Zoho, tokens: Tokens) -> None:
    good = tokens.path.read_text()
    async with a_site(zoho, tokens.http) as site:
        for text in BROKEN.values():
            tokens.path.write_text(text)
            assert await status(site, tokens.ada) == 401, text
        tokens.path.write_text(good)
        assert await status(site, tokens.ada) != 401
        if sys.platform != "win32":
            tokens.path.chmod(0o666)
            os.utime(tokens.path)
            assert await status(site, tokens.ada) == 401
            tokens.path.chmod(0o600)
            os.utime(tokens.path)
            assert await status(site, tokens.ada) != 401
        tokens.path.unlink()
        assert await status(site, tokens.ada) == 401
    assert zoho.app.state.request_log == []


async def test_a_users_session_does_not_exist_for_another(zoho: Zoho, tokens: Tokens) -> None:
    async with a_site(zoho, tokens.http) as site:
        opened = await site.post(INITIALIZE, authorization=f"Bearer {tokens.ada}")
        session = opened.headers["mcp-session-id"]
        answers = {
            name: await site.post(LIST, authorization=f"Bearer {token}", mcp_session_id=session)
            for name, token in (("ada", tokens.ada), ("ben", tokens.ben))
        }
        assert {name: answer.status_code for name, answer in answers.items()} == {"ada": 200, "ben": 404}
        assert (await site.post(LIST, mcp_session_id=session)).status_code == 401


def test_the_file_holds_no_token_and_nobody_else_can_read_it(tokens: Tokens) -> None:
    assert tokens.ada not in tokens.path.read_text()
    assert tokens.ada.removeprefix(PREFIX) not in tokens.path.read_text()
    if sys.platform != "win32":
        assert tokens.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "two words", "*", "../x", "-x", "x" * 65, "a\nb"])
def test_only_plain_names_are_accepted(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        add_token(tmp_path / "tokens.json", name)


def test_the_commands_add_list_and_revoke_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZOHO_HTTP_TOKENS", str(tmp_path / "tokens.json"))
    assert main(["token", "add", "ada"]) == 0
    token = capsys.readouterr().out.strip()
    assert token.startswith(PREFIX)
    assert token not in (tmp_path / "tokens.json").read_text()
    assert main(["token", "add", "ada"]) == 2
    assert "ada" in capsys.readouterr().err
    assert main(["token", "list"]) == 0
    assert capsys.readouterr().out.split()[0] == "ada"
    assert main(["token", "revoke", "ada"]) == 0
    assert main(["token", "revoke", "ada"]) == 2
    assert "ada" in capsys.readouterr().err


@pytest.mark.processes
async def test_the_process_lets_in_by_the_users_own_file_and_stops_on_a_signal(tmp_path: Path) -> None:
    from test_processes import COMMAND, PLAIN

    environment = PLAIN | {"ZOHO_HTTP_TOKENS": str(tmp_path / "tokens.json")}
    token = run("token", "add", "ada", **environment).stdout.strip()
    command = [*COMMAND, "--http", "127.0.0.1:0", "--sandbox"]
    async with await anyio.open_process(command, env=environment, stdout=None) as process:
        with anyio.fail_after(60):
            assert process.stderr is not None
            said = (await process.stderr.receive()).decode()
            url = said.split("serving at ")[1].split("/mcp")[0]
            assert "token" in said
            site = Site(url, None, None, HttpSettings())  # pyright: ignore[reportArgumentType] # another process's
            async with site.client(token=token) as client:
                assert (await client.list_tools()).tools
            assert await status(site, "wrong") == 401
            for served in (url.removeprefix("http://"), f"0.0.0.0:{url.rpartition(':')[2]}", ""):
                assert await anyio.to_thread.run_sync(healthy, served)
            process.terminate()
            assert await process.wait() == (0 if sys.platform != "win32" else 1)
            assert not await anyio.to_thread.run_sync(healthy, url.removeprefix("http://"))
