"""Several processes in one worker: a program for each, since each has its own engine and its own processor to use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

LOOK_SECONDS = 0.2


def run(processes: Sequence[str], words: Sequence[str], others: Sequence[Sequence[str]] = ()) -> int:
    """Start a worker for each process, and end all with the first that ends; gives the highest exit code.

    `others` are verbs with their words that run beside them, each in a program of its own too.

    A signal is passed on. Should this program be killed, the others stop: their standard input closes.
    """
    verbs = [*(["worker", process, *words] for process in processes), *map(list, others)]
    workers = [
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "mcp_codegen.orchestrator", *verb, "--until-input-ends"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        for verb in verbs
    ]

    asked = threading.Event()

    def stop(*_: object) -> None:
        if not asked.is_set():  # a second signal would end them at once
            asked.set()
            for worker in workers:
                worker.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while all(worker.poll() is None for worker in workers):
        time.sleep(LOOK_SECONDS)
    stop()
    return max(code if code >= 0 else 128 - code for code in (worker.wait() for worker in workers))


def stop_when_input_ends() -> None:
    """Have this program asked to stop when its standard input closes."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # not through the buffer, whose lock would outlive the program
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="input", daemon=True).start()
