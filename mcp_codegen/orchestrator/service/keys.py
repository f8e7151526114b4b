"""API keys: made here, shown once, kept as salted hashes, with a role and an end."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from mcp_codegen.orchestrator.durable.ledger import milliseconds
from mcp_codegen.orchestrator.errors import UserError, shown
from mcp_codegen.orchestrator.service.roles import Role

PREFIX = "mco_"
"""What secret scanners can look for."""
SECRET_BYTES = 32
DAY = 86_400_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_KEY = re.compile(r"mco_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")

metadata = sa.MetaData()

_keys = sa.Table(
    "orchestrator_keys",
    metadata,
    sa.Column("key_id", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("salt", sa.String(32), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger),
    sa.Column("revoked_ms", sa.BigInteger),
)
_BY_ID = sa.select(_keys).where(_keys.c.key_id == sa.bindparam("wanted"))
"""Written once: each request asks it, and to put a statement together costs more than to execute it."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key: everything but the key."""

    key_id: str
    name: str
    role: Role
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None

    def state(self, moment: int) -> str:
        """`active`, `expired` or `revoked`, at a moment in milliseconds."""
        if self.revoked_ms is not None:
            return "revoked"
        return "active" if self.expires_ms is None or moment < self.expires_ms else "expired"


def create(database: sa.Engine, name: str, role: Role, *, days: float | None = None) -> tuple[str, Key]:
    """A new key, which is told only here, and what is kept of it; valid for so many days. Raises UserError."""
    if not _NAME.fullmatch(name):
        raise UserError(f"{shown(name)} cannot be a key's name", hint="up to 64 letters, digits, dots, @, _ and -")
    key_id, secret, salt, moment = (
        secrets.token_hex(6),
        secrets.token_urlsafe(SECRET_BYTES),
        secrets.token_hex(16),
        milliseconds(),
    )
    kept = Key(key_id, name, role, moment, None if days is None else moment + int(days * DAY), None)
    row = {
        "key_id": key_id,
        "name": name,
        "role": role.value,
        "salt": salt,
        "digest": _digest(salt, secret),
        "created_ms": moment,
        "expires_ms": kept.expires_ms,
    }
    with database.begin() as connection:
        connection.execute(sa.insert(_keys), [row])
    return f"{PREFIX}{key_id}_{secret}", kept


def find(database: sa.Engine, shown_key: str) -> Key | None:
    """Whose key it is, if it is one and may be used now."""
    match = _KEY.fullmatch(shown_key)
    if match is None:
        return None
    with database.connect() as connection:
        row = connection.execute(_BY_ID, {"wanted": match[1]}).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, _digest(row.salt, match[2])):
        return None
    key = _key(row)
    return key if key.state(milliseconds()) == "active" else None


def active(database: sa.Engine, key_id: str) -> Key | None:
    """The key of that id, if it may be used now."""
    with database.connect() as connection:
        row = connection.execute(_BY_ID, {"wanted": key_id}).one_or_none()
    key = None if row is None else _key(row)
    return key if key is not None and key.state(milliseconds()) == "active" else None


def any_made(database: sa.Engine) -> bool:
    """Whether there has ever been a key, revoked and expired ones included."""
    with database.connect() as connection:
        return connection.execute(sa.select(_keys.c.key_id).limit(1)).first() is not None


def all_made(database: sa.Engine) -> Sequence[Key]:
    """All keys, the latest first."""
    with database.connect() as connection:
        return [_key(row) for row in connection.execute(sa.select(_keys).order_by(_keys.c.created_ms.desc()))]


def revoke(database: sa.Engine, named: str) -> Sequence[Key]:
    """Let the key of this id, or all keys of this name, be of no use from now on. Raises UserError.

    Rows stay: the audit log names them, and a database whose last key is revoked stays closed.
    """
    chosen = sa.or_(_keys.c.key_id == named, _keys.c.name == named)
    with database.begin() as connection:
        rows = connection.execute(sa.select(_keys).where(chosen)).all()
        if not rows:
            raise UserError(f"there is no key {shown(named)}", hint="`mcp-orchestrator keys list` shows those that are")
        fresh = sa.and_(chosen, _keys.c.revoked_ms.is_(None))
        connection.execute(sa.update(_keys).where(fresh).values(revoked_ms=milliseconds()))
        return [_key(row) for row in connection.execute(sa.select(_keys).where(chosen))]


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    values = row._mapping
    return Key(
        key_id=values["key_id"],
        name=values["name"],
        role=Role(values["role"]),
        created_ms=values["created_ms"],
        expires_ms=values["expires_ms"],
        revoked_ms=values["revoked_ms"],
    )


def _digest(salt: str, secret: str) -> str:
    """Fast on purpose: 256 random bits cannot be guessed, however fast one may guess, and each request pays for this.

    A slow hash protects what people choose. The salt makes tables that somebody computed before useless.
    """
    return hashlib.sha256(bytes.fromhex(salt) + secret.encode()).hexdigest()
