"""Where the APIs of a catalog live: the constants of `gateways.py`, and the settings that they read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mcp_codegen import names, policies
from mcp_codegen.catalog import ApiKey, Auth, Basic, Bearer, Gateway, NoAuth, OAuth2ClientCredentials, Retry
from mcp_codegen.checked import CheckedCatalog, Operation
from mcp_codegen.literals import call, literal
from mcp_codegen.package import Import, Keyword, Origin, Setting

_VARIABLE: Final = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_POLICIES: Final = {"admission": "Limits", "breaking": "CircuitBreaker", "retrying": "Retry"}
"""The runtime's modules, and what `gateways.py` may need of them."""


class Origins:
    """The gateways that a catalog's active APIs go through, each a constant."""

    def __init__(self, catalog: CheckedCatalog) -> None:
        self._catalog = catalog
        sources = list(dict.fromkeys(_source(one) for one in catalog.active))
        spelled = names.resolve(sources, lambda s: names.constant_case(_host(s)), names.RESERVED_GATEWAYS)
        self._constants = {source: name.upper() for source, name in spelled.items()}
        self.all = tuple(self._origin(next(one for one in catalog.active if _source(one) == s)) for s in sources)
        found = [setting for one in catalog.active for setting in self.settings_of(one)]
        first = {setting.name: setting for setting in reversed(found)}
        self.settings = tuple(first[name] for name in dict.fromkeys(setting.name for setting in found))

    def constant_of(self, one: Operation) -> str:
        """The name of an API's constant."""
        return self._constants[_source(one)]

    def credential(self, auths: Sequence[Auth]) -> str:
        """The expression that makes the runtime's credential: what all of them ask, together."""
        written = [_credential(auth) for auth in auths if not isinstance(auth, NoAuth)]
        return written[0] if len(written) == 1 else f"Together([{', '.join(written)}])" if written else "OPEN"

    def credential_imports(self, code: str, package: str = "..runtime") -> list[Import]:
        """What an expression of credentials needs."""
        known = {"ApiKey", "Basic", "Bearer", "ClientCredentials", "OPEN", "Together"}
        used = sorted(names.words(code) & known, key=names.import_order)
        return [Import(f"{package}.credentials", tuple(used))] if used else []

    @property
    def imports(self) -> tuple[tuple[Import, ...], ...]:
        """The imports of `gateways.py`."""
        code = " ".join(keyword.value for origin in self.all for keyword in origin.arguments)
        words = names.words(code)
        used = {module: name for module, name in _POLICIES.items() if name in words}
        imports = [Import(f".runtime.{module}", (name,)) for module, name in used.items()]
        imports += [*self.credential_imports(code, ".runtime"), Import(".runtime.gateway", ("Gateway",))]
        return (tuple(sorted(imports, key=lambda one: one.module)),)

    def _origin(self, one: Operation) -> Origin:
        gateway = self._gateway(one)
        arguments = [Keyword("base_url", literal(gateway.base_url))]
        if (credential := self.credential(gateway.auth)) != "OPEN":
            arguments.append(Keyword("credential", credential))
        arguments.append(Keyword("timeout", literal(gateway.timeout_seconds)))
        arguments.append(Keyword("name", literal(self._prefix(one))))
        arguments += policies.of_gateway(gateway)
        return Origin(self.constant_of(one), _host(_source(one)), gateway.description, tuple(arguments))

    def _gateway(self, one: Operation) -> Gateway:
        if not one.base_url:
            return self._catalog.gateways[one.gateway]
        return Gateway.model_validate({"baseUrl": one.base_url})

    def _prefix(self, one: Operation) -> str:
        return self.constant_of(one).rstrip("_")

    def settings_of(self, one: Operation) -> Iterator[Setting]:
        """What the environment says for an API."""
        gateway, name = self._gateway(one), _host(_source(one))
        for variable in _VARIABLE.findall(gateway.base_url):
            whole = gateway.base_url == f"${{{variable}}}"
            sample = f"https://{name.lower()}.example.com" if whole else "value"
            doc = f"{'B' if whole else 'Part of the b'}ase URL of {name}."
            yield Setting(variable, doc, "text", sample)
        for auth in self._catalog.auths_of(one):
            for variable, doc in _secrets(auth):
                yield Setting(variable, f"{doc} for {name}.", "secret", f"your-{_slug(variable)}")
            if isinstance(auth, OAuth2ClientCredentials):
                for variable in _VARIABLE.findall(auth.token_url):
                    doc = f"Where tokens for {name} are issued."
                    yield Setting(variable, doc, "text", "https://auth.example.com")
        retry = gateway.retry or Retry()
        prefix, seconds = self._prefix(one), f"{gateway.timeout_seconds:g}"
        yield Setting(f"{prefix}_TIMEOUT", f"Seconds that a call through {name} may take.", "seconds", seconds)
        attempts = f"Attempts of a call through {name} that may be made twice."
        yield Setting(f"{prefix}_ATTEMPTS", attempts, "count", str(retry.attempts))
        breaker = f"Whether {name} is left alone for a while when it fails: on or off."
        yield Setting(f"{prefix}_BREAKER", breaker, "switch", "on")


def _source(one: Operation) -> str:
    """A gateway's name, or the beginning of a URL: no gateway is called like that."""
    return one.gateway or one.base_url


def _host(source: str) -> str:
    return source.partition("://")[2] or source


def _credential(auth: Auth) -> str:
    if isinstance(auth, ApiKey):
        return call("ApiKey", auth.env, auth.name, **({} if auth.in_ == "header" else {"place": auth.in_}))
    if isinstance(auth, Basic):
        return call("Basic", auth.username_env, auth.password_env)
    if isinstance(auth, OAuth2ClientCredentials):
        scopes = " ".join(auth.scopes)
        return call(
            "ClientCredentials", auth.token_url, auth.client_id_env, auth.client_secret_env, scopes=scopes or None
        )
    return call("Bearer", auth.env) if isinstance(auth, Bearer) else "OPEN"


def _secrets(auth: Auth) -> Sequence[tuple[str, str]]:
    if isinstance(auth, ApiKey):
        return [(auth.env, f"Key ({auth.in_} {auth.name})")]
    if isinstance(auth, Bearer):
        return [(auth.env, "Bearer token")]
    if isinstance(auth, Basic):
        return [(auth.username_env, "User"), (auth.password_env, "Password")]
    if isinstance(auth, OAuth2ClientCredentials):
        return [(auth.client_id_env, "Client's identifier"), (auth.client_secret_env, "Client's secret")]
    return []


def _slug(variable: str) -> str:
    return variable.lower().replace("_", "-")
