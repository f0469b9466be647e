"""What commands print to standard output."""

from __future__ import annotations

import json
import sys
from typing import Any

__all__ = ["print_json", "print_tables"]


def print_json(content: Any) -> None:
    """Print plain values as JSON."""
    sys.stdout.write(json.dumps(content, indent=1, allow_nan=False) + "\n")


def print_tables(*tables: Any) -> None:
    """Print tables of rich, as wide as the terminal."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in tables:
        console.print(table)
