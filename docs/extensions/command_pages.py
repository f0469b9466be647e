"""The page of the command line, read from the help of every command: its arguments and options."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from collections.abc import Iterator
from typing import NamedTuple
from unittest import mock

import tyro

from gnnmax.cli import COMMANDS
from gnnmax.cli.main import DESCRIPTION

__all__ = ["Option", "command_page", "options_of"]


class Option(NamedTuple):
    """An argument or an option of a command.

    Attributes:
        signature: Its names and its values, such as ``--out PATH``.
        meaning: Its description, with its default.
    """

    signature: str
    meaning: str


def help_of(name: str) -> str:
    """Return the help of a command without frames, in lines that are long enough for every signature."""
    shown = io.StringIO()
    wide = mock.patch.dict("os.environ", COLUMNS="1000")
    with wide, contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        tyro.cli(COMMANDS[name], prog=f"gnnmax {name}", args=["--help"])
    return re.sub(r"^[╭╰].*$", "", shown.getvalue(), flags=re.MULTILINE).replace("│", " ")


def options_of(text: str) -> list[Option]:
    """Return the arguments and options that a help lists, in its order."""
    entries = [(names.replace("{None}|", ""), " ".join(words)) for names, words in _entries(text)]
    return [Option(names, NOTHING.sub("", meaning)) for names, meaning in entries if "--help" not in names]


NOTHING = re.compile(r" \(default: (None|False|'')?\)$")
"""A default that says no more than that an option may be left out."""

ENTRY = re.compile(r" {2}(--?[a-z].*?|[^\sa-z-]\S*(?: [^\sa-z-]\S*)*)(?: {2,}(\S.*?))? *")
"""An option, or the values of an argument in capitals or brackets, and the beginning of its meaning."""


def _entries(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the signature and the lines of the meaning of each entry: a meaning is indented further."""
    entry: tuple[str, list[str]] | None = None
    for line in text.splitlines()[1:]:
        opened = ENTRY.fullmatch(line)
        if opened:
            if entry:
                yield entry
            entry = (opened[1], [opened[2]] if opened[2] else [])
        elif entry and re.match(r" {6,}\S", line):
            entry[1].append(line.strip())
    if entry:
        yield entry


def _literal(text: str) -> str:
    """Return a text for reStructuredText, its special characters escaped and its lines joined."""
    joined = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\*`|_" else sign for sign in joined)


def _command(name: str) -> str:
    options = options_of(help_of(name))
    described = inspect.cleandoc(COMMANDS[name].__doc__ or "")
    paragraphs = [_literal(paragraph) for paragraph in described.split("\n\n")]
    places = [option.signature for option in options if not option.signature.startswith("-")]
    call = " ".join(["gnnmax", name, *places, "[options]"])
    return "\n".join(
        [
            f"{name}\n{'-' * len(name)}\n",
            *(paragraph + "\n" for paragraph in paragraphs),
            f".. code-block:: text\n\n   {call}\n",
            f".. program:: gnnmax {name}\n",
            *(f".. option:: {each.signature}\n\n   {_literal(each.meaning)}\n" for each in options),
        ]
    )


def command_page() -> str:
    """Return the page of the command line in reStructuredText."""
    opening = [
        "Command line\n============\n",
        _literal(DESCRIPTION.split(" Version")[0]) + "\n",
        "The exit status is 0 where a command is done, 1 where a check failed, 2 where the call or the input is wrong "
        "(one line on standard error says what was expected), and 130 after an interrupt. Results go to standard "
        "output or to files, progress and messages to standard error. Every command has ``--help``.\n",
    ]
    return "\n".join([*opening, *(_command(name) for name in COMMANDS)])
