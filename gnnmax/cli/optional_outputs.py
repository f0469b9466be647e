"""Outputs of one command, each written whether or not others fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gnnmax.errors import InputError, failure_of

__all__ = ["Outputs"]


class Outputs:
    """The outputs of a command: which were written, and which were not, with their reasons.

    Example:
        >>> outputs = Outputs()
        >>> with outputs.writing("--out", Path("maxima.csv")):
        ...     pass
        >>> with outputs.writing("--page", Path("m.html")):
        ...     raise OSError(28, "No space left on device")
        >>> outputs.refuse_losses()
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: not written: --page m.html (No space left on device); written: --out maxima.csv
    """

    def __init__(self) -> None:
        self._written: list[str] = []
        self._lost: list[str] = []

    @contextlib.contextmanager
    def writing(self, flag: str, path: Path) -> Iterator[None]:
        """Note whether the block, which writes one output, succeeds; its errors of input and machine end here."""
        try:
            yield
        except (InputError, OSError, MemoryError, RuntimeError) as error:
            self._lost.append(f"{flag} {path} ({failure_of(error)})")
        else:
            self._written.append(f"{flag} {path}")

    def wrote(self, flag: str) -> bool:
        """Return whether the output of an option was written."""
        return any(name.startswith(f"{flag} ") for name in self._written)

    def refuse_losses(self) -> None:
        """Raise an error that names all outputs, if one of them was not written.

        Raises:
            InputError: an output was not written.
        """
        if self._lost:
            written = f"written: {', '.join(self._written)}" if self._written else "nothing was written"
            raise InputError(f"not written: {', '.join(self._lost)}; {written}")
