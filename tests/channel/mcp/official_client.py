"""Run in .venv-peers: the official MCP client against a node. Prints what it saw as JSON."""

import asyncio
import json
import sys

from mcp import Client


async def main(url: str) -> None:
    async with Client(f"{url}/mcp") as client:
        tools = (await client.list_tools()).tools
        called = await client.call_tool("sample_say", {"word": "臺", "times": 2})
        wrong = await client.call_tool("sample_say", {"word": "a", "times": 99})
        seen = {
            "tools": [tool.name for tool in tools],
            "words": called.structured_content["words"],
            "text": called.content[0].text,
            "is_error": [called.is_error, wrong.is_error],
        }
        print(json.dumps(seen))  # noqa: T201 - the answer to the test that started this


asyncio.run(main(sys.argv[1]))
