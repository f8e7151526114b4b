"""What a request carries to be let in: read from the settings for each request. Only tokens are kept; see `oauth`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from .settings import Settings, variables_of


@dataclass(frozen=True, slots=True)
class Carried:
    """What a credential adds to a request, and every form of the secret that an answer could echo."""

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


class Readable(Protocol):
    """A way to be let in that the settings alone say."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The settings that it reads."""

    def read(self, settings: Settings) -> Carried:
        """What to add to a request. Raises `NotConfigured`."""


@dataclass(frozen=True, slots=True)
class NoCredential:
    """The API is open."""

    variables: tuple[str, ...] = ()

    def read(self, settings: Settings) -> Carried:
        """Nothing."""
        return Carried()


OPEN = NoCredential()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header, a query parameter or a cookie."""

    variable: str
    name: str
    place: Literal["header", "query", "cookie"] = "header"

    @property
    def variables(self) -> tuple[str, ...]:
        """The setting that holds the key."""
        return (self.variable,)

    def read(self, settings: Settings) -> Carried:
        """The key in its place."""
        key = settings.secret(self.variable)
        if self.place == "query":
            return Carried(query={self.name: key}, secrets=(key,))
        if self.place == "cookie":
            return Carried(cookies={self.name: key}, secrets=(key,))
        return Carried(headers={self.name: key}, secrets=(key,))


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token in the Authorization header; the setting may hold it with or without the word Bearer."""

    variable: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The setting that holds the token."""
        return (self.variable,)

    def read(self, settings: Settings) -> Carried:
        """The Authorization header."""
        first, _, rest = settings.require(self.variable).partition(" ")
        if first.lower() == "bearer":
            settings = Settings({self.variable: rest})
        token = settings.secret(self.variable)
        return Carried(headers={"Authorization": f"Bearer {token}"}, secrets=(token,))


@dataclass(frozen=True, slots=True)
class Basic:
    """User and password in the Authorization header (RFC 7617)."""

    username: str
    password: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The settings that hold the user's name and password."""
        return (self.username, self.password)

    def read(self, settings: Settings) -> Carried:
        """The Authorization header."""
        password = settings.require(self.password)
        token = b64encode(f"{settings.require(self.username)}:{password}".encode()).decode()
        return Carried(headers={"Authorization": f"Basic {token}"}, secrets=(password, token))


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A token of the OAuth 2.0 client credentials grant. scopes: with blanks between them."""

    token_url: str
    client_id: str
    client_secret: str
    scopes: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """The settings that say where tokens are issued, to whom, and for which secret."""
        return (*variables_of(self.token_url), self.client_id, self.client_secret)


@dataclass(frozen=True, slots=True)
class Together:
    """Several credentials that are needed at once."""

    parts: tuple[Credential, ...]

    def __init__(self, parts: Iterable[Credential]) -> None:
        object.__setattr__(self, "parts", tuple(parts))

    @property
    def variables(self) -> tuple[str, ...]:
        """The settings of all of them."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.variables))


Credential: TypeAlias = "Readable | ClientCredentials | Together"
"""A way to be let in."""
