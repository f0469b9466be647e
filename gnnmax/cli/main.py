"""The command line: parse the arguments, run the command, and report wrong input in one line."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import tyro

from gnnmax.cli import COMMANDS, Command
from gnnmax.cli.arguments import expand_home, plain_flags, refuse_old_flags
from gnnmax.cli.plain_arguments import PLAIN_NUMBERS
from gnnmax.errors import InputError, LostWorkerError, failure_of, missing_package
from gnnmax.task.terminal import visible

__all__ = ["main"]

VERSION = version("gnnmax")

BOXES = re.compile(r"\A.*\n *-{4,} *$|^ *-{4,} *$|\x1b\[[0-9;]*m|╭.*╮|[╰╯│─]", re.MULTILINE)
"""What tyro draws around a message, its title included: in lines, or in hyphens where the output is not UTF-8."""

DESCRIPTION = (
    "Is this window of a graph's adjacency matrix centred on its maximum? Data, nets and honest evaluation. "
    f"Version {VERSION}, as --version prints."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The arguments after the program's name; None takes those of the process.

    Returns:
        The exit status: 0 done; 1 a check failed or a worker was lost; 2 wrong arguments or input; 130 interrupted.
        Lost workers and wrong input are reported in one line on standard error.

    Example:
        >>> main(["list", "rules"])
        rules
          argmax ...
        0
    """
    try:
        _check_current_folder()
        command = _parsed(sys.argv[1:] if arguments is None else list(arguments))
        status = command if isinstance(command, int) else command.run()
        sys.stdout.flush()  # an error here is reported in one line, at interpreter exit it is not
        return status
    except InputError as error:
        return _refuse(str(error))
    except LostWorkerError as error:
        return _refuse(str(error), status=1)
    except ModuleNotFoundError as error:
        if (missing := missing_package(error)) is None:
            raise
        return _refuse(str(missing))
    except BrokenPipeError:
        _write_no_more()
        return 0  # the reader of our output has closed the pipe
    except OSError as error:
        _write_no_more()
        where = f": {error.filename}" if error.filename else ""
        return _refuse(f"{error.strerror or error}{where}; choose another path, or fix this one")
    except (MemoryError, RuntimeError) as error:
        return _refuse(f"{failure_of(error)}; give a smaller input, or run where there is more memory")
    except KeyboardInterrupt:
        sys.stderr.write("gnnmax: interrupted\n")
        return 130


def _check_current_folder() -> None:
    """Refuse to work in a folder that was removed: libraries that are loaded there fail with words of their own.

    Raises:
        InputError: the current folder does not exist, or may not be read.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise InputError(f"the current folder cannot be used: {error.strerror}; change to another one by cd") from None


def _write_no_more() -> None:
    """Redirect standard output to the null device, so that unwritten output does not fail again at exit."""
    with contextlib.suppress(OSError, ValueError):  # not a file, or closed
        sys.stdout.flush()
        return
    with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _parsed(arguments: list[str]) -> Command | int:
    """Parse the arguments; tyro's boxed error messages become one line."""
    if arguments == ["--version"]:
        sys.stdout.write(f"gnnmax {VERSION}\n")
        return 0
    refuse_old_flags(COMMANDS, arguments)
    arguments = plain_flags(COMMANDS, arguments)
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint), PLAIN_NUMBERS:
            command: Command = tyro.extras.subcommand_cli_from_dict(
                COMMANDS, prog="gnnmax", description=DESCRIPTION, args=arguments
            )
            return expand_home(command)
    except SystemExit as stop:
        if stop.code in (0, None):
            return 0
        words = BOXES.sub(" ", complaint.getvalue())
        return _refuse(words or "the arguments are wrong; see gnnmax --help")


def _refuse(message: str, *, status: int = 2) -> int:
    sys.stderr.write(f"gnnmax: {visible(' '.join(message.split()))}\n")
    return status
