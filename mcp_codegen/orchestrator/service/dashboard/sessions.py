"""Browser sessions: who signed in with a key, until when. The browser holds a random id, the database its digest."""

from __future__ import annotations

import asyncio
import hashlib
import secrets

import sqlalchemy as sa
from starlette.requests import HTTPConnection

from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.service import keys
from mcp_codegen.orchestrator.service.access import Authenticator, Caller
from mcp_codegen.orchestrator.service.dashboard import cookies
from mcp_codegen.orchestrator.service.keys import Key
from mcp_codegen.orchestrator.service.shield import SAFE

HOURS = 12
"""After which one has to sign in again."""
ID_BYTES = 32
FORMS = "/ui/"
"""Below it every form proves that it is of this session; a cookie changes nothing elsewhere."""

metadata = sa.MetaData()

_sessions = sa.Table(
    "orchestrator_sessions",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, comment="of the id; the browser alone has the id"),
    sa.Column("key_id", sa.String(12), nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
)


def begin(database: sa.Engine, key: Key) -> str:
    """The id of a new session of the key's holder. Sessions that have expired are forgotten."""
    session, moment = secrets.token_urlsafe(ID_BYTES), milliseconds()
    row = {"digest": _digest(session), "key_id": key.key_id, "expires_ms": moment + HOURS * 3_600_000}
    with database.begin() as connection:
        connection.execute(sa.delete(_sessions).where(_sessions.c.expires_ms <= moment))
        connection.execute(sa.insert(_sessions), [row])
    return session


def holder(database: sa.Engine, session: str) -> Key | None:
    """Whose session it is; none where it has expired, was ended, or its key is no longer to be used."""
    wanted = sa.select(_sessions.c.key_id).where(
        _sessions.c.digest == _digest(session), _sessions.c.expires_ms > milliseconds()
    )
    with database.connect() as connection:
        key_id = connection.scalar(wanted)
    return None if key_id is None else keys.active(database, key_id)


def end(database: sa.Engine, session: str) -> None:
    """Forget a session; its id opens nothing more."""
    with database.begin() as connection:
        connection.execute(sa.delete(_sessions).where(_sessions.c.digest == _digest(session)))


def by_session(database: sa.Engine) -> Authenticator:
    """Whose browser it is. What changes something is taken from this service's own forms only."""

    async def authenticate(connection: HTTPConnection) -> Caller | None:
        session = cookies.session(connection)
        if session is None or not (connection.scope["method"] in SAFE or connection.url.path.startswith(FORMS)):
            return None
        key = await asyncio.to_thread(holder, database, session)
        return None if key is None else Caller(f"key:{key.name}", key.role)

    return authenticate


def _digest(session: str) -> str:
    """Fast on purpose, as for keys: nobody guesses 256 random bits."""
    return hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()
