"""Print results of commands to standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnnmax.task.claims import Check

__all__ = ["print_checks", "print_json", "print_tables"]


def print_checks(checks: Iterable[Check]) -> None:
    """Print one claim per line, marked ok or FAILED."""
    for check in checks:
        note = f": {check.found}" if check.found else ""
        sys.stdout.write(f"{'ok    ' if check.holds else 'FAILED'} {check.claim}{note}\n")


def print_json(content: Any) -> None:
    """Print plain values as JSON."""
    sys.stdout.write(json.dumps(content, indent=1, allow_nan=False) + "\n")


def print_tables(*tables: Any) -> None:
    """Print rich tables, as wide as the terminal."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in tables:
        console.print(table)
