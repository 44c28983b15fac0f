"""Stops a release whose tag is not the version that every manifest says: `python .github/check_version.py v1.2.3`."""

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
MANIFESTS = ("server.json", "gemini-extension.json", ".claude-plugin/plugin.json")


def versions() -> dict[str, str]:
    """The version by the file that says it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = (ROOT / "zoho_mcp" / "__init__.py").read_text(encoding="utf-8")
    found = {"pyproject.toml": str(project["version"])}
    if said := re.search(r'^__version__ = "(.+)"$', package, re.MULTILINE):
        found["zoho_mcp/__init__.py"] = said[1]
    for name in MANIFESTS:
        path = ROOT / name
        if path.exists():
            found[name] = str(json.loads(path.read_text(encoding="utf-8"))["version"])
    return found


def main(tag: str) -> int:
    """0 if the tag and all files agree, and the changelog has a section for the version."""
    found = versions() | {"tag": tag.removeprefix("v")}
    if len(set(found.values())) > 1:
        print("\n".join(f"{name}: {version}" for name, version in found.items()), file=sys.stderr)
        return 1
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## \[?{re.escape(found['tag'])}\b", changelog, re.MULTILINE):
        print(f"CHANGELOG.md has no section for {found['tag']}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
