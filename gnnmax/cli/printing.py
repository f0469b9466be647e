"""Print results of commands to standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gnnmax.io.json_text import json_text
from gnnmax.task.terminal import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from gnnmax.task.claims import Check

__all__ = ["print_checks", "print_json", "print_tables", "print_text"]


def print_text(text: object) -> None:
    """Print text as it is, control characters made visible."""
    sys.stdout.write(f"{visible(str(text))}\n")


def print_checks(checks: Iterable[Check]) -> None:
    """Print one claim per line, marked ok or FAILED."""
    for check in checks:
        note = f": {check.found}" if check.found else ""
        print_text(f"{'ok    ' if check.holds else 'FAILED'} {check.claim}{note}")


def print_json(content: Any, **lists: Iterable[str]) -> None:
    """Print plain values as JSON; long lists, given as their text in pieces, become further fields of an object."""
    text = json_text(content)
    for name, pieces in lists.items():
        sys.stdout.write(text.removesuffix("\n}") + f",\n {json.dumps(name)}: ")
        sys.stdout.writelines(pieces)
        text = "\n}"
    sys.stdout.write(text + "\n")


def print_tables(*tables: Any) -> None:
    """Print tables of rich, as wide as the terminal; text is literal, never markup."""
    console = _console()
    for table in tables:
        console.print(table)


def _console() -> Console:
    from rich.console import Console

    class Literal(Console):
        """A console that takes every word literally."""

        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(visible(text), **options)

    return Literal(width=None if sys.stdout.isatty() else 140, markup=False, emoji=False)
