"""Browser sessions: who signed in, until when. The browser holds a random id, the database its digest."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping

import sqlalchemy as sa
from starlette.requests import HTTPConnection

from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.service import keys
from mcp_codegen.orchestrator.service.access import Authenticator, Caller
from mcp_codegen.orchestrator.service.dashboard import cookies
from mcp_codegen.orchestrator.service.keys import Key
from mcp_codegen.orchestrator.service.roles import Role
from mcp_codegen.orchestrator.service.shield import SAFE

HOURS = 12
"""After which one has to sign in again."""
ID_BYTES = 32
FORMS = "/ui/"
"""Below it every form proves that it is of this session; a cookie changes nothing elsewhere."""

metadata = sa.MetaData()

_sessions = sa.Table(
    "orchestrator_browser_sessions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, comment="of the id; the browser alone has the id"),
    sa.Column("caller", sa.String(250), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("key_id", sa.String(12), comment="of the key, where one was shown"),
    sa.Column("issuer", sa.Text, comment="where somebody signed in there"),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
)


def of_key(database: sa.Engine, key: Key) -> str:
    """The id of a new session of a key's holder."""
    return _begin(database, {"caller": f"key:{key.name}", "role": key.role.value, "key_id": key.key_id, "issuer": None})


def of_user(database: sa.Engine, name: str, role: Role, issuer: str) -> str:
    """The id of a new session of somebody who signed in at an issuer; the role is what it said then."""
    return _begin(database, {"caller": name, "role": role.value, "key_id": None, "issuer": issuer})


def _begin(database: sa.Engine, row: Mapping[str, object]) -> str:
    """Write a session down. Sessions that have expired are forgotten."""
    session, moment = secrets.token_urlsafe(ID_BYTES), milliseconds()
    whole = {**row, "digest": _digest(session), "expires_ms": moment + HOURS * 3_600_000}
    with database.begin() as connection:
        connection.execute(sa.delete(_sessions).where(_sessions.c.expires_ms <= moment))
        connection.execute(sa.insert(_sessions), [whole])
    return session


def holder(database: sa.Engine, session: str, issuer: str) -> Caller | None:
    """Whose session it is; none where it has expired, was ended, or its key or issuer is no longer to be trusted."""
    wanted = sa.select(_sessions).where(_sessions.c.digest == _digest(session), _sessions.c.expires_ms > milliseconds())
    with database.connect() as connection:
        row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    trusted = row.issuer == issuer if row.key_id is None else keys.active(database, row.key_id) is not None
    return Caller(row.caller, Role(row.role)) if trusted else None


def end(database: sa.Engine, session: str) -> None:
    """Forget a session; its id opens nothing more."""
    with database.begin() as connection:
        connection.execute(sa.delete(_sessions).where(_sessions.c.digest == _digest(session)))


def by_session(database: sa.Engine, issuer: str) -> Authenticator:
    """Whose browser it is; `issuer` is where people sign in, if anywhere.

    What changes something is taken from this service's own forms only.
    """

    async def authenticate(connection: HTTPConnection) -> Caller | None:
        session = cookies.session(connection)
        if session is None or not (connection.scope["method"] in SAFE or connection.url.path.startswith(FORMS)):
            return None
        return await asyncio.to_thread(holder, database, session, issuer)

    return authenticate


def _digest(session: str) -> str:
    """Fast on purpose, as for keys: nobody guesses 256 random bits."""
    return hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()
