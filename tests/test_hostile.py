"""Catalogs whose texts and names try to break out of what is generated from them.

Everything is generated, imported, type-checked, listed through a session and called over the wire; the texts arrive as
they were written, and nothing in them is executed.
"""

from __future__ import annotations

import ast
import builtins
import fcntl
import importlib
import inspect
import io
import json
import keyword
import os
import tokenize
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from mcp import Client
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from pydantic import BaseModel, TypeAdapter

from tests import hosts, meaning
from tests.blackened import blackened
from tests.generated import Built, argument_schema, build, codegen, returned
from tests.runtime.upstream import Peer, Received, Upstream, response

CANARY = "hostile_canary"
ATTACK = f"import builtins; builtins.{CANARY} = True"
EXPRESSION = f"__import__('builtins').__setattr__('{CANARY}', True)"

TEXTS = [
    '"""', "'''", 'a"', 'a""', 'a"""', '""""', '"""a', "'", '"', "it's \"both\"", "\\", "a\\", "\\\\", '\\"', '\\"""',
    'a"""\\', f'"""\n{ATTACK}\n"""', f"'''\n{ATTACK}\n'''", f'\\"""\n{ATTACK}\n\\"""', f'"\n{ATTACK}\n"',
    f"\n{ATTACK}\n#", f"\r{ATTACK}", f'")\n{ATTACK}\n("', f"# {ATTACK}", f"{{{EXPRESSION}}}",
    f"{{{{ {EXPRESSION} }}}}", f"${{{EXPRESSION}}}", f"%({CANARY})s %s %", "{{ cycler.__init__.__globals__ }}",
    "{% raw %}{{ 1 }}{% endraw %}", "{% endfor %}{% include 'x' %}", "{# comment #}", "{}", "{0}", "line\nbreak",
    "line\r\nbreak", "line\rbreak", "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g", "\t  indented\n    more\n\n\n  less",
    "\\N{BULLET} \\x41 \\u0041 \\101 \\", "\x00", "\x1b[31mred\x1b[0m\x07", "\x7f\x80\x9b",
    "\u202egnp.exe\u2066\u2069", "zero\u200b\u200c\u200dwidth\ufeff\u00ad\u180e", "\U000e0041\U000e0042",
    "*/ --> ]]> </script> <!--", "| pipe | `tick` ``` [a](b) ![c](d) <b>e</b> &lt; *f* _g_ ~h~", "- list", "1. list",
    "# heading", "=====", "a: b # c", "${HOME} $(id) `id`", "=cmd()", "ñandú 日本語 עברית",
    "😀 👩\u200d👩\u200d👧 🇨🇱 \U0001fae9", "e\u0301 \u0301", "\u3164\u115f\u2800\u00a0", "x" * 3_000,
    "many words " * 300, " ", "\n",
]  # fmt: skip

KEYWORDS = [*keyword.kwlist, *keyword.softkwlist]
BUILTINS = [
    "str",
    "int",
    "float",
    "bool",
    "list",
    "dict",
    "id",
    "print",
    "object",
    "property",
    "Exception",
    "TypeError",
]
OF_PYDANTIC = sorted(name for name in {*dir(BaseModel), *dir(type(BaseModel)), *dir(ArgModelBase)} if name[0] != "_")
OF_MODULES = [
    "self", "ctx", "cls", "client", "tools", "answer", "annotations", "dt", "MISSING", "Field", "Any", "Annotated",
    "Literal", "Context", "Answer", "Upstream", "ToolBox", "Model", "OPEN", "InputModel", "OpenInputModel",
    "ApiClient", "Bearer", "Basic", "ApiKey", "Gateway", "NamesClient", "MAIN", "connect", "launch", "in_process",
    "call", "_call", "_session", "package", "variables", "common", "__init__", "__main__", "api_catalog", "models",
    "gateways", "server", "names", "nul", "model_", "model_dump_x", "model_validate_", "model_x", "field_copy",
    "call_connect", "__class__", "__dict__", "_", "__", "_a", "a_", "result", "error", "BaseModel",
]  # fmt: skip
ODD_NAMES = [
    "getA", "get_a", "GetA", "GET_A", "geta", "a-b", "a_b", "a b", "a.b", "aB", "AB", "número", "numero", "$filter",
    "filter$", "page[size]", "日本", "日本語", "ß", "ss", "İ", "\u0131", "ﬁ", "K", "1", "1a", "-", "--", ".", "..",
    "a'b", 'a"b', "a\\b", "a/b", "a{b}", "{{a}}", "a#b", "a|b`c", "x" * 64, "x" * 65, "x" * 256, "X" * 64,
    "x" * 63 + "é", "😀", "%20", "&", "=", "+", ";", ",", "*", "@", "a:b", "<b>",
]  # fmt: skip
API_NAMES = [*KEYWORDS[::3], *BUILTINS, *OF_MODULES, *ODD_NAMES]
TAGS = ["common", "__init__", "names", "class", "nul", "models", "a-b", "a_b", "日本", "x" * 128]
NAMES = list(dict.fromkeys([*KEYWORDS, *BUILTINS, *OF_PYDANTIC, *OF_MODULES, *ODD_NAMES]))


def fields(names: list[str], **about: Any) -> list[dict[str, Any]]:
    return [{"name": name, "type": "string", **about} for name in names]


def texts_catalog() -> dict[str, Any]:
    """Every text in every place that takes one."""
    apis = [
        {
            "name": f"text_{index:02}",
            "title": text,
            "description": text,
            "tags": [text[:128] or "none"] if index % 4 == 0 else [],
            "httpMethod": "POST",
            "endpoint": "/texts",
            "gateway": f"g{index}",
            "inputs": [
                {"name": "described", "type": "string", "title": text, "description": text, "example": text},
                {"name": "defaulted", "type": "string", "default": text},
                {"name": "chosen", "type": "string", "enum": [text, f"{text}!"], "required": False},
                {
                    "name": "shaped",
                    "schema": {
                        "type": "object",
                        "description": text,
                        "properties": {text: {"type": "string", "description": text}},
                    },
                },
                {"name": "listed", "type": "array", "items": {"enum": [text]}, "description": text},
            ],
            "outputs": [
                {"name": "described", "type": "string", "description": text, "required": True},
                {"name": "chosen", "enum": [text]},
                {"name": text[:256] or "empty", "type": "string", "title": text},
                {"name": "inner", "description": text, "fields": [{"name": "a", "type": "int", "description": text}]},
            ],
            "errors": [{"status": 404, "description": text, "code": text, "example": text}],
            "examples": [
                {
                    "inputs": {"described": text, "shaped": {text: text}, "listed": [text]},
                    "output": {"described": text},
                    "description": text,
                }
            ],
        }
        for index, text in enumerate(TEXTS)
    ]
    gateways = {f"g{index}": {"baseUrl": "${URL}", "description": text} for index, text in enumerate(TEXTS)}
    about = {"title": TEXTS[16], "description": TEXTS[17], "lastModified": TEXTS[18], "modifiedBy": TEXTS[19]}
    return {"name": "texts", **about, "gateways": gateways, "apis": apis}


def names_catalog() -> dict[str, Any]:
    """Every name as an API's, a tag's, a schema's, a member's and an input's, in every place that it may stand in."""
    gateways = {name: {"baseUrl": "${URL}"} for name in ("main", "open", "Missing", "apiKey", "class", "texts_client")}
    schemas = {
        name: {"type": "object", "properties": {other: {"type": "string"} for other in NAMES[index : index + 2]}}
        for index, name in enumerate(NAMES)
    }
    every = {"type": "object", "properties": {name: {"type": "string"} for name in ["", *NAMES]}}
    references = [
        {"name": name, "$ref": "#/schemas/" + name.replace("~", "~0").replace("/", "~1"), "required": False}
        for name in NAMES
    ]
    apis: list[dict[str, Any]] = [
        {
            "name": name,
            "tags": [TAGS[index % len(TAGS)]],
            "httpMethod": "GET",
            "endpoint": "/named",
            "gateway": list(gateways)[index % len(gateways)],
        }
        for index, name in enumerate(API_NAMES)
    ]
    apis += [
        {"name": "in query", "httpMethod": "GET", "endpoint": "/query", "gateway": "main", "inputs": fields(ODD_NAMES)},
        {"name": "in body", "httpMethod": "POST", "endpoint": "/body", "gateway": "main", "inputs": fields(NAMES)},
        {
            "name": "optional",
            "httpMethod": "POST",
            "endpoint": "/optional",
            "gateway": "main",
            "inputs": fields(OF_PYDANTIC, required=False),
        },
        {
            "name": "defaulted",
            "httpMethod": "POST",
            "endpoint": "/defaulted",
            "gateway": "main",
            "inputs": fields(OF_MODULES, default="d"),
        },
        {
            "name": "in path",
            "httpMethod": "PUT",
            "endpoint": "/path/" + "/".join(f"{{{n}}}" for n in PATHS),
            "gateway": "main",
            "inputs": fields(PATHS),
        },
        {
            "name": "in headers",
            "httpMethod": "GET",
            "endpoint": "/headers",
            "gateway": "main",
            "inputs": fields(HEADERS, **{"in": "header"}),
        },
        {
            "name": "members",
            "httpMethod": "POST",
            "endpoint": "/members",
            "gateway": "main",
            "inputs": [{"name": "every", "schema": every}],
            "outputs": fields(NAMES),
        },
        {
            "name": "types",
            "httpMethod": "POST",
            "endpoint": "/types",
            "gateway": "main",
            "inputs": references[::7],
            "outputs": references,
        },
    ]
    return {"name": "names", "gateways": gateways, "schemas": schemas, "apis": apis}


def deep_catalog() -> dict[str, Any]:
    """Types as deep as a file may be."""

    def tool(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
        inputs = [{"name": "a", "schema": schema}]
        return {"name": name, "httpMethod": "POST", "endpoint": "/", "inputs": inputs, **more}

    objects = nested_objects(45)
    return {"name": "deep", "apis": [tool("lists", nested_lists(90)), tool("objects", objects, output=objects)]}


def nested_lists(depth: int) -> dict[str, Any]:
    return {"type": "array", "items": nested_lists(depth - 1)} if depth else {"type": "string"}


def nested_objects(depth: int) -> dict[str, Any]:
    return {"properties": {"the same name": nested_objects(depth - 1)}} if depth else {"type": "string"}


PATHS = [name for name in ODD_NAMES if not set("{}") & set(name)]
HEADERS = [
    name for name in NAMES if set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+&*%")
]
CATALOGS = {
    "texts": texts_catalog,
    "names": names_catalog,
    "deep": deep_catalog,
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Built]]:
    """The packages, generated by the first of the processes that the tests run in."""
    mine = tmp_path_factory.getbasetemp()
    folder = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "hostile"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for catalog in CATALOGS.values():
                build(catalog(), folder)
    with ExitStack() as stack:
        yield {name: stack.enter_context(Built(folder / name).importable()) for name in CATALOGS}


@pytest.fixture(params=CATALOGS)
def package(request: pytest.FixtureRequest, packages: Mapping[str, Built]) -> Iterator[Built]:
    yield packages[request.param]
    assert not hasattr(builtins, CANARY)


@pytest.fixture(scope="module")
def shared_upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    upstream.start()
    yield upstream
    upstream.stop()


@pytest.fixture
def upstream(shared_upstream: Upstream) -> Upstream:
    async def answer(request: Received, peer: Peer) -> None:
        await peer.send(response(b"{}"))

    shared_upstream.reset()
    shared_upstream.answer = answer
    return shared_upstream


# --- what is generated ------------------------------------------------------------------------------------------------


def test_every_module_imports_and_every_signature_becomes_a_schema_without_a_warning(package: Built):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in package.modules:
            package.load(name)
        for tool, function in package.functions.items():
            if package.module == "deep_mcp":
                continue  # Python's own stack is too small for their schemas; see below
            taken = argument_schema(function) | {"additionalProperties": False}
            if "shown" not in package.metadata["tools"][tool]:
                assert meaning.differences(package.listing[tool]["inputSchema"], taken) == []
            TypeAdapter(returned(function)).json_schema(by_alias=True)


def test_the_types_of_these_packages_and_of_every_cases_hold(
    packages: Mapping[str, Built], tmp_path: Path, mypy: Callable[..., str]
):
    catalogs = sorted((Path(__file__).parent / "cases").glob("*/api_catalog.*"))
    assert codegen("generate", *catalogs, "--out", tmp_path / "out").exit_code == 0
    of_these = [package.folder / package.module for package in packages.values()]
    assert mypy(*of_these, *tmp_path.glob("out/*/*_mcp")) == ""


def test_no_character_that_hides_or_reorders_text_stands_in_any_file(package: Built):
    for file in package.folder.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            text = file.read_text("utf-8").replace("\n", "").replace("\U0001fae9", "")  # newer than this Python
            assert text.isprintable(), file


def test_black_changes_no_file(packages: Mapping[str, Built]):
    folder = packages["texts"].folder
    files = [file for file in folder.rglob("*.py") if file.parent.name in ("models", "tools", "texts_mcp")]
    assert len(files) > 5
    assert not [file for file in files if blackened(text := file.read_text("utf-8")) != text]


def test_the_other_files_are_what_their_endings_say(package: Built):
    project = tomllib.loads((package.folder / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["name"] == f"{package.folder.name}-mcp"
    host = json.loads((package.folder / "mcp.json").read_text("utf-8"))
    variables = host["servers"][package.folder.name]["env"]
    example = (package.folder / ".env.example").read_text("utf-8")
    assert {**dotenv_values(stream=io.StringIO(example))} == variables
    assert json.loads((package.folder / f"{package.module}_metadata.json").read_text("utf-8"))["catalog"]["name"]
    rows = [line for line in (package.folder / "README.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    columns = [line.replace("\\|", "").count("|") - 1 for line in rows]
    assert columns.count(4) == len(package.listing)  # of the tools; settings have 3, errors 2
    assert set(columns) == {2, 3, 4}


def test_a_python_file_holds_nothing_but_its_own_statements(packages: Mapping[str, Built]):
    package = packages["texts"]
    for module in ("models", "tools"):
        for file in (package.folder / package.module / module).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                assert not isinstance(node, ast.JoinedStr | ast.BinOp) or isinstance(
                    getattr(node, "op", None), ast.BitOr
                )
                if isinstance(node, ast.Name):
                    assert node.id not in (CANARY, "builtins", "__import__")
            tokens = tokenize.generate_tokens(io.StringIO(file.read_text("utf-8")).readline)
            assert not [token for token in tokens if token.type == tokenize.COMMENT]


# --- what callers see -------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_text_arrives_unchanged_through_a_session(packages: Mapping[str, Built]):
    async with Client(packages["texts"].load("server").create_server({})) as client:
        tools = (await client.list_tools()).tools
    trimmed = [tool for tool, about in packages["texts"].metadata["tools"].items() if "shown" in about]
    for tool, text in zip(tools, TEXTS, strict=True):
        for said, longest in ((tool.description, 1024), (tool.title, 256)):
            assert said == text or (len(text) > longest >= len(said or "") and text.startswith((said or "")[:-2]))
        if tool.name in trimmed:
            continue
        inputs: dict[str, Any] = tool.input_schema["properties"]
        assert {key: inputs["described"][key] for key in ("title", "description", "examples")} == {
            "title": text,
            "description": text,
            "examples": [text],
        }
        assert inputs["defaulted"]["default"] == text
        assert inputs["chosen"]["enum"] == [text, f"{text}!"]
        (inner,) = inputs["shaped"]["properties"].values()
        assert inner["description"] == text
        assert inputs["listed"]["items"]["enum"] == [text]
        assert tool.output_schema is not None
        assert tool.output_schema["properties"]["inner"]["properties"]["a"]["description"] == text
    assert len(trimmed) <= 2  # the longest texts
    assert not hasattr(builtins, CANARY)


def test_a_docstring_shows_its_text_to_python(packages: Mapping[str, Built]):
    functions = packages["texts"].functions
    for index, text in enumerate(TEXTS):
        shown = inspect.getdoc(functions[f"text_{index:02}"]) or ""
        assert shown.split() == text.split() or not text.split()


@pytest.mark.anyio
async def test_a_name_that_strict_hosts_accept_is_kept_and_others_are_accepted_by_them(packages: Mapping[str, Built]):
    package = packages["names"]
    async with Client(package.load("server").create_server({})) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    apis = {about["api"]: tool for tool, about in package.metadata["tools"].items()}
    assert tools.keys() == set(apis.values())
    for api, tool in apis.items():
        strict = len(tool) <= 64 and set(tool) <= STRICT
        assert strict
        assert tool[0].isalpha()
        if len(api) <= 64 and set(api) <= STRICT and api[0].isalpha():
            assert tool == api
        else:
            assert tools[tool].title == api
    keys = list(tools[apis["in body"]].input_schema["properties"])
    assert len(set(keys)) == len(NAMES)
    for name, key in zip(NAMES, keys, strict=True):
        assert len(key) <= 64
        assert set(key) <= STRICT | {"."}
        assert key == name or not (len(name) <= 64 and set(name) <= STRICT | {"."})


def test_the_strictest_hosts_accept_the_listing(package: Built):
    assert hosts.refusals({"tools": list(package.listing.values())}) == []


STRICT = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@pytest.mark.anyio
async def test_deep_types_can_be_called(packages: Mapping[str, Built]):
    async with Client(packages["deep"].load("server").create_server({})) as client:
        for tool, right in {"lists": [[]], "objects": {"the same name": {}}}.items():
            for value, code in ((7, "invalid_arguments"), (right, "not_configured")):
                answer = await client.call_tool(tool, {"a": value})
                assert json.loads(answer.content[0].text)["error"]["code"] == code  # type: ignore[union-attr]


# --- what reaches the APIs --------------------------------------------------------------------------------------------


WHERE = {"in query": ODD_NAMES, "in body": NAMES, "in path": PATHS, "in headers": HEADERS}


def arrived(request: Received, api: str) -> Any:
    if api == "in query":
        return request.query
    if api == "in body":
        return list(json.loads(request.body).items())
    if api == "in path":
        return request.target
    return [(name.lower(), value) for name, value in request.headers if value.startswith("v")]


def expected(api: str, names: list[str]) -> Any:
    values = [f"v{index}" for index in range(len(names))]
    if api == "in path":
        return "/path/" + "/".join(values)
    if api == "in headers":  # whose names HTTP compares without regard to case
        return [(name.lower(), value) for name, value in zip(names, values, strict=True)]
    return list(zip(names, values, strict=True))


@pytest.mark.anyio
@pytest.mark.parametrize("api", WHERE)
async def test_an_input_reaches_the_api_under_its_own_name(api: str, packages: Mapping[str, Built], upstream: Upstream):
    package, names = packages["names"], WHERE[api]
    tool = next(tool for tool, about in package.metadata["tools"].items() if about["api"] == api)
    values = [f"v{index}" for index in range(len(names))]
    keys = list(package.listing[tool]["inputSchema"]["properties"])
    renamed = package.metadata["tools"][tool].get("renamedInputs", {})
    assert [renamed.get(key, key) for key in keys] == names

    module = package.load("client")
    async with module.NamesClient.in_process({"URL": upstream.url}) as client:
        await client.call(tool, dict(zip(keys, values, strict=True)))
        method = getattr(client, api.replace(" ", "_"))
        arguments = dict(zip(inspect.signature(method).parameters, values, strict=True))
        await method(**arguments)
    assert [arrived(request, api) for request in upstream.received] == [expected(api, names)] * 2


@pytest.mark.anyio
@pytest.mark.parametrize("api", WHERE)
async def test_a_one_shot_function_takes_the_catalogs_own_names(
    api: str, packages: Mapping[str, Built], upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("URL", upstream.url)
    monkeypatch.chdir(tmp_path)
    names = WHERE[api]
    function = getattr(packages["names"].load("client"), f"call_{api.replace(' ', '_')}")
    parameters = list(inspect.signature(function).parameters)
    for name, parameter in zip(names, parameters, strict=True):
        own = name.isidentifier() and name.isascii() and name[0] != "_" and not keyword.iskeyword(name)
        assert parameter == name or not own or name in ("client", "NamesClient")
    await function(*(f"v{index}" for index in range(len(names))))
    assert arrived(upstream.received[0], api) == expected(api, names)


@pytest.mark.anyio
async def test_members_reach_the_api_and_come_back_under_their_own_names(
    packages: Mapping[str, Built], upstream: Upstream
):
    package = packages["names"]
    members = {name: f"v{index}" for index, name in enumerate(["", *NAMES])}

    async def answer(request: Received, peer: Peer) -> None:
        await peer.send(response(json.dumps({**json.loads(request.body)["every"], "unknown": 1}).encode()))

    upstream.answer = answer
    module = package.load("client")
    model = importlib.import_module("names_mcp.models.names").MembersEvery
    async with module.NamesClient.in_process({"URL": upstream.url}) as client:
        result = await client.members(every=model.model_validate(members))
        assert await client.call("members", {"every": members}) == {**members, "unknown": 1}
        keys = package.listing["members"]["inputSchema"]["properties"]["every"]["properties"]
        as_listed = {key: members[name] for key, name in zip(keys, sorted(members), strict=True)}
        assert keys.keys() != members.keys()
        assert await client.call("members", {"every": as_listed}) == {**members, "unknown": 1}
    assert [json.loads(request.body)["every"] for request in upstream.received] == [members, members, members]
    assert result.model_dump(by_alias=True) == {**members, "unknown": 1}
