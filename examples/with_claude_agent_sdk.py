# /// script
# requires-python = ">=3.11"
# dependencies = ["claude-agent-sdk>=0.2.184,<1"]
# ///
"""Claude Agent SDK: the server as an MCP server of an agent.

`uv run examples/with_claude_agent_sdk.py` works on demo data. Needs `zoho-invoice-mcp` on the PATH. Without a login at
Anthropic it connects and lists the tools; only a model can call them.
"""

import asyncio
import json

from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient


async def main() -> None:
    options = ClaudeAgentOptions(
        mcp_servers={"zoho": {"type": "stdio", "command": "zoho-invoice-mcp", "args": ["--sandbox"]}},
        # Reads run without a question of the SDK's own; the server still asks before anything is lost.
        allowed_tools=["mcp__zoho__list_invoices", "mcp__zoho__get_invoice"],
        strict_mcp_config=True,
    )
    async with ClaudeSDKClient(options) as client:
        # For an agent: await client.query("Who owes us money?")
        server: dict = {"status": "pending"}
        while server["status"] == "pending":
            [server] = (await client.get_mcp_status())["mcpServers"]
            await asyncio.sleep(0.2)
        print(json.dumps({"tools": len(server.get("tools", [])), "status": server["status"]}))


if __name__ == "__main__":
    asyncio.run(main())
