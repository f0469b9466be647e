"""The page of the command line, rendered from the parser: every command, argument and option."""

from __future__ import annotations

import argparse
import inspect
import warnings
from typing import Any

import tyro

from gnnmax.cli import COMMANDS
from gnnmax.cli.main import DESCRIPTION

__all__ = ["command_page", "options_of", "parser_of"]


def parser_of(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # tyro has no other public way to its parser yet
        return tyro.extras.get_parser(COMMANDS[name], prog=f"gnnmax {name}")


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the arguments and options of a parser, those that stand in the call by their place first."""
    actions = [action for action in parser._actions if "--help" not in action.option_strings]
    return sorted(actions, key=lambda action: bool(action.option_strings))


def _literal(text: str) -> str:
    """Return a text for reStructuredText, its special characters escaped and its lines joined."""
    joined = " ".join(text.split())
    return "".join(f"\\{sign}" if sign in "\\*`|_" else sign for sign in joined)


def _signature(action: argparse.Action) -> str:
    value = str(action.metavar or "") if action.nargs != 0 else ""
    if not action.option_strings:
        return value or action.dest
    return ", ".join(f"{option} {value}".strip() for option in action.option_strings)


def _entry(action: Any) -> str:
    return f".. option:: {_signature(action)}\n\n   {_literal(str(action.help or ''))}\n"


def _command(name: str) -> str:
    parser = parser_of(name)
    described = inspect.cleandoc(COMMANDS[name].__doc__ or "")
    paragraphs = [_literal(paragraph) for paragraph in described.split("\n\n")]
    places = [_signature(action) for action in options_of(parser) if not action.option_strings]
    call = " ".join(["gnnmax", name, *places, "[options]"])
    return "\n".join(
        [
            f"{name}\n{'-' * len(name)}\n",
            *(paragraph + "\n" for paragraph in paragraphs),
            f".. code-block:: text\n\n   {call}\n",
            f".. program:: gnnmax {name}\n",
            *(_entry(action) for action in options_of(parser)),
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
