"""Run inside another agent library's environment: the same server, as that library starts it."""

import asyncio
import json
import os
import sys

from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from openai import AsyncOpenAI

set_tracing_disabled(True)


async def main() -> None:
    client = AsyncOpenAI(base_url=os.environ["CHAT_URL"] + "/v1", api_key="none")
    params = {"command": sys.executable, "args": ["-m", "telefonica_mcp"], "env": json.loads(os.environ["SETTINGS"])}
    async with MCPServerStdio(params=params, client_session_timeout_seconds=60) as server:
        agent = Agent(name="billing", mcp_servers=[server], model=OpenAIChatCompletionsModel("m", client))
        print((await Runner.run(agent, sys.argv[1])).final_output)


asyncio.run(main())
