"""What every generated client shares: ways to open it, and answers as types or errors."""

from __future__ import annotations

import importlib
import os
import re
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from mcp import Client, StdioServerParameters
from mcp.client import Transport
from mcp.server import MCPServer
from mcp_types import BlobResourceContents, CallToolResult, EmbeddedResource, RequestParamsMeta, TextContent
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from ..errors import AnswerTooLarge, ApiError, Failed, NotConfigured, SchemaMismatch, from_dict
from .context import MEDIA_TYPE
from .cutting import CUT, WHOLE
from .idempotency import META_KEY
from .iterating import Fetched, iterate
from .paging import PAGE, inside
from .session import Session
from .wire import present

if TYPE_CHECKING:
    from .bearing import Bearer

CONNECT_TIMEOUT = 30.0
"""Seconds; a server that is launched on a busy machine takes some."""
READ_TIMEOUT = 60.0
PATIENCE = 30.0
"""Seconds that a call may take longer than the API's own time, so that the server's own words arrive."""
NETWORK_VARIABLES = tuple(
    form
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    for form in (name, name.lower())
)
"""What a connection to the APIs may need to know of the machine."""

Before = Callable[[str], Awaitable[None]]
"""Awaited ahead of a call, with the name of the gateway that it goes through."""


class ApiClient:
    """One session with a server; tasks may share it. Every call raises `ApiError`."""

    package: ClassVar[str]
    variables: ClassVar[tuple[str, ...]]
    longest: ClassVar[float] = 0.0
    """Seconds: the longest time-out of the catalog."""

    gateways: ClassVar[tuple[str, ...]] = ()
    """The names of the catalog's gateways, that of most tools first."""
    elsewhere: ClassVar[Mapping[str, str]] = {}
    """The gateways of the tools that are behind another than the first."""

    def __init__(self, session: Session, idempotency_key: str = "", before: Before | None = None) -> None:
        self._session = session
        self._key = idempotency_key
        self._meta = cast(RequestParamsMeta, {META_KEY: idempotency_key}) if idempotency_key else None
        self._before = before

    def keyed(self, idempotency_key: str) -> Self:
        """This client, over the same session, for a call that may be made again.

        The upstream is told the key, if its API takes one, and does once what comes twice under it. Up to 255 printable
        ASCII characters without blanks.
        """
        return type(self)(self._session, idempotency_key, self._before)

    def paced(self, before: Before) -> Self:
        """This client, over the same session, which awaits `before` ahead of each call, with the gateway's name."""
        return type(self)(self._session, self._key, before)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        server: str | Transport | StdioServerParameters | MCPServer[Any],
        *,
        token: str = "",
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float | None = None,
    ) -> AsyncIterator[Self]:
        """Connect to a URL, a transport, a command to launch, or a server object.

        token: what the caller shows the server at a URL: a key, or an access token. It is sent nowhere else, and over
        https alone, but for this machine. connect_timeout: seconds until the server must be ready. read_timeout:
        seconds that a call may take; by default longer than the APIs' own time-outs.
        """
        if token and not isinstance(server, str):
            raise NotConfigured("A token is for a server at a URL.", "Leave it out.")
        bearer = _bearer(server, token) if isinstance(server, str) else None
        way = server if bearer is None else bearer.transport()
        client = Client(way, read_timeout_seconds=read_timeout or cls._patience({}))
        session = Session(client, bearer.refusal if bearer else lambda: None)
        try:
            await session.open(connect_timeout)
            yield cls(session)
        finally:
            await session.close()

    @classmethod
    def launch(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float | None = None,
    ) -> AbstractAsyncContextManager[Self]:
        """Run the server as a child process over stdio.

        Of this process's environment it sees its own settings, or those in `environ` when that is given, the proxies
        and certificates of the machine, and where OpenTelemetry sends to.
        """
        settings = _passed(cls.variables) if environ is None else environ
        # The child finds the same modules as this process, installed or not, and none in the current folder (-P).
        paths = os.pathsep.join(os.path.abspath(path) for path in sys.path)
        passed = {**_passed(NETWORK_VARIABLES), **_telemetry(), **settings, "PYTHONPATH": paths}
        command = StdioServerParameters(command=sys.executable, args=["-P", "-m", cls.package], env=passed)
        patience = read_timeout or cls._patience(settings)
        return cls.connect(command, connect_timeout=connect_timeout, read_timeout=patience)

    @classmethod
    def in_process(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float | None = None,
    ) -> AbstractAsyncContextManager[Self]:
        """Run the server inside this process, without a child or a socket. environ: its settings."""
        server = importlib.import_module(f"{cls.package}.server").create_server(environ)
        patience = read_timeout or cls._patience(os.environ if environ is None else environ)
        return cls.connect(server, connect_timeout=connect_timeout, read_timeout=patience)

    @classmethod
    def _patience(cls, settings: Mapping[str, str]) -> float:
        given = [settings.get(name, "").strip() for name in cls.variables if name.endswith("_TIMEOUT")]
        seconds = [float(text) for text in given if re.fullmatch(r"\d{1,4}(\.\d+)?", text)]
        return max(READ_TIMEOUT, max([cls.longest, *seconds]) + PATIENCE)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool by its name with the catalog's own argument names; the answer as it came.

        An answer that is no JSON object stands under `result`: JSON, text (`str`) or bytes.
        """
        data = await self._answer(tool, arguments)
        return data if isinstance(data, dict) else {"result": data}

    async def _call(
        self, tool: str, returns: Any, arguments: Mapping[str, Any], *, wrapped: bool = False  # noqa: ANN401 - a type
    ) -> Any:  # noqa: ANN401 - of that type
        data = await self._answer(tool, arguments)
        try:
            return _adapter(returns).validate_python(data["result"] if wrapped else data, by_alias=True, by_name=False)
        except (ValidationError, KeyError, TypeError) as error:
            raise _other_catalog(tool, data) from error

    def _iterate(
        self,
        tool: str,
        item: Any,  # noqa: ANN401 - a type
        arguments: Mapping[str, Any],
        *,
        items: Sequence[str] = (),
        wrapped: bool = False,
        max_items: int | None = None,
        max_pages: int | None = None,
    ) -> AsyncIterator[Any]:
        """Every item of a tool's list, in the type `item`. items: the members that lead to the list."""

        async def fetch(changed: Mapping[str, Any]) -> Fetched:
            result = await self._result(tool, {**arguments, **changed})
            found = inside(_data(result, tool), ["result", *items] if wrapped else items)
            try:
                typed = _adapter(list[item]).validate_python(found or [], by_alias=True, by_name=False)
            except ValidationError as error:
                raise _other_catalog(tool, found) from error
            return Fetched(found or [], typed, (result.meta or {}).get(PAGE))

        return iterate(fetch, tool, max_items=max_items, max_pages=max_pages)

    async def _answer(self, tool: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        return _data(await self._result(tool, arguments), tool)

    async def _result(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        if self._before is not None:
            await self._before(self.elsewhere.get(tool) or next(iter(self.gateways), ""))
        result = await self._session.call(tool, present(arguments), self._meta)
        if result.is_error:
            text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
            raise _told(text, result.meta or {})
        return result


def _data(result: CallToolResult, tool: str) -> Any:  # noqa: ANN401 - JSON
    """The answer inside a result, whole. Raises `AnswerTooLarge` where it was cut for models and is not there."""
    meta = result.meta or {}
    if WHOLE in meta:
        return meta[WHOLE]
    if result.structured_content is not None:
        return result.structured_content
    if CUT in meta:
        raise AnswerTooLarge(f"Something between here and the server took away the whole answer to {tool}.", _LESS)
    text = ""
    for block in result.content:
        if isinstance(block, TextContent):
            if MEDIA_TYPE in (block.meta or {}):
                return block.text
            text = text or block.text  # behind it may stand words for a model
        elif isinstance(block, EmbeddedResource) and isinstance(block.resource, BlobResourceContents):
            return b64decode(block.resource.blob)
    try:
        return from_json(text)
    except ValueError as error:
        hint = "Is it the server that this client was generated with?"
        raise SchemaMismatch(f"The server's answer to {tool} is not JSON.", hint, data=text) from error


_LESS = "What is left is its start, for models: ask for less of it."


def _other_catalog(tool: str, data: Any) -> SchemaMismatch:  # noqa: ANN401 - JSON
    hint = "Server and client were generated from different catalogs: generate both anew."
    return SchemaMismatch(f"The server's answer to {tool} is not of the client's type.", hint, data=data)


def _bearer(url: str, token: str) -> Bearer:
    from .bearing import Bearer  # noqa: PLC0415 - only over HTTP

    return Bearer(url, token)


def _passed(variables: Iterable[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in variables if name in os.environ}


def _telemetry() -> dict[str, str]:
    """Where OpenTelemetry sends to; not under which name, which is this program's."""
    names = (name for name in os.environ if name.startswith("OTEL_") and name != "OTEL_SERVICE_NAME")
    return _passed(names)


def _told(text: str, meta: Mapping[str, Any]) -> ApiError:
    """The error that the server told; another server's may be plain text."""
    try:
        told = from_json(text)["error"]
        return from_dict({**told, "data": meta[WHOLE]} if WHOLE in meta else told)
    except (ValueError, TypeError, KeyError, AttributeError):
        return Failed(text or "The tool failed without a word.")


@cache
def _adapter(returns: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type
    return TypeAdapter(returns)
