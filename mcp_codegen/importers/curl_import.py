"""curl commands → drafts of APIs: each command is one. Commands are read, never run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from mcp_codegen.errors import CatalogError, Diagnostic, shown
from mcp_codegen.importers import curl, naming, requests, servers
from mcp_codegen.importers.bodies import FORM, MULTIPART, essence
from mcp_codegen.importers.drafts import Description, Draft, LeftOutError
from mcp_codegen.importers.report import Spot
from mcp_codegen.importers.requests import Request, Value

_ENDS: Final = frozenset({"|", ";", "&&", "||", "&", ">", ">>", "<"})
_DATA: Final = ("--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
_ID: Final = re.compile(r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\$\{?\w+\}?|<[^<>]+>|:[A-Za-z_]\w*|\{[^{}]+\}")


def is_curl(text: str) -> bool:
    """Whether a text holds curl commands."""
    return re.search(r"(?m)^\s*(\$\s+)?curl\s", text) is not None


def read(text: str, file: str, catalog: str) -> Description:
    """The commands of a text. Raises `CatalogError` where there are none, or a quote is left open."""
    found = Description()
    for line, words in _commands(text, file):
        draft = _draft(words, Spot(f"{file}:{line}"), catalog)
        same = [one for one in found.drafts if one.key == draft.key or one.key.startswith(f"{draft.key} #")]
        if same:
            draft.key = f"{draft.key} #{len(same) + 1}"
        found.drafts.append(draft)
    if not found.drafts:
        _refuse(file, 1, "there is no curl command", "start each command with curl, on a line of its own")
    return found


def _commands(text: str, file: str) -> list[tuple[int, list[str]]]:
    """Each command's first line, and its words behind `curl`."""
    plain = re.sub(r"(?:\\|\^|`)\r?\n", "  ", text)
    starts = [match.start() for match in re.finditer(r"(?m)^\s*(?:\$\s+)?curl(?=\s)", plain)]
    commands = []
    for start, end in pairwise([*starts, len(plain)]):
        line = text.count("\n", 0, start) + 1
        try:
            words = shlex.split(_unquoted_ansi(plain[start:end]), comments=False)
        except ValueError:
            _refuse(file, line, "a quote of this command is left open", "close it")
        words = words[words.index("curl") + 1 :]
        stop = next((index for index, word in enumerate(words) if word in _ENDS or word.startswith("#")), len(words))
        commands.append((line, words[:stop]))
    return commands


def _unquoted_ansi(text: str) -> str:
    r"""`$'it\'s'`, as browsers copy it, in plain quotes."""

    def plain(match: re.Match[str]) -> str:
        inner = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\(.)", _character, match[1], flags=re.DOTALL)
        return shlex.quote(inner)

    return re.sub(r"\$'((?:[^'\\]|\\.)*)'", plain, text, flags=re.DOTALL)


def _character(match: re.Match[str]) -> str:
    if match[3] is not None:
        return {"n": "\n", "t": "\t", "r": "\r"}.get(match[3], match[3])
    return chr(int(match[1] or match[2], 16))


def _refuse(file: str, line: int, message: str, hint: str) -> NoReturn:
    raise CatalogError([Diagnostic(file, line, 1, "$", message, hint)])


def _draft(words: Sequence[str], spot: Spot, catalog: str) -> Draft:
    command = curl.command(words)
    draft = Draft(f"{command.method} {command.url or '?'}", spot)
    try:
        _fill(draft, command, catalog)
    except LeftOutError as error:
        draft.reason = str(error)
    return draft


def _fill(draft: Draft, command: curl.Command, catalog: str) -> None:
    if not command.url:
        raise LeftOutError("it has no URL")
    url = command.url if "://" in command.url else f"https://{command.url}"
    try:
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    except ValueError as error:
        raise LeftOutError(f"{shown(command.url)} is no URL") from error
    draft.server = servers.of_url(host)
    request = Request(command.method, "/")
    request.path = _path(parts.path or "/", request)
    draft.key = f"{command.method} {request.path}"
    if not re.fullmatch("GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS", command.method):
        raise LeftOutError(f"{shown(command.method)} is no HTTP method that APIs use")
    request.query = [Value(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    request.headers = [Value(*header) for header in command.headers]
    request.cookies = [Value(*cookie) for cookie in command.cookies]
    if command.user or parts.username:
        draft.auth = (requests.basic(catalog),)
    elif command.bearer:
        draft.auth = ({"type": "bearer", "env": naming.variable(catalog, "TOKEN")},)
    _body(request, command, draft)
    api = requests.api(request, catalog, draft)
    draft.api = {"description": f"{command.method} {request.path}", **api}
    draft.tell("its types are inferred from the one example that the command is")


def _path(path: str, request: Request) -> str:
    """The path, with a placeholder for each segment that looks like an identifier."""
    segments = path.split("/")[1:]
    written: list[str] = []
    for index, segment in enumerate(segments):
        if not _ID.fullmatch(unquote(segment)):
            written.append(re.sub(r"[^A-Za-z0-9._~!$&'()*+,;=:@%-]", "_", segment))
            continue
        before = segments[index - 1] if index else ""
        named = re.sub(r"[^A-Za-z0-9_]+", "", unquote(segment))
        is_value = re.fullmatch(r"\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}", segment)
        name = f"{re.sub('[^A-Za-z0-9]+', '_', before).rstrip('s') or 'item'}_id" if is_value else named or "value"
        while name in request.path_values:
            name += "_2"
        request.path_values[name] = Value(name, segment if is_value else "")
        written.append(f"{{{name}}}")
    return "/" + "/".join(written)


def _body(request: Request, command: curl.Command, draft: Draft) -> None:
    said = next((text for name, text in command.headers if name.lower() == "content-type"), "")
    request.media_type = said.strip()
    if command.parts:
        request.media_type = MULTIPART
        request.form = [
            Value(name, "" if value.startswith(("@", "<")) else value, is_file=value.startswith("@"))
            for name, value in command.parts
        ]
        return
    if command.upload:
        request.file = True
        return
    if not command.data:
        return
    text = "&".join(value for _, value in command.data)
    if any(name == "--json" for name, _ in command.data):
        request.media_type = request.media_type or "application/json"
    if text.startswith("@") and all(name not in ("--data-raw", "--data-urlencode") for name, _ in command.data):
        draft.tell("its body stands in a file, which is not read")
        request.file = True
        return
    is_form = essence(request.media_type) == FORM or (not request.media_type and requests.json_value(text) is None)
    if is_form:
        request.media_type = FORM
        request.form = [Value(name, value) for name, value in parse_qsl(text, keep_blank_values=True)]
    else:
        request.raw = text
