"""A PostgreSQL server of the tests' own: Debian's package, on a loopback port, as a user who is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.runtime.doors import reserved_port

PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/bin"), Path("/usr/bin")]


@contextmanager
def served() -> Iterator[str]:
    """The URL of an empty database. Skips the test, with the reason, where there is no PostgreSQL."""
    programs = next((place for place in PLACES if (place / "initdb").exists() and (place / "postgres").exists()), None)
    if programs is None:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    run = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        initdb = [programs / "initdb", "-D", data, "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(initdb, check=True, **run)  # type: ignore[call-overload]  # noqa: S603 - ours
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (
            reserved_port() as port,
            subprocess.Popen([programs / "postgres", "-D", data, "-p", str(port), *words], **run) as server,  # type: ignore[call-overload]  # noqa: S603
        ):
            try:
                _await(port, server, programs)
                yield f"postgresql://tests@127.0.0.1:{port}/postgres"
            finally:
                server.terminate()
                with suppress(subprocess.TimeoutExpired):
                    server.wait(60)
                server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    found = next((name for name in ("postgres", "nobody") if name in names), None)
    if found is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")
    return found


def _await(port: int, server: subprocess.Popen[bytes], programs: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        asked = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        if subprocess.run(asked, check=False).returncode == 0:  # noqa: S603 - ours
            return
        time.sleep(0.1)
    pytest.fail("PostgreSQL did not start")
