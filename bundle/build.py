"""Builds the Claude Desktop bundle, dist/zoho-invoice-mcp.mcpb: `python bundle/build.py`, or `make bundle`.

The manifest follows MCPB's specification 0.4, server type `uv`: the bundle holds the source and the names of its
dependencies, the host's uv fetches Python and those. The same source gives the same file, byte for byte.
"""

import json
import tomllib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoho_mcp.connect.not_connected import CONNECT
from zoho_mcp.server.prompts.prompt import Prompt, all_prompts
from zoho_mcp.server.tools.offered import chosen
from zoho_mcp.settings import from_environment
from zoho_mcp.settings.variables import SETTINGS, Setting
from zoho_mcp.specs.load import load

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "dist" / "zoho-invoice-mcp.mcpb"
_THEN = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the bundle, the earliest a zip can hold."""
_TITLES = {
    "ZOHO_READ_ONLY": "Read only",
    "ZOHO_EDITION": "Country edition",
    "ZOHO_TOOLSETS": "Toolsets",
    "ZOHO_UPLOAD_DIR": "Folder for receipts to upload",
    "ZOHO_DOWNLOAD_DIR": "Folder for saved PDFs",
    "ZOHO_POLICY_FILE": "Policy file",
    "ZOHO_PROFILE": "Stored login",
    "ZOHO_SANDBOX": "Always use demo data",
}
"""The settings that a person may want to give in Claude Desktop, in the order they are shown. None is about the
account: the server starts without one, and a page in the browser takes what Zoho's console shows."""
_IGNORED = ".venv/\n__pycache__/\n*.pyc\nuv.lock\n"


def project() -> dict[str, Any]:
    """What pyproject.toml says about the package."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def manifest() -> dict[str, Any]:
    """manifest.json, from the package's metadata, the settings and the specs."""
    about = project()
    known = {setting.name: setting for setting in SETTINGS}
    asked = [known[name] for name in _TITLES if name in known]
    return {
        "manifest_version": "0.4",
        "name": about["name"],
        "display_name": "Zoho Invoice",
        "version": about["version"],
        "description": about["description"],
        "long_description": _LONG,
        "author": {"name": about["authors"][0]["name"]},
        "repository": {"type": "git", "url": about["urls"]["Repository"]},
        "homepage": about["urls"]["Repository"],
        "documentation": about["urls"]["Documentation"],
        "support": about["urls"]["Issues"],
        "icon": "icon.png",
        "server": _server(asked),
        "tools": [{"name": name, "description": text} for name, text in _tools()],
        "prompts": [_prompt(prompt) for prompt in all_prompts().values()],
        "keywords": about["keywords"],
        "license": about["license"],
        "privacy_policies": ["https://www.zoho.com/privacy.html"],
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": about["requires-python"]},
        },
        "user_config": {_key(setting): _field(setting) for setting in asked},
    }


def _tools() -> Iterator[tuple[str, str]]:
    """Name and description of each tool that a server without an account lists."""
    yield CONNECT.name, CONNECT.description or ""
    for name, operation in chosen(load(), from_environment({}, account=False)).items():
        yield name, operation.description


def _prompt(prompt: Prompt) -> dict[str, Any]:
    """A manifest cannot say which arguments may be left out; the text does."""
    names = [argument.name for argument in prompt.arguments]
    said = "\n".join(f"- {name}: ${{arguments.{name}}}" for name in names)
    text = f"{prompt.text}\n\nWhat I can tell you; what is empty, I have not said:\n{said}"
    return {"name": prompt.name, "description": prompt.description, "arguments": names, "text": text}


def _server(asked: Iterable[Setting]) -> dict[str, Any]:
    """How the host starts it; a host that manages uv itself runs the entry point with the same variables."""
    config = {
        "command": "uv",
        "args": ["run", "--directory", "${__dirname}", "main.py"],
        "env": {setting.name: f"${{user_config.{_key(setting)}}}" for setting in asked},
    }
    return {"type": "uv", "entry_point": "main.py", "mcp_config": config}


_LONG = (
    "Lets Claude run a small business's invoicing on **Zoho Invoice** or **Zoho Books**. A person is asked before "
    "anything is deleted, voided or refunded.\n\nLeave the form empty and ask a question. A page opens in your "
    "browser: try it with demo data on this computer, or connect your Zoho account step by step."
)


def _key(setting: Setting) -> str:
    return setting.name.removeprefix("ZOHO_").lower()


def _field(setting: Setting) -> dict[str, Any]:
    """One line of the form. Every field has a default, for without one its placeholder would reach the server; but an
    empty one, for what is sent would beat what a stored login says.
    """
    about = setting.meaning
    if setting.choices == ("true", "false"):
        kind, default = "boolean", setting.default == "true"
    elif setting.name.endswith(("_DIR", "_FILE")):
        kind, default = "directory" if setting.name.endswith("_DIR") else "file", ""
    else:
        kind, default = "string", ""
        if setting.name == "ZOHO_TOOLSETS":
            about += f" There are {', '.join(load().toolsets)}. Empty: the usual ones."
        elif setting.choices:
            about += f" One of {', '.join(setting.choices)}; empty: {setting.default or 'none'}."
    field = {"type": kind, "title": _TITLES[setting.name], "description": about, "required": False, "default": default}
    return {**field, "sensitive": True} if setting.secret else field


def _pyproject() -> str:
    """For uv: what to fetch. The source lies beside it, there is nothing to build."""
    about = project()
    lines = [f"{key} = {json.dumps(about[key])}" for key in ("name", "version", "requires-python")]
    lines += ["dependencies = [", *(f"    {json.dumps(one)}," for one in about["dependencies"]), "]"]
    locked = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line]
    tested = ["constraint-dependencies = [", *(f"    {json.dumps(one)}," for one in locked), "]"]
    return "\n".join(["[project]", *lines, "", "[tool.uv]", "package = false", *tested, ""])


def contents() -> Mapping[str, bytes]:
    """Every file of the bundle by its path, in order."""
    files = {
        "manifest.json": (json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n").encode(),
        "pyproject.toml": _pyproject().encode(),
        ".mcpbignore": _IGNORED.encode(),
        "main.py": (ROOT / "bundle" / "main.py").read_bytes(),
        "icon.png": (ROOT / "bundle" / "icon.png").read_bytes(),
    }
    paths = [ROOT / "LICENSE", ROOT / "README.md", *(ROOT / "tool_specs").rglob("*"), *(ROOT / "zoho_mcp").rglob("*")]
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    return dict(sorted(files.items()))


def build(target: Path = TARGET) -> Path:
    """Write the bundle."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in contents().items():
            info = zipfile.ZipInfo(name, _THEN)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, content)
    return target


if __name__ == "__main__":
    print(f"{build().relative_to(ROOT)}: {TARGET.stat().st_size:,} bytes, {len(contents())} files")
