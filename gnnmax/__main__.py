"""``python -m gnnmax`` is the command line; it heeds an interrupt before it loads anything else."""

from __future__ import annotations

import os
import signal
import sys
import warnings

__all__ = ["run"]

INTERRUPTED = 130
"""The exit status of a call that was interrupted."""


def run() -> int:
    """Run the command line as the program of a process: heed interrupts at any instant, and bear closed streams.

    While modules are loaded, and after the command, an interrupt ends the process at once: there is nothing to tidy up.
    A process that ignores interrupts, as a job in the background of a shell does, still ignores them.

    Returns:
        The exit status, see :func:`gnnmax.cli.main.main`.
    """
    heeding = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeding:
        signal.signal(signal.SIGINT, _end)
    _open_closed_streams()
    _settle_environment()
    from gnnmax.cli.main import main

    status = INTERRUPTED
    try:
        if heeding:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = main()
    except KeyboardInterrupt:
        os.write(2, b"gnnmax: interrupted\n")
    finally:
        if heeding:
            signal.signal(signal.SIGINT, _end_silently if status == INTERRUPTED else _end)
    exec("")  # else Python may end by the signal: it remembers an interrupt of code that a library made from text
    return status


def _end(_signal: int, _frame: object) -> None:
    os.write(2, b"gnnmax: interrupted\n")
    os._exit(INTERRUPTED)


def _end_silently(_signal: int, _frame: object) -> None:
    os._exit(INTERRUPTED)


def _open_closed_streams() -> None:
    """Let standard streams that are closed lead nowhere: else the next file that is opened takes their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number, this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # nothing more to load


UNHEARD = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
"""Warnings to authors of code, which Python does not print by default."""


OF_LIBRARIES = "`torch.jit.script` is deprecated"
"""The beginning of a warning that torch_geometric raises while it is loaded: no caller of a command can act on it."""


def _settle_environment() -> None:
    """Let settings that are meant for other programs end neither this one nor its workers.

    Warnings are no errors here: libraries warn while they are loaded. Pictures go to files, so no window is opened.
    """
    os.environ["MPLBACKEND"] = "agg"
    if any(entry[0] == "error" for entry in warnings.filters):
        warnings.resetwarnings()
        for category in UNHEARD:
            warnings.simplefilter("ignore", category)
    for_workers = os.environ.get("PYTHONWARNINGS", "").split(",")
    heeded = [option for option in for_workers if option and not _is_error(option)]
    os.environ["PYTHONWARNINGS"] = ",".join([*heeded, f"ignore:{OF_LIBRARIES}"])
    warnings.filterwarnings("ignore", message=OF_LIBRARIES)
    sys.warnoptions[:] = [option for option in sys.warnoptions if not _is_error(option)]


def _is_error(option: str) -> bool:
    """Return whether an option of warnings makes errors of them; Python takes its beginning for the word."""
    action = option.partition(":")[0].strip()
    return bool(action) and "error".startswith(action)


if __name__ == "__main__":
    sys.exit(run())
