"""The server's settings: environment variables, read when a call needs them, refused by name when they are wrong."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from ..errors import NotConfigured

REMEDY = "Set it in the server's environment or in its .env file."
MAX_SECONDS = 3600.0
MAX_NAME = 253

WHO_MAY_CALL = {
    "MCP_AUTH_ISSUER": "who issues tokens: an https URL, as tokens have it in iss; several with blanks between them",
    "MCP_AUTH_AUDIENCE": "what tokens must have in aud; several with blanks between them; default MCP_RESOURCE_URL",
    "MCP_AUTH_JWKS_URL": "where the issuer's keys are; default: where its metadata says",
    "MCP_RESOURCE_URL": "this server's public URL; default, on loopback, the one that it listens on",
    "MCP_SCOPE_READ": "the scopes or roles of your issuer that let call tools that only read; default read",
    "MCP_SCOPE_WRITE": "those that let call, besides, tools that destroy nothing; default write",
    "MCP_SCOPE_DESTRUCTIVE": "those that let call every tool; default destructive",
    "MCP_API_KEYS": "keys, as NAME:SCOPES:HASH with blanks between them; the verb `key` makes them",
    "MCP_API_KEYS_FILE": "a file of such keys, one a line",
}
"""The settings of authentication over HTTP, and what they say."""

_PLACEHOLDER = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?!\d+\.?$){_LABEL}\.?")
_NOT_IN_HEADERS = re.compile(r"[^\x21-\x7e]")


@lru_cache
def variables_of(template: str) -> tuple[str, ...]:
    """The names of the `${VARIABLES}` in a base URL."""
    return tuple(_PLACEHOLDER.findall(template))


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variables and what they mean. Each method raises `NotConfigured`, never showing a value."""

    environ: Mapping[str, str]

    def get(self, variable: str) -> str:
        """The variable's text without blanks around it; empty when it is not set."""
        return self.environ.get(variable, "").strip()

    def require(self, variable: str) -> str:
        """The variable's text."""
        if value := self.get(variable):
            return value
        raise NotConfigured(f"The setting {variable} is missing.", REMEDY)

    def require_all(self, variables: Iterable[str]) -> None:
        """Name every variable that is missing, not just the first."""
        missing = [name for name in dict.fromkeys(variables) if not self.get(name)]
        if len(missing) > 1:
            raise NotConfigured(f"The settings {', '.join(missing)} are missing.", REMEDY.replace("it in", "them in"))

    def secret(self, variable: str) -> str:
        """A credential, fit to stand in a header."""
        value = self.require(variable)
        if _NOT_IN_HEADERS.search(value):
            raise NotConfigured(f"The setting {variable} holds blanks or characters that no credential has.", REMEDY)
        return value

    def seconds(self, variable: str, default: float) -> float:
        """A time in seconds; the default when the variable is not set."""
        text = self.get(variable) if variable else ""
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if 0 < value <= MAX_SECONDS:
            return value
        raise NotConfigured(f"The setting {variable} is not a number of seconds up to {MAX_SECONDS:.0f}.", REMEDY)

    def whole(self, variable: str, default: int, *, most: int) -> int:
        """A whole number from 1; the default when the variable is not set."""
        text = self.get(variable) if variable else ""
        if not text:
            return default
        if re.fullmatch(r"[0-9]{1,9}", text) and 1 <= int(text) <= most:
            return int(text)
        raise NotConfigured(f"The setting {variable} is not a number from 1 to {most}.", REMEDY)

    def switch(self, variable: str, *, default: bool) -> bool:
        """Whether it is `on` or `off`; the default when the variable is not set."""
        text = self.get(variable).lower() if variable else ""
        if text in ("", "on", "off"):
            return text == "on" if text else default
        raise NotConfigured(f"The setting {variable} is neither on nor off.", REMEDY)

    def url(self, template: str) -> str:
        """A base URL with its `${VARIABLES}` filled in, without a slash at its end."""
        variables = variables_of(template)
        url = _PLACEHOLDER.sub(lambda match: self.require(match[1]), template).rstrip("/")
        if not _is_base(url):
            subject = " and ".join(variables) or "baseUrl"
            raise NotConfigured(f"{subject} does not give a base URL.", "It should look like https://api.example.com.")
        return url


@lru_cache
def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    plain = not ("?" in url or "#" in url or "@" in parts.netloc or _NOT_IN_HEADERS.search(url))
    return plain and parts.scheme in ("http", "https") and _is_host(parts.hostname or "", "[" in parts.netloc)


def _is_host(name: str, bracketed: bool) -> bool:
    if not bracketed and _NAME.fullmatch(name) and len(name) <= MAX_NAME:
        return True
    try:
        return ipaddress.ip_address(name).version == (6 if bracketed else 4)
    except ValueError:
        return False


def is_trustworthy(url: str) -> bool:
    """Whether what comes from there can be relied on: https, or this machine."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
