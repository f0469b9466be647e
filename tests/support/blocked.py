"""Commands in an interpreter that lacks some modules, as on Windows or without an optional library."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = """
import contextlib, io, json, sys, warnings
names, ahead, lines = json.loads(sys.argv[1])
for name in ahead:
    __import__(name)
for name in [name for name in sys.modules if name.partition(".")[0] in names]:
    del sys.modules[name]

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
warnings.filterwarnings("ignore", "only soft file lock is available")
from gnnmax.cli.main import main
for line in lines:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        status = main(line)
    sys.__stdout__.write(json.dumps([status, out.getvalue(), err.getvalue()]) + "\\n")
"""


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    status: int
    out: str
    err: str


def run_without(
    modules: Sequence[str], commands: Sequence[str], folder: Path, *, ahead: Sequence[str] = ()
) -> list[Done]:
    """Run commands one after the other in a folder, in one interpreter without some modules.

    ``ahead`` are imported before: libraries that need a missing module on this system, and not where it is missing.
    """
    call = json.dumps([list(modules), list(ahead), [command.split() for command in commands]])
    done = subprocess.run([sys.executable, "-c", SCRIPT, call], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Done(*json.loads(line)) for line in done.stdout.splitlines()]
