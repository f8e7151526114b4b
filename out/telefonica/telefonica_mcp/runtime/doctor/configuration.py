"""The server's settings: where they come from, and whether they can be what they should be. No value is ever told."""

from __future__ import annotations

import os
import re
import stat
import time
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import quote, urlsplit

from dotenv import dotenv_values
from pydantic_core import from_json

from ...errors import NotConfigured
from ..authentication import read_authentication
from ..retrying import MOST_ATTEMPTS
from ..settings import REMEDY, WHO_MAY_CALL, Settings
from . import urls
from .findings import Finding, fine, problem, warning
from .subject import Bearer, ClientCredentials, Setting, Subject

_PLACEHOLDER = re.compile(
    r"your[-_ ].*|<.*>|\$?\{.*\}|\[.*\]|(?:change|replace)[-_ ]?(?:me|it)|to[-_ ]?do|tbd|placeholder|dummy|none|null"
    r"|secret|password|token|key|api[-_ ]?key|x{3,}|\*{3,}|\.{3,}",
    re.IGNORECASE,
)
_OF_CALLERS = re.compile(r"MCP_(?:AUTH|API|SCOPES?|RESOURCE|ISSUER|AUDIENCE|JWKS)(?:_[A-Z_]*)?")
ANYWHERE = "http://127.0.0.1:8000/mcp"
"""Where the server listens says nothing of who may call."""
OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


def env_file(given: Path | None, subject: Subject) -> Iterator[Finding]:
    """Whether there is an env file, whether it can be read, and by whom."""
    file = given or Path(".env")
    if not file.is_file():
        if given or file.exists():
            yield problem(f"{file} is no file.", "Name one that exists, or leave --env-file out.")
        else:
            yield fine("There is no .env in this folder: the settings come from the environment.")
        return
    try:
        written = dotenv_values(file, interpolate=False, encoding="utf-8-sig")
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        yield problem(f"{file} cannot be read ({error.strerror}).", "Let the user who runs the server read it.")
        return
    except UnicodeError:
        yield problem(f"{file} is not UTF-8 text.", "Save it as UTF-8.")
        return
    yield fine(f"{file} is read.")
    secrets = [one.name for one in subject.settings if one.kind == "secret" and written.get(one.name)]
    if os.name == "posix" and mode & OTHERS_MAY and secrets:
        yield warning(
            f"{file} holds secrets, and others on this machine may read it ({mode:04o}).", f"chmod 600 {file}"
        )
    names = [one.name for one in subject.settings]
    if both := [n for n in names if n in os.environ and written.get(n) not in (None, os.environ[n])]:
        yield warning(f"{file} differs from the environment in {', '.join(both)}.", "The environment wins: keep one.")


def settings(subject: Subject, environ: Mapping[str, str]) -> dict[str, list[Finding]]:
    """What is to be said of each setting."""
    found = {setting.name: list(_setting(setting, environ)) for setting in subject.settings}
    for name, findings in _urls(subject, Settings(environ)):
        if name in found and not _is_bad(found[name]):
            found[name] += findings
    for one in subject.credentials:
        credential = one.credential()
        if not isinstance(one, ClientCredentials) and not any(_is_bad(found.get(n, [])) for n in credential.variables):
            found[credential.variables[-1]] += _credential(one, environ)
    return found


def told(found: Mapping[str, list[Finding]], environ: Mapping[str, str]) -> Iterator[Finding]:
    """All of it, and a word for each setting of which there is nothing to say."""
    for name, findings in found.items():
        if findings:
            yield from findings
        elif environ.get(name):
            yield fine(f"{name} is set.")


def callers(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Who may call over HTTP, where the settings say anything about it."""
    mistyped = [name for name in environ if _OF_CALLERS.fullmatch(name) and name not in WHO_MAY_CALL]
    for name in sorted(mistyped):
        near = get_close_matches(name, WHO_MAY_CALL, 1, 0.5)
        yield warning(f"{ascii(name)[1:-1]} is no setting.", f"Did you mean {near[0]}?" if near else "Remove it.")
    try:
        found = read_authentication(environ, ANYWHERE, local=True)
    except NotConfigured as error:
        yield problem(error.message, error.hint)
        return
    if found is None:
        return
    yield fine(
        f"Over HTTP callers are let in by {len(found.keys)} keys and the tokens of {len(found.issuers)} issuers."
    )
    if found.issuers and not environ.get("MCP_RESOURCE_URL"):
        remedy = "Set it to the URL by which clients reach this server, such as https://mcp.example.com/mcp."
        yield warning("MCP_RESOURCE_URL is not set, which off loopback it has to be.", remedy)


def proxies(found: Mapping[str, str]) -> Iterator[Finding]:
    """The machine's proxies, which the server's requests go through. found: URLs by scheme."""
    for scheme in ("http", "https"):
        if not (written := found.get(scheme, "")):
            continue
        name = f"{scheme.upper()}_PROXY"
        try:
            url = urlsplit(written if "://" in written else f"http://{written}")
            usable = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or True)
        except ValueError:
            url, usable = None, False
        if url and usable:
            yield fine(f"Requests to {scheme} URLs go through the proxy {url.hostname}; NO_PROXY names exceptions.")
        else:
            remedy = "Write it like http://proxy.example.com:8080; proxies of other kinds (SOCKS) cannot be used."
            yield problem(f"{name} is not the URL of an HTTP proxy.", remedy)


def secrets(subject: Subject, environ: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """Every form of every secret that could be told by mistake; of proxies too."""
    held = [environ.get(one.name, "") for one in subject.settings if one.kind == "secret"]
    for written in found.values():
        authority = written.partition("://")[2].rpartition("@")[0] or written.rpartition("@")[0]
        held += [authority, authority.partition(":")[2]]
    plain = [form for text in held for form in (text, text.strip(), text.strip().partition(" ")[2].strip())]
    encoded = [form for text in plain for form in (b64encode(text.encode()).decode(), quote(text, safe=""))]
    return tuple(sorted({form for form in (*plain, *encoded) if form}, key=len, reverse=True))


def _setting(setting: Setting, environ: Mapping[str, str]) -> Iterator[Finding]:
    name, raw = setting.name, environ.get(setting.name, "")
    value = raw.strip()
    if not value:
        if setting.optional:
            return
        said = "is empty" if name in environ else "is not set"
        yield problem(f"{name} {said}. It is: {setting.doc}", REMEDY)
    elif value[0] == value[-1] and value[0] in "'\"" and len(value) > 1:
        yield problem(f"{name} holds the quotes around it.", "Remove them: here they are a part of the value.")
    elif setting.kind == "secret" and (value == setting.sample or _is_placeholder(value)):
        yield problem(f"{name} still holds a placeholder.", f"Set it to the real one. It is: {setting.doc}")
    else:
        if raw != value:
            yield warning(f"{name} has blanks around it, which are left out.", "Remove them.")
        try:
            _read(setting, Settings(environ))
        except NotConfigured as error:
            yield problem(error.message, f"Write one, such as {setting.sample}.")


def _read(setting: Setting, settings: Settings) -> None:
    """Read an optional one as the server does. Raises `NotConfigured`."""
    if setting.kind == "seconds":
        settings.seconds(setting.name, 1)
    elif setting.kind == "count":
        settings.whole(setting.name, 1, most=MOST_ATTEMPTS)
    elif setting.kind == "switch":
        settings.switch(setting.name, default=True)


def _is_placeholder(value: str) -> bool:
    first, _, rest = value.partition(" ")
    return bool(_PLACEHOLDER.fullmatch(rest.strip() if first.lower() == "bearer" and rest else value))


def _urls(subject: Subject, known: Settings) -> Iterator[tuple[str, list[Finding]]]:
    """Each setting that is a URL as a whole, or is a part of one, and what is wrong with it."""
    places = [(gateway.base_url, gateway.prefix, False) for gateway in subject.gateways]
    places += [(one.token_url, "", True) for one in subject.credentials if isinstance(one, ClientCredentials)]
    for template, prefix, issues_tokens in places:
        whole = re.fullmatch(r"\$\{(\w+)\}", template)
        if whole:
            found = urls.wrong(whole[1], known.get(whole[1]), prefix, issues_tokens=issues_tokens)
            yield whole[1], list(found)
        elif part := re.search(r"\$\{(\w+)\}", template):
            try:
                known.url(template)
            except NotConfigured as error:
                yield part[1], [problem(error.message, error.hint)]


def _credential(one: object, environ: Mapping[str, str]) -> Iterator[Finding]:
    credential = one.credential()  # type: ignore[attr-defined]
    name = credential.variables[-1]
    try:
        credential.read(Settings(environ))
    except NotConfigured as error:
        missing = error.message.endswith("is missing.")
        said = f"{name} holds the word Bearer, and no token." if missing else error.message
        yield problem(said, "Set it to the credential alone, without blanks or line breaks in it.")
        return
    if isinstance(one, Bearer) and (ended := _ended(environ[name].split()[-1])):
        yield problem(f"The token in {name} expired {ended} ago.", "Fetch a new one.")


def _ended(token: str) -> str:
    """How long ago a JSON Web Token expired; "" for one that has not, and for any other kind of token."""
    parts = token.split(".")
    try:
        claims = from_json(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        seconds = time.time() - float(claims["exp"])
    except (ValueError, LookupError, TypeError, OverflowError):
        return ""
    return age(seconds) if seconds > 0 else ""


def age(seconds: float) -> str:
    """A time in its largest unit."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "second"))
    return f"{seconds // size:.0f} {unit}{'' if seconds // size == 1 else 's'}"


_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def _is_bad(findings: list[Finding]) -> bool:
    return any(one.level == "problem" for one in findings)
