"""A chat endpoint that speaks OpenAI's and Azure's chat completions, and calls a tool before it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Chat:
    """What it was asked, and what it does: call this tool, then answer with what came back."""

    tool: str
    arguments: dict[str, Any]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[str]:
        """The tools that the model was shown first."""
        return [tool["function"]["name"] for tool in self.asked[0].get("tools", [])]

    def reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        answers = [message["content"] for message in asked["messages"] if message["role"] == "tool"]
        if answers:
            said = answers[-1] if isinstance(answers[-1], str) else json.dumps(answers[-1])
            return {"role": "assistant", "content": f"ANSWER {said}"}
        function = {"name": self.tool, "arguments": json.dumps(self.arguments)}
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        }


@contextmanager
def chatting(chat: Chat) -> Iterator[Chat]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            chat.asked.append(asked)
            chat.paths.append(self.path)
            message = chat.reply(asked)
            ended = "tool_calls" if message.get("tool_calls") else "stop"
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            choice = {"index": 0, "message": message, "finish_reason": ended}
            whole = {
                "id": "c",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [choice],
                "usage": usage,
            }
            content = json.dumps(whole).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    chat.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
