"""What a tool is given and what it gives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .cutting import SHOWN_BYTES
from .settings import Settings

if TYPE_CHECKING:
    import httpx

    from .gateway import Gateway
    from .guard import Guard
    from .oauth import Tokens

MEDIA_TYPE = "mcp-codegen/mediaType"
"""The key under which the metadata of a text says what it is, when it is no JSON."""

AnswerT = TypeVar("AnswerT", covariant=True)  # noqa: PLC0105 - named as its class


@dataclass(frozen=True, slots=True)
class Answer(Generic[AnswerT]):
    """An upstream's answer that fits the type, as it came: nothing lost, nothing added.

    One that is wrapped is no JSON object: structured content holds it under `result`. One with a media type is no
    JSON at all: text, or bytes. Of its text a model is shown so many bytes. The rest is what tells of further pages:
    the status, the headers in lower case, where the request went, and the base URL of its gateway.
    """

    data: Any
    wrapped: bool = False
    media_type: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = field(default="", repr=False)
    base_url: str = field(default="", repr=False)
    shown_bytes: int = SHOWN_BYTES


@dataclass(slots=True)
class Upstream:
    """What all tools share while the server runs: the settings, and one pool of connections."""

    settings: Settings
    _http: list[httpx.AsyncClient] = field(default_factory=list)
    _tokens: list[Tokens] = field(default_factory=list)
    _guards: dict[int, Guard] = field(default_factory=dict)

    @property
    def http(self) -> httpx.AsyncClient:
        """The pool, opened by the first call: a server that only lists its tools does not pay for it."""
        if not self._http:
            from .transport import open_http  # noqa: PLC0415 - the same

            self._http.append(open_http())
        return self._http[0]

    @property
    def tokens(self) -> Tokens:
        """What credentials carry, and the tokens that are kept for them."""
        if not self._tokens:
            from .oauth import Tokens  # noqa: PLC0415 - the same

            self._tokens.append(Tokens(self.http, self.settings))
        return self._tokens[0]

    def guard(self, gateway: Gateway) -> Guard:
        """What stands before a gateway: one for all its calls. Gateways are constants, each known by its identity."""
        if id(gateway) not in self._guards:
            self._guards[id(gateway)] = gateway.guard(self.settings)
        return self._guards[id(gateway)]

    async def aclose(self) -> None:
        """Close every connection."""
        for tokens in self._tokens:
            await tokens.aclose()
        for http in self._http:
            await http.aclose()


@asynccontextmanager
async def open_upstream(environ: Mapping[str, str]) -> AsyncIterator[Upstream]:
    """Connections are opened by the calls that need them, and closed at the end."""
    upstream = Upstream(Settings(environ))
    try:
        yield upstream
    finally:
        await upstream.aclose()
