"""Servers → gateways: the host is configuration, the path behind it belongs to the description."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from mcp_codegen.importers import naming

_IN_PATHS: Final = "!$&()*+,;=:@%"
"""What stands in a path as it is, beside letters and digits."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where operations live."""

    host: str = ""
    """`https://api.example.com`; empty where the description does not say, or has a placeholder."""
    prefix: str = ""
    """The path in front of every path; no slash at its end."""
    others: tuple[str, ...] = ()
    """Further URLs of the same servers."""


def of_openapi(servers: Any) -> Server:  # noqa: ANN401 - JSON
    """The first of OpenAPI 3's servers, variables in its path filled in with their defaults."""
    urls = [filled(one) for one in servers if isinstance(one, Mapping)] if isinstance(servers, list) else []
    urls = [url for url in urls if url]
    return of_url(urls[0], urls[1:]) if urls else Server()


def of_swagger(root: Mapping[str, Any]) -> Server:
    """Swagger 2's `schemes`, `host` and `basePath`."""
    schemes = [one for one in _list(root.get("schemes")) if one in ("http", "https")]
    scheme = "https" if "https" in schemes or not schemes else "http"
    host, path = str(root.get("host") or ""), str(root.get("basePath") or "")
    return of_url(f"{scheme}://{host}/{path.lstrip('/')}" if host else f"/{path.lstrip('/')}")


def of_url(url: str, others: Sequence[str] = ()) -> Server:
    """A server's URL, taken apart."""
    match = re.match(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#]*)|(\{[^{}]*\})", url)
    rest = url[match.end() :] if match else url
    path = re.split(r"[?#]", rest)[0]
    segments = [part for part in path.split("/") if part and part not in (".", "..")]
    prefix = "".join(f"/{quote(part, safe=_IN_PATHS)}" for part in segments if "{" not in part)
    host = f"{match[1] or 'https'}://{match[2]}" if match and match[2] and _is_real(match[2]) else ""
    return Server(host, prefix, tuple(others))


def filled(server: Mapping[str, Any]) -> str:
    """A server's URL with its variables' defaults, but for the one that stands for the host."""
    url = server.get("url")
    variables = server.get("variables")
    if not isinstance(url, str):
        return ""
    for name, one in variables.items() if isinstance(variables, Mapping) else ():
        value = one.get("default") if isinstance(one, Mapping) else None
        if value is not None and not url.startswith(f"{{{name}}}"):
            url = url.replace(f"{{{name}}}", str(value))
    return url


def gateway(server: Server, catalog: str, name: str) -> dict[str, Any]:
    """A gateway for a server; the environment says where it is."""
    variable = base_variable(catalog, name)
    written: dict[str, Any] = {"baseUrl": f"${{{variable}}}{server.prefix}"}
    if server.host:
        others = f" (or {', '.join(server.others[:5])})" if server.others else ""
        written["description"] = f"{variable} is {server.host} by the API's own description{others}."
    else:
        written["description"] = f"{variable} is where the API is served; its description names no server."
    return written


def base_variable(catalog: str, name: str) -> str:
    """The environment variable with a gateway's host."""
    own = "" if name == catalog else name
    return f"{naming.variable(catalog, own)[:55]}_BASE_URL"


def _is_real(host: str) -> bool:
    """Whether it is a host that could exist: not `serverRoot`, nor `{host}`."""
    bare = host.rpartition("@")[2].partition(":")[0]
    return "{" not in host and ("." in bare or bare == "localhost")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
