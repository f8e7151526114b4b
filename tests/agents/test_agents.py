"""The generated server in the hands of agents: of Microsoft Agent Framework, and of another library.

Each library has a virtual environment of its own in `.venv/agents`, for their dependencies are not ours. Making those
takes a minute of both cores: AGENTS=1 does it, and from then on they are there.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.chat import Chat, chatting
from tests.runtime.doors import surroundings

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FRAMEWORK = ("agent-framework-core==1.23.0", "agent-framework-openai==1.17.0")
OPENAI_AGENTS = ("openai-agents==0.24.0",)
DEBT = {"customerIdentification": "198765432", "type": "RUT", "document": "4582"}
QUESTION = "¿Cuánto debe el cliente?"
SECONDS = 300


def run(*command: object, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(  # noqa: S603 - our own commands
        words, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def environment(name: str, *wanted: str) -> Path:
    """The Python of an environment with the generated package and these, made where it is missing."""
    folder = ROOT / ".venv" / "agents" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    python, stamp = folder / "bin" / "python", folder / "installed"
    said = "\n".join((sys.version, *wanted))
    with (folder.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers of the tests
        if not stamp.exists() or stamp.read_text() != said:
            if not os.environ.get("AGENTS"):
                pytest.skip(f"{wanted[0]} is not in {folder.relative_to(ROOT)}; AGENTS=1 brings it there")
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            about = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HOME", "PATH"))}
            made = run(*pip, "--constraint", ROOT / "constraints.txt", *wanted, ROOT / "out/telefonica", environ=about)
            if made.returncode:
                pytest.skip(f"{wanted[0]} cannot be installed here: {made.stderr.strip().splitlines()[-1][:200]}")
            stamp.write_text(said)
    return python


@pytest.fixture(scope="module")
def standin() -> Iterator[dict[str, str]]:
    """The settings that lead the server to a stand-in of the APIs."""
    command = [sys.executable, "-m", "mcp_codegen", "mock", str(ROOT / "catalog/telefonica"), "--port", "0", "--json"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=surroundings({"PYTHONPATH": str(ROOT)}), **pipes) as process:  # noqa: S603
        assert process.stdin is not None
        assert process.stdout is not None
        yield dict(json.loads(process.stdout.readline())["environment"])
        process.stdin.close()


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chatting(Chat("deuda_fija", DEBT)) as chat:
        yield chat


@pytest.fixture
def framework() -> Path:
    return environment("framework", *FRAMEWORK)


def models(chat: Chat) -> dict[str, dict[str, str]]:
    azure = {"AZURE_OPENAI_ENDPOINT": chat.url, "AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": "gpt"}
    openai = {"OPENAI_API_KEY": "k", "OPENAI_MODEL": "gpt", "OPENAI_BASE_URL": f"{chat.url}/v1"}
    return {"azure": azure | {"AZURE_OPENAI_API_VERSION": "2024-10-21"}, "openai": openai}


@pytest.mark.parametrize("kind", ["azure", "openai"])
def test_a_question_is_answered_by_what_a_tool_answers(framework: Path, standin, chat: Chat, tmp_path: Path, kind: str):
    environ = surroundings({**standin, **models(chat)[kind], "HOME": str(tmp_path)})
    asked = run(framework, "-m", "telefonica_mcp", "ask", QUESTION, environ=environ)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert json.loads(asked.stdout.removeprefix("ANSWER "))["customerIdentification"] == "198765432"
    assert chat.shown == ["deuda_fija", "listado_de_boletas_fija", "retrieve_invoice_link"]
    assert QUESTION in json.dumps(chat.asked[0], ensure_ascii=False)
    assert chat.paths[0].startswith("/openai/deployments/gpt/" if kind == "azure" else "/v1/chat")
    assert standin["BEARER_TOKEN"] not in json.dumps(chat.asked)


class Says(Chat):
    """A model that calls nothing, and says this."""

    def reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"role": "assistant", "content": self.tool}


@pytest.mark.parametrize(
    ("said", "code", "shown"),
    [("Paid.\x1b]52;c;aGk=\x07\u202e", 0, "Paid.\ufffd]52;c;aGk=\ufffd\ufffd\n"), ("", 1, "")],
)
def test_an_answer_does_nothing_to_a_terminal_and_none_is_a_failure(framework, tmp_path, said, code, shown):
    with chatting(Says(said, {})) as chat:
        environ = surroundings({**models(chat)["openai"], "HOME": str(tmp_path)})
        asked = run(framework, "-m", "telefonica_mcp", "ask", QUESTION, environ=environ)
    assert (asked.returncode, asked.stdout) == (code, shown)


def test_only_tools_that_read_are_called_without_being_asked_for(framework: Path):
    environ = surroundings({})
    approval, args, names = json.loads(run(framework, HERE / "approving.py", environ=environ).stdout)
    assert approval["always_require_approval"] == ["call_tool"]
    assert "deuda_fija" in approval["never_require_approval"]
    assert "--read-only" not in args
    assert names == ["PYTHONPATH"]
    approval, args, _ = json.loads(run(framework, HERE / "approving.py", "--read-only", environ=environ).stdout)
    assert (approval, args[-1]) == ("never_require", "--read-only")


def test_a_model_that_does_not_answer_is_told_without_its_key(framework: Path, tmp_path: Path):
    settings = {"OPENAI_API_KEY": "sk-s3cret", "OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    asked = run(
        framework, "-m", "telefonica_mcp", "ask", "x", environ=surroundings({**settings, "HOME": str(tmp_path)})
    )
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "The chat model gave no answer" in asked.stderr
    assert "s3cret" not in asked.stderr


def test_another_librarys_agent_calls_the_server(standin: dict[str, str], chat: Chat):
    python = environment("openai-agents", *OPENAI_AGENTS)
    environ = surroundings({"CHAT_URL": chat.url, "SETTINGS": json.dumps(surroundings(standin))})
    asked = run(python, HERE / "openai_agents.py", QUESTION, environ=environ)
    assert asked.returncode == 0, asked.stderr
    assert '"customerIdentification":"198765432"' in asked.stdout.replace("\\", "").replace(" ", "")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "No chat model is configured"),
        ({"OPENAI_API_KEY": "k"}, "OPENAI_MODEL is not set"),
        ({"AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com"}, "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME is not set"),
    ],
)
def test_what_is_not_configured_is_told(framework: Path, tmp_path: Path, settings: dict[str, str], told: str):
    asked = run(
        framework, "-m", "telefonica_mcp", "ask", "x", environ=surroundings({**settings, "HOME": str(tmp_path)})
    )
    assert (asked.returncode, asked.stdout) == (2, "")
    assert told in asked.stderr


def test_without_the_framework_its_installation_is_named(tmp_path: Path):
    settings = {"OPENAI_API_KEY": "k", "OPENAI_MODEL": "m", "HOME": str(tmp_path)}
    asked = run(sys.executable, "-m", "telefonica_mcp", "ask", "x", environ=surroundings(settings))
    assert asked.returncode == 2
    assert "pip install 'telefonica-mcp[agent]'" in asked.stderr
