# /// script
# requires-python = ">=3.11"
# dependencies = ["openai-agents>=0.24,<1"]
# ///
"""OpenAI Agents SDK: the server as an MCP server of an agent.

`uv run examples/with_openai_agents.py` works on demo data. Needs `zoho-invoice-mcp` on the PATH, and no model.
This SDK answers no questions: what needs a person's approval is approved on a page that opens in the browser.
"""

import asyncio
import json

from agents.mcp import MCPServerStdio


async def main() -> None:
    # The default of 5 seconds is too short for a person who reads a question.
    async with MCPServerStdio(
        {"command": "zoho-invoice-mcp", "args": ["--sandbox"]}, client_session_timeout_seconds=300
    ) as server:
        # For an agent: Agent(name="Bookkeeper", mcp_servers=[server])
        tools = await server.list_tools()
        result = await server.call_tool("get_receivables_aging", {})
        print(json.dumps({"tools": len(tools), "result": result.content[0].text}))


if __name__ == "__main__":
    asyncio.run(main())
