"""Writes server.json for the MCP registry (schema 2025-12-11): `python docs/registry.py`. The tests compare.

The remote is a form to fill in: everybody runs a server of their own, and nobody runs one for all.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from zoho_mcp.settings.variables import SETTINGS, Setting

ROOT = Path(__file__).parent.parent
NAME = "io.github.zoho-invoice-mcp/zoho-invoice-mcp"
SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"


def document() -> dict[str, Any]:
    """server.json, from the package's metadata and the settings.

    Every option of the command that a registry's client could ask for is a setting too, and a flag that stands among a
    package's arguments is passed whether or not it is wanted: so there are variables and no arguments.
    """
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "$schema": SCHEMA,
        "name": NAME,
        "title": "Zoho Invoice",
        "description": about["description"],
        "repository": {"url": about["urls"]["Repository"], "source": "github"},
        "version": about["version"],
        "packages": [
            {
                "registryType": "pypi",
                "registryBaseUrl": "https://pypi.org",
                "identifier": about["name"],
                "version": about["version"],
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "environmentVariables": [_variable(setting) for setting in SETTINGS],
            }
        ],
        "remotes": [
            {
                "type": "streamable-http",
                "url": "https://{host}/mcp",
                "variables": {
                    "host": {"description": "Where your own server is reached (ZOHO_PUBLIC_URL).", "isRequired": True}
                },
                "headers": [
                    {
                        "name": "Authorization",
                        "description": "Bearer, a blank, and your token (`zoho-invoice-mcp token add NAME`); not "
                        "where the server trusts an OAuth issuer.",
                        "isSecret": True,
                    }
                ],
            }
        ],
    }


def _variable(setting: Setting) -> dict[str, Any]:
    variable: dict[str, Any] = {"name": setting.name, "description": setting.meaning}
    if setting.secret:
        variable |= {"isSecret": True}
    if setting.choices == ("true", "false"):
        variable |= {"format": "boolean"}
    elif setting.choices:
        variable |= {"choices": list(setting.choices)}
    elif setting.name.endswith(("_DIR", "_FILE")):
        variable |= {"format": "filepath"}
    if setting.default:
        variable |= {"default": setting.default}
    return variable


def text() -> str:
    """server.json as it is written."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (ROOT / "server.json").write_text(text(), encoding="utf-8")
