"""The cost of a refusal: seconds of the processor, and memory."""

import functools
import os
import re
import time
from typing import NamedTuple

from gnnmax.errors import InputError

MOST_SECONDS, MOST_BYTES = 2.0, 300e6


class Refusal(NamedTuple):
    said: str
    seconds: float
    bytes: int


@functools.cache
def _descriptor(name, flags):
    """Open a file of /proc once, because opening costs more than reading; None where there is none."""
    try:
        return os.open(f"/proc/self/{name}", flags)
    except OSError:
        return None


def resident(name="VmHWM"):
    """Peak memory of this process since the last reset, or that of another line; 0 where it is unknown."""
    status = _descriptor("status", os.O_RDONLY)
    return 0 if status is None else 1024 * int(re.search(rf"{name}:\s+(\d+)".encode(), os.pread(status, 4096, 0))[1])


def reset_peak():
    """Measure the peak memory from here on."""
    references = _descriptor("clear_refs", os.O_WRONLY)
    if references is not None:
        os.pwrite(references, b"5", 0)


def refusal(function, *given, **options):
    """Call a function; return its refusal in one line, within bounds of time and memory, or None if it returns."""
    reset_peak()
    before, started = resident(), time.process_time()
    try:
        function(*given, **options)
    except InputError as error:
        found = Refusal(str(error), time.process_time() - started, resident() - before)
        assert "\n" not in found.said and 0 < len(found.said) < 1_000, found
        assert found.seconds <= MOST_SECONDS and found.bytes <= MOST_BYTES, found
        return found
    return None
