"""Run a Python program, and state its processor time and its peak memory, child processes included.

It is run by the interpreter of the program's own environment, and imports nothing but the standard library::

    python measured.py REPORT SCRIPT ARGUMENT...

REPORT is a file of JSON: ``seconds``, user and system time from the start of the interpreter, and ``bytes``.
"""

from __future__ import annotations

import json
import os
import re
import resource
import runpy
import sys
from pathlib import Path


def peak_memory() -> int:
    """Return the largest memory of this program, in bytes; ``ru_maxrss`` starts with the peak of its parent."""
    try:
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    except OSError:
        found = None
    if found is not None:
        return 1024 * int(found[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(report: str, script: str, *arguments: str) -> None:
    """Run a program to its end, and write the report whatever the end is."""
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    process = os.getpid()
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        if os.getpid() == process:  # a forked child that unwinds has nothing to say
            own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
            Path(report).write_text(json.dumps({"seconds": seconds, "bytes": peak_memory()}), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
