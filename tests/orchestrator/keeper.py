"""A program that watches over a server: `keeper.py FOLDER USER COMMAND…`.

It runs the command as the user, until its own standard input ends, which it does when the process that started it is
gone, however that ended; then it kills the command and removes the folder.
"""

from __future__ import annotations

import pwd
import shutil
import signal
import subprocess
import sys
import threading
from typing import Any


def as_user(user: str) -> dict[str, Any]:
    """How a child is started as that user, with nothing of ours beside; an empty name is ourselves."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def keep(folder: str, user: str, command: list[str]) -> None:
    """Run the command until standard input ends or it ends itself; then remove the folder."""
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, **as_user(user)) as server:  # noqa: S603

        def stop() -> None:
            sys.stdin.buffer.read()
            server.send_signal(signal.SIGQUIT)  # PostgreSQL ends at once: nothing of it is needed

        threading.Thread(target=stop, daemon=True).start()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    keep(sys.argv[1], sys.argv[2], sys.argv[3:])
