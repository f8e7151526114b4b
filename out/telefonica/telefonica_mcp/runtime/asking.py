"""`ask`: a question in anybody's words, answered by a chat model that calls the tools which only read."""

from __future__ import annotations

import argparse
import asyncio
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ..errors import NotConfigured
from .serving import environment

CONFIGURED, FAILED, ANSWERED = 2, 1, 0
_PLAIN = "\n\t\u200c\u200d"  # the latter two join letters and signs
_OBEYED = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def main(words: Sequence[str], program: str) -> int:
    """Ask, print the answer, and give the exit code: 0 answered, 1 the model failed, 2 something is not configured."""
    args = _parser(program).parse_args(words)
    try:
        answer = _shown(asyncio.run(_answer(args.question, args.env_file)))
    except NotConfigured as error:
        print(f"{program}: {error}", file=sys.stderr)
        return CONFIGURED
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        status = getattr(cause, "status_code", None)
        said = f"HTTP {status}" if isinstance(status, int) else type(cause).__name__
        print(f"{program}: The chat model gave no answer ({said}). Check its settings and network.", file=sys.stderr)
        return FAILED
    if not answer.strip():
        print(f"{program}: The chat model answered with nothing. Ask again, or another model.", file=sys.stderr)
        return FAILED
    print(answer)
    return ANSWERED


def _shown(answer: str) -> str:
    """An answer with nothing in it that a terminal would obey: it may repeat what anybody wrote into an API."""
    return "".join(one if one in _PLAIN or unicodedata.category(one) not in _OBEYED else "\ufffd" for one in answer)


async def _answer(question: str, env_file: Path | None) -> str:
    from ..agent import create_agent, create_mcp_tool  # noqa: PLC0415 - imports this module's neighbours

    settings = environment(env_file)
    tool = create_mcp_tool(settings, read_only=True)
    agent = create_agent(tool, settings)  # what is not configured is told before a server starts
    async with tool:
        response = await agent.run(question)
    return str(response.text)


def _parser(program: str) -> argparse.ArgumentParser:
    about = "Ask a chat model, which calls the tools that only read. Its settings: AZURE_OPENAI_* or OPENAI_*."
    parser = argparse.ArgumentParser(prog=f"{program} ask", description=about)
    parser.add_argument("question", help='such as "Which invoices are unpaid?"')
    parser.add_argument("--env-file", type=Path, help="settings; default: .env in the current folder, if it exists")
    return parser
