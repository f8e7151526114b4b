"""Where webhooks may go: to public addresses over https, and to what the configuration allows besides.

What subscribers write is hostile: a URL could lead into the network that this program stands in (server-side request
forgery). Names are resolved here, every address is held against the rules, and the caller connects to one of the
addresses that passed, never to the name again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from mcp_codegen.orchestrator.errors import UserError, printable, shown

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL = 2_000
PORTS = frozenset({443, 8443})
"""Of destinations that are not allowed by name or network."""
TRANSLATED = [ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]
"""IPv6 addresses that lead to IPv4 ones, by way of gateways."""

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")


class Refused(Exception):  # noqa: N818 - named by what happened
    """A destination that is not allowed; the text tells why, and no secret."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is allowed besides public https: there also http, any port, and addresses that are not public."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    """Names. They may lead to private and loopback addresses; to link-local ones, where clouds keep their metadata,
    only with the network allowed too."""

    def address(self, address: Address) -> bool:
        """Whether it stands in an allowed network."""
        return any(address in network for network in self.networks if network.version == address.version)


def allowed(words: Iterable[str]) -> Allowed:
    """What `--webhooks-allow` says: networks (`10.1.0.0/16`), addresses, and names of hosts. Raises UserError."""
    networks: list[Network] = []
    hosts = set[str]()
    for word in (each.strip().lower() for each in words):
        try:
            networks.append(ipaddress.ip_network(word))
        except ValueError:
            if not _NAME.fullmatch(word) or re.fullmatch(r"[0-9.]+", word):
                raise UserError(
                    f"--webhooks-allow {shown(word)} is no network and no host",
                    hint="write 10.1.0.0/16, 127.0.0.1, or a name such as hooks.internal",
                ) from None
            hosts.add(word.rstrip("."))
    return Allowed(tuple(networks), frozenset(hosts))


def check_url(url: str, allow: Allowed) -> SplitResult:
    """The URL in parts, where it may be asked as far as its text tells. Raises Refused."""
    if len(url) > LONGEST_URL or not url.isascii() or printable(url) != url or any(sign in url for sign in ' \\"<>'):
        raise Refused(f"the URL must be ASCII without spaces or control characters, up to {LONGEST_URL} of them")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise Refused("it cannot be read as a URL") from None
    if parts.username is not None or parts.password is not None:
        raise Refused("a URL with a user or a password is not taken: they would be kept and shown")
    if parts.scheme not in ("https", "http") or not host or parts.fragment:
        raise Refused("it must be an https URL with a host and without a fragment")
    address = _literal(host)
    if address is None and not _NAME.fullmatch(host):
        raise Refused("its host is neither a name nor an address")
    named = host in allow.hosts or (address is not None and allow.address(_plain(address)))
    if not named and address is None and parts.scheme == "http" and not allow.networks:
        raise Refused("http is not allowed there, only https")
    if address is not None:
        check_address(host, address, allow)
        check_way(parts, address, allow)
    elif not named and port not in (None, 80, *PORTS) and not allow.networks:
        raise Refused(f"port {port} is not allowed there")
    return parts


async def resolve(parts: SplitResult, allow: Allowed) -> Sequence[Address]:
    """The addresses of a URL's host, each of which may be connected to. Raises Refused, OSError."""
    host = (parts.hostname or "").rstrip(".")
    literal = _literal(host)
    if literal is not None:
        found: Sequence[Address] = [literal]
    else:
        answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        found = list(dict.fromkeys(ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers))
    for address in found:  # one bad one among good ones is an attack, or a mistake
        check_address(host, address, allow)
        check_way(parts, address, allow)
    return found


def check_address(host: str, address: Address, allow: Allowed) -> None:
    """Raises Refused for an address that is not public, unless it, or this name for it, is allowed."""
    address = _plain(address)
    if allow.address(address):
        return
    if host in allow.hosts and not (address.is_link_local or address.is_multicast or address.is_unspecified):
        return
    hidden = any(address in network for network in TRANSLATED if network.version == address.version)
    if not address.is_global or address.is_multicast or address.is_reserved or hidden:
        raise Refused(f"{shown(host)} leads to an address that is not public; --webhooks-allow would allow it")


def check_way(parts: SplitResult, address: Address, allow: Allowed) -> None:
    """Raises Refused for a scheme or a port that only allowed destinations may have."""
    if allow.address(_plain(address)) or (parts.hostname or "").rstrip(".") in allow.hosts:
        return
    if parts.scheme != "https":
        raise Refused("http is not allowed there, only https")
    if (parts.port or 443) not in PORTS:
        raise Refused(f"port {parts.port} is not allowed there")


def _literal(host: str) -> Address | None:
    """The address that a host is written as. What only some readers take for one, such as 0177.1 or 1, is no name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*", host):
            raise Refused("its host is an address in a way that is not plain") from None
        return None


def _plain(address: Address) -> Address:
    """IPv4 also where it is written inside of IPv6."""
    return getattr(address, "ipv4_mapped", None) or address
