"""Commands of gnnmax in forks of one process, each with one change of the disk that fails or kills.

Every open for writing, write, sync, rename, new folder, removal and change of permissions counts as one step. The n-th
one raises EIO; or it and all later ones that need room raise ENOSPC; or the process is killed there.
"""

import builtins
import contextlib
import errno
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from gnnmax.cli.main import main
from gnnmax.io import atomic_folders

KINDS = ("EIO", "ENOSPC", "SIGKILL")
FREEING = ("unlink", "rmdir", "chmod", "exchange", "replace", "rename", "fsync")
"""Steps that succeed on a full disk."""


class Ended(NamedTuple):
    """How a command ended: its status, the steps that it took, and its messages."""

    status: int
    steps: int
    said: str


class Commands:
    """A process that has loaded everything and runs commands in forks of itself."""

    def __init__(self):
        call = [sys.executable, "-m", "tests.support.failing_writes"]
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=root, env=environment
        )

    def __call__(self, folder, *arguments, kind="", turn=0):
        """Run a command in a folder; the n-th step fails in one of the ``KINDS``."""
        request = {"folder": str(folder), "arguments": [*map(str, arguments)], "kind": kind, "turn": turn}
        self._process.stdin.write(json.dumps(request) + "\n")
        return Ended(*json.loads(self._process.stdout.readline()))

    def load(self, folder, *arguments):
        """Run a command in the process itself: forks then need not load its modules again."""
        assert self(folder, *arguments, kind="none").status == 0

    def close(self):
        self._process.communicate()


class _Fault:
    """Counts the steps of this process, and fails one of them."""

    def __init__(self, kind, turn):
        self.kind, self.turn, self.steps = kind, turn, 0

    def step(self, name):
        self.steps += 1
        late = self.kind == "ENOSPC" and self.steps > self.turn
        if not self.turn or not (self.steps == self.turn or late):
            return
        if self.kind == "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "EIO" or name not in FREEING:
            number = getattr(errno, self.kind)
            raise OSError(number, os.strerror(number))

    def install(self):
        for name in ("fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "chmod"):
            setattr(os, name, self._counted(getattr(os, name), name))
        io.open = builtins.open = self._opened(io.open)
        atomic_folders._exchange = self._counted(atomic_folders._exchange, "exchange")

    def _counted(self, function, name):
        def counted(*arguments, **options):
            self.step(name)
            return function(*arguments, **options)

        return counted

    def _opened(self, real):
        step = self.step

        class Raw(io.FileIO):
            def write(self, data):
                step("write")
                return super().write(data)

        def opened(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
            if not set(mode) & set("wax+"):
                return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
            step("open")
            raw = Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            if "b" in mode:
                return buffered
            return io.TextIOWrapper(buffered, encoding, errors, newline, line_buffering=buffering == 1)

        return opened


def _run(request, answer):
    """Run a command in this process, a fork, and end it."""
    os.chdir(request["folder"])
    fault = _Fault(request["kind"], request["turn"])
    fault.install()
    status = 99
    try:
        status = main(request["arguments"])
    finally:
        os.write(answer, json.dumps([status, fault.steps]).encode())
        sys.stderr.flush()
        os._exit(0)


def _in_a_fork(request):
    """Run a command in a fork; return its status, the number of its steps, and its messages."""
    received, answer = os.pipe()
    with tempfile.TemporaryFile() as said:
        if not (child := os.fork()):
            os.dup2(said.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            _run(request, answer)
        os.close(answer)
        _, ended = os.waitpid(child, 0)
        content = os.read(received, 1000)
        os.close(received)
        said.seek(0)
        messages = said.read().decode()
    return [*(json.loads(content) if content else [-os.WTERMSIG(ended), 0]), messages]


def _here(request):
    """Run a command in this process."""
    os.chdir(request["folder"])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        status = main(request["arguments"])
    return [status, 0, said.getvalue()]


if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(json.dumps((_here if request["kind"] == "none" else _in_a_fork)(request)) + "\n")
        sys.stdout.flush()
