"""Two folders trade their names in one step of the kernel."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from pathlib import Path

_AT_CWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS have the same value
_SYSCALLS = {"x86_64": 316, "aarch64": 276}  # for C libraries that have no name for renameat2


def exchange(one: Path, other: Path) -> None:
    """Let two paths of one file system trade what they name; no moment lies between, not even for a crash.

    Raises `OSError` where the system or the file system has no such step.
    """
    names = os.fsencode(one), os.fsencode(other)
    c = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        failed = c.renamex_np(*names, ctypes.c_uint(_EXCHANGE))
    elif sys.platform == "linux":
        arguments = _AT_CWD, names[0], _AT_CWD, names[1], ctypes.c_uint(_EXCHANGE)
        if hasattr(c, "renameat2"):
            failed = c.renameat2(*arguments)
        elif number := _SYSCALLS.get(platform.machine()):
            failed = c.syscall(ctypes.c_long(number), *arguments)
        else:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    else:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(one), None, str(other))
