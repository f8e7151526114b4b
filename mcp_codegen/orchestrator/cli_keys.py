"""The verb `keys`: API keys of the service."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mcp_codegen.orchestrator import cli_batch, command_line
from mcp_codegen.orchestrator.errors import UserError, printable

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mcp_codegen.orchestrator.service.keys import Key

ROLES = ("viewer", "operator", "admin")

json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


def check_installed() -> None:
    """Refuse where the extra is missing, and say how to get it. Raises UserError."""
    cli_batch.check_installed()
    try:
        import fastapi  # noqa: F401, PLC0415 - only whether it is there
        import python_multipart  # noqa: F401, PLC0415 - the same
    except ImportError as error:
        raise UserError(
            "the service needs the extra `service`", hint="install it: pip install 'mcp-codegen[service]'"
        ) from error


@click.group()
def keys() -> None:
    """API keys of the service: make, list and revoke them."""


@keys.command("create")
@click.argument("name", metavar="NAME")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What its holder may do.")
@click.option(
    "--days", type=click.FloatRange(0, 36_500, min_open=True), help="Valid for so long; by default until revoked."
)
@cli_batch.database_option
@json_option
def create_key(name: str, role: str, days: float | None, database: str, as_json: bool) -> None:
    """Make a key for NAME, and show it this once: only its salted hash is kept.

    \b
    Example:
      mcp-orchestrator keys create night-batch --role operator --days 90
    """
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.service import keys as made  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.service.roles import Role  # noqa: PLC0415 - the same

        secret, key = made.create(kept, name, Role(role), days=days)
        _note(kept, "keys create", key)
    told = _told(key)
    if as_json:
        command_line.say(json.dumps({"key": secret} | told, indent=2))
    else:
        command_line.say(f"{secret}\n{_line(told)}\nIt is not shown again. Send it as `Authorization: Bearer KEY`.")


@keys.command("list")
@cli_batch.database_option
@json_option
def list_keys(database: str, as_json: bool) -> None:
    """All keys, the latest first; revoked and expired ones too."""
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.service import keys as made  # noqa: PLC0415 - needs the extra

        told = [_told(key) for key in made.all_made(kept)]
    command_line.say(json.dumps(told, indent=2) if as_json else "\n".join(map(_line, told)) or "no keys")


@keys.command("revoke")
@click.argument("named", metavar="KEY")
@cli_batch.database_option
@json_option
def revoke_key(named: str, database: str, as_json: bool) -> None:
    """Let a key, by its id, or all keys of a name be of no use from now on."""
    with _opened(database) as kept:
        from mcp_codegen.orchestrator.service import keys as made  # noqa: PLC0415 - needs the extra

        revoked = made.revoke(kept, named)
        for key in revoked:
            _note(kept, "keys revoke", key)
    told = [_told(key) for key in revoked]
    command_line.say(json.dumps(told, indent=2) if as_json else "\n".join(map(_line, told)))


@contextmanager
def _opened(database: str) -> Iterator[sa.Engine]:
    with command_line.refusing():
        check_installed()
        from mcp_codegen.orchestrator.durable import database as databases  # noqa: PLC0415 - needs the extra
        from mcp_codegen.orchestrator.service import tables  # noqa: PLC0415 - the same

        kept = databases.connect(database)
        tables.prepare(kept)
        yield kept


def _note(kept: sa.Engine, action: str, key: Key) -> None:
    note(kept, action, f"{key.key_id} {key.name} {key.role.value}")


def note(kept: sa.Engine, action: str, target: str) -> None:
    """Write down in the audit log what somebody did on the command line. The service's tables are there."""
    from mcp_codegen.orchestrator.service.audit import Audit, Entry  # noqa: PLC0415 - needs the extra

    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without a name, such as in a container
        user = "?"
    Audit(kept).write(Entry(caller=f"shell:{user}", action=action, target=target))


def _told(key: Key) -> dict[str, Any]:
    from mcp_codegen.orchestrator.durable.ledger import milliseconds  # noqa: PLC0415 - needs the extra

    return {
        "id": key.key_id,
        "name": key.name,
        "role": key.role.value,
        "state": key.state(milliseconds()),
        "created_at": _moment(key.created_ms),
        "expires_at": _moment(key.expires_ms),
        "revoked_at": _moment(key.revoked_ms),
    }


def _line(told: dict[str, Any]) -> str:
    end = f"  until {told['expires_at']}" if told["expires_at"] else ""
    return printable(f"{told['id']}  {told['name']}  {told['role']}  {told['state']}  {told['created_at']}{end}")


def _moment(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
