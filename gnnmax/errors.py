"""The error for wrong input."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """Wrong input; one line says what was expected, what was given and what to do.

    The library raises it at its public boundary; the command line prints it and ends with exit status 2.

    Example:
        >>> raise InputError("k must be odd and at least 3, not 4: choose 3 or 5")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: k must be odd and at least 3, not 4: choose 3 or 5
    """


def unknown_name(what: str, name: str, known: Iterable[str]) -> InputError:
    """Make the error for an unknown name, with a list of the known names.

    Example:
        >>> print(unknown_name("model", "cmm", ["cnn", "gnn"]))
        unknown model 'cmm'; known: cnn, gnn
    """
    return InputError(f"unknown {what} {name!r}; known: {', '.join(sorted(known))}")
