"""Processes that are interrupted or killed at a known moment, on a machine of any speed."""

import signal
import subprocess
import time
from collections.abc import Callable


def heed_interrupts() -> None:
    """Accept interrupts, which background jobs of a shell ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(condition: Callable[[], object], process: subprocess.Popen) -> None:
    """Wait until a condition holds while a process runs; fail if the process ends first."""
    while not condition():
        assert process.poll() is None, "the process ended before what was waited for"
        time.sleep(0.005)
