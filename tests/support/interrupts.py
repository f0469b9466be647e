"""Processes that are interrupted or killed at a known moment, however fast the machine is."""

import signal
import subprocess
import time
from collections.abc import Callable


def heed_interrupts() -> None:
    """Take interrupts, which a shell lets its background jobs ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(condition: Callable[[], object], process: subprocess.Popen) -> None:
    """Wait until a running process has brought something about; fail if it ends without."""
    while not condition():
        assert process.poll() is None, "the process ended before what was waited for"
        time.sleep(0.005)
