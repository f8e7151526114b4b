"""What the doctor knows of the server: `doctor.json`, written with the code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from .. import credentials
from ..settings import variables_of

PACKAGE = __name__.removesuffix(".runtime.doctor.subject")
"""The package that this is a part of."""


class Setting(BaseModel):
    """An environment variable."""

    name: str
    doc: str
    kind: Literal["secret", "text", "seconds", "count", "switch"]
    sample: str

    @property
    def optional(self) -> bool:
        """Whether there is a default."""
        return self.kind in ("seconds", "count", "switch")


class ApiKey(BaseModel):
    """A key in a header, a query parameter or a cookie."""

    type: Literal["apiKey"]
    place: Literal["header", "query", "cookie"] = Field(validation_alias="in")
    name: str
    env: str

    def credential(self) -> credentials.ApiKey:
        """As the server uses it."""
        return credentials.ApiKey(self.env, self.name, place=self.place)


class Bearer(BaseModel):
    """A token."""

    type: Literal["bearer"]
    env: str

    def credential(self) -> credentials.Bearer:
        """As the server uses it."""
        return credentials.Bearer(self.env)


class Basic(BaseModel):
    """User and password."""

    type: Literal["basic"]
    username: str = Field(validation_alias="usernameEnv")
    password: str = Field(validation_alias="passwordEnv")

    def credential(self) -> credentials.Basic:
        """As the server uses it."""
        return credentials.Basic(self.username, self.password)


class ClientCredentials(BaseModel):
    """A token of a token endpoint."""

    type: Literal["oauth2ClientCredentials"]
    token_url: str = Field(validation_alias="tokenUrl")
    client_id: str = Field(validation_alias="clientIdEnv")
    client_secret: str = Field(validation_alias="clientSecretEnv")
    scopes: list[str]

    def credential(self) -> credentials.ClientCredentials:
        """As the server uses it."""
        scopes = " ".join(self.scopes)
        return credentials.ClientCredentials(self.token_url, self.client_id, self.client_secret, scopes=scopes)


Credential = Annotated[ApiKey | Bearer | Basic | ClientCredentials, Field(discriminator="type")]


class Probe(BaseModel):
    """A call that changes nothing, with the catalog's own examples."""

    tool: str
    arguments: dict[str, Any]


class Door(BaseModel):
    """The credentials that some APIs of a gateway ask for together."""

    credentials: list[Credential]
    probe: Probe | None = None

    @property
    def variables(self) -> frozenset[str]:
        """The settings that they read."""
        return frozenset(name for one in self.credentials for name in one.credential().variables)


class Gateway(BaseModel):
    """Where a family of APIs lives."""

    name: str
    base_url: str = Field(validation_alias="baseUrl")
    prefix: str
    """What the path of every endpoint begins with."""
    doors: list[Door]

    @property
    def variables(self) -> frozenset[str]:
        """The settings in its base URL."""
        return frozenset(variables_of(self.base_url))


class Subject(BaseModel):
    """A server: its settings, and where it leads."""

    settings: list[Setting]
    gateways: list[Gateway]

    @property
    def credentials(self) -> list[Credential]:
        """All of them, each once."""
        found = [one for gateway in self.gateways for door in gateway.doors for one in door.credentials]
        return [one for index, one in enumerate(found) if one not in found[:index]]


def load() -> Subject:
    """What was written with the code."""
    return Subject.model_validate_json((Path(__file__).parents[2] / "doctor.json").read_bytes())
