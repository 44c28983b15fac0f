# /// script
# requires-python = ">=3.11"
# dependencies = ["langchain-mcp-adapters>=0.3.2,<1"]
# ///
"""LangChain: the tools as LangChain tools, and a person's answer to the server's question.

`uv run examples/with_langchain.py` works on demo data. Needs `zoho-invoice-mcp` on the PATH, and no model.
"""

import asyncio
import json
import sys
from typing import Any

from langchain_mcp_adapters.callbacks import CallbackContext, Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from mcp.types import ElicitRequestParams, ElicitResult


async def ask(request: Any, question: ElicitRequestParams, where: CallbackContext) -> ElicitResult:
    """Show the question to the person and return the answer. Never answer it with a model."""
    print(question.message, file=sys.stderr)
    content: dict[str, Any] = {}
    for name in question.requestedSchema["required"]:
        field = question.requestedSchema["properties"][name]
        print(field.get("description") or f"{field['title']}? yes or no", file=sys.stderr)
        answer = (await asyncio.to_thread(input)).strip()
        content[name] = answer.lower() == "yes" if field["type"] == "boolean" else answer
    if not content.get("confirm"):
        return ElicitResult(action="decline")
    return ElicitResult(action="accept", content=content)


async def main() -> None:
    server = {"transport": "stdio", "command": "zoho-invoice-mcp", "args": ["--sandbox"]}
    client = MultiServerMCPClient({"zoho": server}, callbacks=Callbacks(on_elicitation=ask))
    # One session for all calls: without it, each call would start a server of its own.
    async with client.session("zoho") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session, callbacks=Callbacks(on_elicitation=ask))}
        # For an agent: create_agent("anthropic:claude-sonnet-4-5", list(tools.values()))
        drafts = await tools["list_estimates"].ainvoke({"status": "draft"})
        table = json.loads(drafts[0]["text"])["estimates"]
        draft = dict(zip(table["columns"], table["rows"][0], strict=True))
        deleted = await tools["delete_estimate"].ainvoke({"estimate_id": draft["estimate_id"]})
        print(json.dumps({"tools": len(tools), "draft": draft["estimate_number"], "result": deleted[0]["text"]}))


if __name__ == "__main__":
    asyncio.run(main())
