"""State is opened in one way: regular files of this user, closed to others, never through a link."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zoho_mcp.audit.log import Audit
from zoho_mcp.errors import AuditError, SettingsError
from zoho_mcp.http.tokens import TokenFile, add_token, known_tokens, revoke_token
from zoho_mcp.policy.load import load_policy
from zoho_mcp.private_files import NotPrivateError, locked, open_state, read_owned, read_private, write_private
from zoho_mcp.specs.load import load

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and pipes of POSIX")
CATALOG = load("invoice", "")


def as_link(path: Path) -> None:
    path.with_suffix(".real").write_text("{}")
    path.with_suffix(".real").chmod(0o600)
    path.symlink_to(path.with_suffix(".real"))


def as_pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


def writable_by_others(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0o622)


BAD = {"a link": as_link, "a pipe": as_pipe, "a folder": Path.mkdir, "writable by others": writable_by_others}


@pytest.mark.parametrize("kind", BAD)
def test_state_is_never_read_from_a_file_that_others_could_have_made(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "state"
    BAD[kind](path)
    for read in (read_private, read_owned):
        with pytest.raises((NotPrivateError, IsADirectoryError)):
            read(path)
    with pytest.raises((NotPrivateError, IsADirectoryError)):
        open_state(path, os.O_RDWR)


@pytest.mark.parametrize("kind", BAD)
def test_policy_audit_and_token_files_are_refused_alike(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "state"
    BAD[kind](path)
    with pytest.raises(SettingsError):
        load_policy(CATALOG, file=str(path))
    with pytest.raises(AuditError):
        Audit(str(path)).append({"tool": "x"})
    assert TokenFile(path).owner("zim_x") is None
    with pytest.raises(SettingsError):
        known_tokens(path)


def test_a_file_for_everybody_to_read_is_no_place_for_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("x")
    path.chmod(0o644)
    assert read_owned(path) == "x"
    with pytest.raises(NotPrivateError):
        read_private(path)


def test_a_hundred_simultaneous_changes_of_the_token_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    for number in range(10):
        add_token(path, f"old{number}")
    with ThreadPoolExecutor(20) as pool:
        for change in [
            *(pool.submit(revoke_token, path, f"old{number}") for number in range(10)),
            *(pool.submit(add_token, path, f"new{number}") for number in range(90)),
        ]:
            change.result()
    assert {one.name for one in known_tokens(path)} == {f"new{number}" for number in range(90)}


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotPrivateError), locked(tmp_path / "state"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_written_only_this_user_can_read(tmp_path: Path) -> None:
    write_private(tmp_path / "sub" / "state", "secret")
    assert (tmp_path / "sub" / "state").stat().st_mode & 0o777 == 0o600
