"""A PostgreSQL server of the tests' own: Debian's package, on a loopback port, as a user who is not root.

Each process of the test run that needs one has one, and a new database each time. A keeper ends the server when
the process that asked for it is gone, however that ended.
"""

from __future__ import annotations

import functools
import itertools
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import psycopg
import pytest

from tests.orchestrator import keeper
from tests.orchestrator.keeper import as_user

PLACE: Final = "POSTGRESQL_BIN"
"""The setting that names the folder of the server's programs; one without them hides an installed server."""
USER: Final = "tests"
PATIENCE: Final = 120.0
"""Seconds that the server may take to start."""
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "300",
    "fsync": "off",  # what is killed in tests is never the server
    "full_page_writes": "off",
    "jit": "off",
}


class UnavailableError(Exception):
    """There is no PostgreSQL to be had; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs as long as its keeper's standard input is open."""

    keeper: subprocess.Popen[bytes]
    port: int
    password: str
    log: IO[bytes]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        """A database's, with the password."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database, which is dropped when the block ends."""
        name = f"tests_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def let_go(self) -> None:
        """Have it end, and its folder removed."""
        assert self.keeper.stdin is not None
        self.keeper.stdin.close()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def served() -> Iterator[str]:
    """The URL of an empty database. Skips the test, with the reason, where there is no PostgreSQL."""
    try:
        server = _server()
    except UnavailableError as reason:
        pytest.skip(str(reason))
    with server.database() as url:
        yield url


@functools.cache
def _server() -> Server:
    """This process's. It ends with this process, which is what closes the keeper's input."""
    return start()


def start() -> Server:
    """Start a server. Raises `UnavailableError` where there is none, or it does not run here."""
    programs, user = _programs(), _user()
    said = ""
    for _ in range(3):  # another program may take the port first
        folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        try:
            server = _started(programs, folder, user, _initialised(programs, folder, user))
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise UnavailableError(f"PostgreSQL cannot be started here: {error}") from error
        said = _answered(server)
        if not said:
            return server
        server.let_go()
        server.keeper.wait(PATIENCE)
    raise UnavailableError(f"PostgreSQL does not start here: {said}")


def _programs() -> Path:
    named = os.environ.get(PLACE)
    found = shutil.which("postgres")
    usual = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)]
    places = [Path(named)] if named else [*usual, *([Path(found).resolve().parent] if found else [])]
    for place in places:
        if all(os.access(place / program, os.X_OK) for program in ("initdb", "postgres")):
            return place
    if named:
        raise UnavailableError(f"{PLACE}={named} has no PostgreSQL")
    raise UnavailableError(
        f"PostgreSQL is not installed here (Debian: apt-get install postgresql), nor named by {PLACE}"
    )


def _version(place: Path) -> tuple[int, str]:
    version = place.parent.name
    return (int(version) if version.isdecimal() else 0), version


def _user() -> str:
    """PostgreSQL refuses to run as root; anybody else runs it as themselves, which an empty name says."""
    if os.geteuid() != 0:
        return ""
    names = {entry.pw_name for entry in pwd.getpwall()}
    found = next((name for name in ("postgres", "nobody") if name in names), None)
    if found is None:
        raise UnavailableError("PostgreSQL does not run as root, and there is no user postgres or nobody")
    return found


def _initialised(programs: Path, folder: Path, user: str) -> str:
    """Make the server's data; the password of its one user."""
    password, kept = secrets.token_urlsafe(16), folder / "password"
    kept.touch(0o600)
    kept.write_text(password)
    if user:
        shutil.chown(folder, user)
        shutil.chown(kept, user)
    command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", USER, "-E", "UTF8", "--no-locale"]
    command += ["--no-sync", "-A", "scram-sha-256", f"--pwfile={kept}"]
    done = subprocess.run(  # noqa: S603 - ours
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **as_user(user)
    )
    kept.unlink()
    if done.returncode:
        raise OSError(f"initdb: {' '.join(done.stderr.split())[-500:]}")
    return password


def _started(programs: Path, folder: Path, user: str, password: str) -> Server:
    port = _free_port()
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), *settings]
    log = tempfile.TemporaryFile()  # noqa: SIM115 - the server's, as long as it runs
    process = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, keeper.__file__, str(folder), user, *command],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for the tests, which end it by ending
    )
    return Server(process, port, password, log)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answered(server: Server) -> str:
    """Wait until it takes our password; else why it does not."""
    deadline = time.monotonic() + PATIENCE
    refused = ""
    while server.keeper.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=10).close()
        except psycopg.OperationalError as error:
            refused = str(error)
            time.sleep(0.05)
        else:
            return ""
    server.log.seek(0)
    return " ".join(server.log.read().decode(errors="replace").split())[-500:] or refused
