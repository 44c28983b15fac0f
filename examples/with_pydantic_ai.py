# /// script
# requires-python = ">=3.11"
# dependencies = ["pydantic-ai-slim[mcp]>=2.68,<3"]
# ///
"""Pydantic AI: the tools as a toolset.

`uv run examples/with_pydantic_ai.py` works on demo data. Needs `zoho-invoice-mcp` on the PATH, and no model.
"""

import asyncio
import json

from fastmcp.client.transports import StdioTransport
from pydantic_ai.mcp import MCPToolset


async def main() -> None:
    toolset = MCPToolset(StdioTransport("zoho-invoice-mcp", ["--sandbox"]), include_instructions=True)
    # For an agent: Agent("anthropic:claude-sonnet-4-5", toolsets=[toolset])
    async with toolset:
        tools = await toolset.list_tools()
        result = await toolset.direct_call_tool("get_receivables_aging", {})
        print(json.dumps({"tools": len(tools), "result": result}, default=str))


if __name__ == "__main__":
    asyncio.run(main())
