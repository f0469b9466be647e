"""The error for wrong input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping


class InputError(ValueError):
    """Wrong input; one line says what was expected, what was given and what to do.

    The library raises it at its public boundary; the command line prints it and ends with exit status 2.

    Example:
        >>> raise InputError("k must be odd and at least 3, not 4: choose 3 or 5")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: k must be odd and at least 3, not 4: choose 3 or 5
        >>> str(InputError("no column a" + chr(10) + "b"))  # a name in a file may hold a line break
        'no column a b'
    """

    def __init__(self, *said: object) -> None:
        super().__init__(*(" ".join(each.splitlines()) if isinstance(each, str) else each for each in said))


class LostWorkerError(RuntimeError):
    """Work that could not be done, for its worker process ended every time; one line names the work.

    The command line prints it and ends with exit status 1.

    Example:
        >>> raise LostWorkerError("graphs 8 to 15: the worker process ended 3 times before the result was there")
        Traceback (most recent call last):
        ...
        gnnmax.errors.LostWorkerError: graphs 8 to 15: the worker process ended 3 times before the result was there
    """


PACKAGES = {"sklearn": "scikit-learn", "skimage": "scikit-image", "torch_geometric": "torch-geometric"}
"""What to install for a module whose package has another name."""


def missing_package(error: ModuleNotFoundError) -> InputError | None:
    """Make the error for a library that is not installed, with the command that installs it; None for a module of ours.

    Example:
        >>> print(missing_package(ModuleNotFoundError(name="torch_geometric.data")))
        this needs torch_geometric, which is not installed: pip install torch-geometric
        >>> missing_package(ModuleNotFoundError(name="gnnmax.x")) is None
        True
    """
    module = (error.name or "").partition(".")[0]
    if module in ("", "gnnmax") or module in sys.stdlib_module_names:
        return None
    return InputError(f"this needs {module}, which is not installed: pip install {PACKAGES.get(module, module)}")


def lacks_memory(error: Exception) -> bool:
    """Return whether an error says that memory could not be allocated; torch raises RuntimeErrors for this.

    Example:
        >>> lacks_memory(MemoryError()), lacks_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
        (True, True)
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    )


def failure_of(error: Exception) -> str:
    """Say in one line why an optional result failed; raise an error that is neither of the input nor of the machine.

    Example:
        >>> failure_of(InputError("the file is empty")), failure_of(OSError(28, "No space left on device"))
        ('the file is empty', 'No space left on device')
        >>> failure_of(MemoryError())
        'not enough memory: none is left'
    """
    if isinstance(error, InputError):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        return f"{error.strerror or error}"
    if lacks_memory(error):
        return f"not enough memory: {(str(error).splitlines() or ['none is left'])[0]}"
    raise error


def unknown_name(what: str, name: str, known: Iterable[str]) -> InputError:
    """Make the error for an unknown name, with the known names, and the nearest of them first.

    Example:
        >>> print(unknown_name("model", "cnm", ["cnn", "gnn"]))
        unknown model 'cnm': did you mean cnn? known: cnn, gnn
        >>> print(unknown_name("model", "resnet", ["cnn", "gnn"]))
        unknown model 'resnet'; known: cnn, gnn
    """
    names = sorted(known)
    hint = suggestion(name, names)
    return InputError(f"unknown {what} {name!r}{hint or ';'} known: {', '.join(names)}")


def suggestion(name: str, known: Iterable[str], *, elsewhere: Mapping[str, str] | None = None) -> str:
    """Ask whether the nearest known name was meant, as the end of an error; empty if none is near.

    Args:
        name: The unknown name.
        known: The known names.
        elsewhere: What other libraries call a known name, and what to type here.

    Example:
        >>> suggestion("evalute", ["evaluate", "audit"]), suggestion("x", ["evaluate"])
        (': did you mean evaluate?', '')
        >>> suggestion("audit", ["evaluate", "audit"])  # known, and wrong elsewhere
        ''
    """
    from difflib import get_close_matches

    if elsewhere and name in elsewhere:
        return f": did you mean {elsewhere[name]}?"
    by_lower = {each.lower(): each for each in known}
    if name in by_lower.values():  # known elsewhere: nothing to correct
        return ""
    near = get_close_matches(str(name).lower(), by_lower, n=1)
    return f": did you mean {by_lower[near[0]]}?" if near else ""
