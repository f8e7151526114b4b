"""Who is calling, and whether they may: 401 for who cannot be told, 403 for who may not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from mcp_codegen.orchestrator.service.problems import Refusal
from mcp_codegen.orchestrator.service.roles import ROUTES, SEES_PERSONAL_DATA, Role

REALM = "mcp-orchestrator"
LONGEST_CREDENTIAL = 16_384


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. `name` goes into the audit log: `key:NAME`, `user:SUBJECT`, `local`, or `` for nobody."""

    name: str
    role: Role | None

    @property
    def sees_personal_data(self) -> bool:
        """Whether inputs and outputs are shown to them unmasked."""
        return self.role is not None and self.role.includes(SEES_PERSONAL_DATA)


NOBODY = Caller("", None)

Authenticator = Callable[[HTTPConnection], Awaitable[Caller | None]]
"""Tells who is calling; None where the request shows nothing that this one reads. Raises `Refusal` (401, 503)."""


@dataclass(frozen=True, slots=True)
class Access:
    """Asks each way to authenticate in turn."""

    authenticators: Sequence[Authenticator]
    otherwise: Authenticator | None = None
    """Asked last: who is calling where nothing is shown. None where everybody has to show something."""

    async def admit(self, connection: HTTPConnection, method: str, route: str) -> Caller:
        """Who is calling this route, if they may. Raises `Refusal`."""
        needed = ROUTES[method, route]
        if needed is None:
            return NOBODY
        caller = await self.identify(connection)
        if caller is None:
            raise unauthenticated("this needs an API key or a token", given=False)
        connection.state.caller = caller
        if caller.role is None or not caller.role.includes(needed):
            has = f"the role {caller.role.value}" if caller.role else "no role"
            raise Refusal(
                403, f"this needs the role {needed.value}; you have {has}", hint="ask an admin for a key with that role"
            )
        return caller

    async def identify(self, connection: HTTPConnection) -> Caller | None:
        """Who is calling; None for who shows nothing. Raises `Refusal` for what is not to be trusted."""
        for authenticator in self.authenticators:
            if (caller := await authenticator(connection)) is not None:
                return caller
        return await self.otherwise(connection) if self.otherwise is not None else None


def unauthenticated(detail: str, *, given: bool = True) -> Refusal:
    """A 401; `given` tells that something was shown, and was not accepted."""
    challenge = f'Bearer realm="{REALM}"' + (', error="invalid_token"' if given else "")
    hint = "send `Authorization: Bearer KEY_OR_TOKEN`; `mcp-orchestrator keys create` makes keys"
    return Refusal(401, detail, hint=hint, headers={"WWW-Authenticate": challenge})


def credential(connection: HTTPConnection) -> str | None:
    """The key or token that a request shows; None where there is none. Raises `Refusal` for more than one."""
    headers = connection.headers
    given = [*headers.getlist("authorization"), *(f"Bearer {key}" for key in headers.getlist("x-api-key"))]
    if not given:
        return None
    scheme, _, value = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not 0 < len(value.strip()) <= LONGEST_CREDENTIAL:
        raise unauthenticated("the credential cannot be read: one header is expected, with the scheme Bearer")
    return value.strip()
