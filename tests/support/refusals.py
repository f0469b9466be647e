"""Commands that must be refused."""

from __future__ import annotations

from gnnmax.cli.main import main


def refused(words: list[str], capsys) -> str:
    """Run a call that must be refused, and return its one line."""
    capsys.readouterr()
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("gnnmax: ")
    assert shown.err.count("\n") == 1
    return shown.err
