"""Drivers of sweeps, and their workers of loky, as forks of one process: none of them loads torch again.

A worker of loky is a new program, which loads all modules for seconds. Here it is a fork of its driver that runs what
that program would run, with the same pipes and arguments.
"""

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from multiprocessing import util
from pathlib import Path

from loky import reusable_executor
from loky.backend import fork_exec

from gnnmax.cli.main import main

MOST_FILES = 1024
"""File descriptors from here on are not used by these processes."""


class ForkedDriver:
    """A driver of a sweep; for a test that kills it, it is like ``subprocess.Popen``."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        """Return None while it runs."""
        return None if Path(f"/proc/{self.pid}").exists() else 0

    def kill(self):
        """Kill it, if it has not ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self):
        """Wait for its end."""
        while self.poll() is None:
            time.sleep(0.01)


class ForkedDrivers:
    """A process that has run a command, and so loaded everything, and then runs commands in forks of itself.

    Args:
        folder: Where the first command runs.
        arguments: The first command.
    """

    def __init__(self, folder, *arguments):
        call = [sys.executable, "-m", "tests.support.forked_drivers"]
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=root, env=environment
        )
        assert self._ask(folder, arguments) == 0

    def __call__(self, folder, *arguments):
        """Start a command in a folder."""
        return ForkedDriver(self._ask(folder, arguments))

    def _ask(self, folder, arguments):
        self._process.stdin.write(json.dumps([str(folder), [*map(str, arguments)]]) + "\n")
        return int(self._process.stdout.readline())

    def close(self):
        """End the process; its forks go on."""
        self._process.communicate()


def _fork_worker(command, files, env=None):
    """Fork a worker of loky; its command is ``python -m MODULE ARGUMENT ...``."""
    if child := os.fork():
        return child
    status = 1
    try:
        first = 3
        for file in [*sorted({*map(int, files)}), MOST_FILES]:
            os.closerange(first, file)
            first = file + 1
        os.environ.update(env or {})
        util._finalizer_registry.clear()  # those of the driver
        reusable_executor._executor = None
        sys.argv = command[2:]
        runpy.run_module(command[2], run_name="__main__")
    except SystemExit as ended:
        status = ended.code or 0
    finally:
        os._exit(status)


def _fork_driver(folder, arguments):
    """Run a command in a fork; return the id of the process."""
    if child := os.fork():
        return child
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    silent = os.open(os.devnull, os.O_RDWR)
    for file in range(3):
        os.dup2(silent, file)
    os.chdir(folder)
    fork_exec.fork_exec = _fork_worker
    status = 1
    try:
        status = main(arguments)
    finally:
        os._exit(status)


def _first(folder, arguments):
    """Run a command in this process."""
    os.chdir(folder)
    with Path(os.devnull).open("w") as silent, contextlib.redirect_stdout(silent):
        return main(arguments)


if __name__ == "__main__":
    answer = _first
    for line in sys.stdin:
        sys.stdout.write(f"{answer(*json.loads(line))}\n")
        sys.stdout.flush()
        answer = _fork_driver
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for drivers
