"""The least an MCP server over HTTP can be that asks Zoho: the SDK's app as it comes, and one request with httpx.

`python benchmarks/bare_http.py PORT`, with the account in the environment.
"""

import os
import sys

import anyio
import httpx
import mcp_types as types
import uvicorn
from call_cost import a_token
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from zoho_mcp.settings import Settings, from_environment


def bare(settings: Settings, http: httpx.AsyncClient, token: str) -> Server:
    """One tool, which passes on what Zoho says."""
    tool = types.Tool(name="get_invoice", input_schema={"type": "object"})

    async def list_tools(
        ctx: ServerRequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool])

    async def call_tool(ctx: ServerRequestContext, params: types.CallToolRequestParams) -> types.CallToolResult:
        response = await http.get(
            f"{settings.api_url}/invoice/v3/invoices/{(params.arguments or {})['invoice_id']}",
            params={"organization_id": settings.organization_id},
            headers={"Authorization": f"Zoho-oauthtoken {token}"},
        )
        return types.CallToolResult(content=[types.TextContent(text=response.text)])

    return Server("bare", on_list_tools=list_tools, on_call_tool=call_tool)


async def main() -> None:
    settings = from_environment(os.environ)
    async with httpx.AsyncClient(trust_env=False) as http:
        app = bare(settings, http, await a_token(settings, http)).streamable_http_app()
        await uvicorn.Server(uvicorn.Config(app, port=int(sys.argv[1]), log_level="warning")).serve()


if __name__ == "__main__":
    anyio.run(main)
