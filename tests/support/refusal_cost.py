"""The cost of a refusal: seconds of the processor, and memory."""

import contextlib
import re
import time
from pathlib import Path
from typing import NamedTuple

from gnnmax.errors import InputError

MOST_SECONDS, MOST_BYTES = 2.0, 300e6


class Refusal(NamedTuple):
    said: str
    seconds: float
    bytes: int


def resident(name):
    """Memory of this process: VmRSS, or its peak VmHWM since the last reset; 0 where there is no /proc."""
    with contextlib.suppress(OSError):
        return 1024 * int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    return 0


def refusal(function, *given, **options):
    """Call a function; return its refusal in one line, within bounds of time and memory, or None if it returns."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak is measured from here
    before, started = resident("VmRSS"), time.process_time()
    try:
        function(*given, **options)
    except InputError as error:
        seconds = time.process_time() - started
        found = Refusal(str(error), seconds, resident("VmHWM") - before)
        assert "\n" not in found.said and 0 < len(found.said) < 1_000, found
        assert found.seconds <= MOST_SECONDS and found.bytes <= MOST_BYTES, found
        return found
    return None
