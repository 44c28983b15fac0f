"""Editing JSON as text, on texts laid out in every odd way: read again, the result says exactly what was meant."""

import json
import random
from collections.abc import Sequence

import pytest

from zoho_mcp.cli.clients import json_text

ENTRY = {"command": "/x", "args": ["--a"]}
STRINGS = ("a", '"}{', "//x", "é\\", "[,]", "")


class Author:
    """Writes JSON objects as nobody would; with comments and trailing commas, if `comments`."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.comments = seed % 2 == 1

    def space(self) -> str:
        odd = ("/* , } */", "// {x\n") if self.comments else ()
        return "".join(self.dice.choice((" ", "\n", "\t", "\r\n", *odd)) for _ in range(self.dice.randint(0, 2)))

    def document(self) -> str:
        keys = [f"k{number}" for number in range(self.dice.randint(0, 3))]
        if self.dice.random() < 0.7:
            keys.insert(self.dice.randint(0, len(keys)), "mcpServers")
        return self.space() + self.object(keys) + self.space()

    def object(self, keys: Sequence[str], depth: int = 0) -> str:
        parts = [f"{self.space()}{json.dumps(key)}{self.space()}:{self.value(key, depth)}" for key in keys]
        return "{" + self.joined(parts) + "}"

    def joined(self, parts: Sequence[str]) -> str:
        tail = "," if parts and self.comments and self.dice.random() < 0.3 else ""
        return ",".join(parts) + tail + self.space()

    def value(self, key: str, depth: int) -> str:
        kind = 6 if key == "mcpServers" else self.dice.randint(0, 6 if depth < 3 else 3)
        if kind == 6:
            names = [f"s{number}" for number in range(self.dice.randint(0, 3))]
            names += ["zoho-invoice"] if self.dice.random() < 0.3 else []
            value = self.object(names, depth + 1)
        elif kind >= 4:
            parts = [self.value("", depth + 1) for _ in range(self.dice.randint(0, 3))]
            value = "[" + self.joined(parts) + "]"
        elif kind:
            value = json.dumps(self.dice.choice(STRINGS), ensure_ascii=self.dice.random() < 0.5)
        else:
            value = self.dice.choice(("1", "-0.0", "1.0E+2", "true", "null"))
        return self.space() + value + self.space()


@pytest.mark.parametrize("hundred", range(10))
def test_an_entry_goes_in_and_out_of_any_text(hundred: int) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        author = Author(seed)
        text = author.document()
        before = json_text.read(text, comments=author.comments)
        added = json_text.put(text, "mcpServers", "zoho-invoice", ENTRY)
        servers = {**before.get("mcpServers", {}), "zoho-invoice": ENTRY}
        assert json_text.read(added, comments=author.comments) == {**before, "mcpServers": servers}
        rest = {name: server for name, server in servers.items() if name != "zoho-invoice"}
        forms = json_text.drop(added, "mcpServers", "zoho-invoice")
        assert json_text.read(forms[-1], comments=author.comments) == {**before, "mcpServers": rest}
        if before.get("mcpServers", {}).keys() == rest.keys():
            assert "".join(text.split()) in ["".join(form.split()) for form in forms]
