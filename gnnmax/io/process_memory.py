"""The memory of this process."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["peak_memory"]

STATUS = Path("/proc/self/status")
"""Where Linux states the memory of the program that runs, see the manual page proc_pid_status(5)."""


def peak_memory() -> int | None:
    """Return the largest memory of this program so far, in bytes; None where the system does not say.

    On Linux ``ru_maxrss`` is not that number: a new process starts with the peak of the one that started it.

    Example:
        >>> peak_memory() > 10_000_000
        True
    """
    try:
        found = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text(encoding="ascii", errors="replace"))
    except OSError:
        found = None
    if found is not None:
        return 1024 * int(found[1])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
