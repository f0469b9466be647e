"""Input checks: scorers, scores and labels, validated once at the boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array
from gnnmax.task.windows import Windows, checked_labels, windows_hint

__all__ = ["Scorer", "checked_scores", "labels_of", "on_values", "refuse_windows"]

Scorer = Callable[[Windows], Any]
"""Maps windows to real scores ``(N,)``, an array or a tensor; a higher score means more likely centred."""


def on_values(function: Callable[[npt.NDArray[np.float32]], Any]) -> Scorer:
    """Make a scorer from a function of the values alone.

    Args:
        function: Maps values ``(N, k, k)``, float32, to scores ``(N,)``, an array or a tensor.

    Returns:
        A scorer: windows to scores.

    Example:
        >>> scorer = on_values(lambda values: values[:, 1, 1] - values.mean(axis=(1, 2)))
        >>> scorer(Windows.from_values([[[0, 0, 0], [0, 9, 0], [0, 0, 0]]])).round(4)
        array([8.], dtype=float32)
    """
    if not callable(function):
        raise InputError(f"on_values takes a function of an (N, k, k) array, not {type(function).__name__}")

    def scorer(windows: Windows) -> Any:
        return function(windows.values)

    return scorer


def labels_of(windows: Windows | npt.ArrayLike, *, one_class: bool = False) -> npt.NDArray[np.bool_]:
    """Return the labels for an evaluation: those of the windows, or a label array; both classes must occur.

    Args:
        windows: Windows, or labels of shape ``(N,)``.
        one_class: Whether to accept a batch with one class only, or without windows.

    Raises:
        InputError: not labels, no window, or one class only.

    Example:
        >>> labels_of([0, 0])
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: all 2 windows are labelled not centred: give windows of both classes
    """
    label = windows.label if isinstance(windows, Windows) else checked_labels(_labels(windows))
    if one_class:
        return label
    if not len(label):
        raise InputError("no windows to evaluate: give at least one of each class")
    if label.all() or not label.any():
        which = "centred" if label.all() else "not centred"
        raise InputError(f"all {len(label)} windows are labelled {which}: give windows of both classes")
    return label


def _labels(given: Any) -> npt.NDArray[Any]:
    known = (np.ndarray, list, tuple)
    if not isinstance(given, known) and not hasattr(given, "detach") and not hasattr(given, "to_numpy"):
        raise InputError(
            f"the second argument must be Windows or a label array of shape (N,), not {type(given).__name__}: "
            + (windows_hint(given) if hasattr(given, "splits") else "scores come first")
        )
    return as_array(given, "labels")


def refuse_windows(scores: Any, what: str = "scores") -> None:
    """Refuse windows in place of scores, before the labels are checked.

    Raises:
        InputError: the arguments were swapped.
    """
    if isinstance(scores, Windows):
        raise InputError(f"{what} must be an array or a scorer, not Windows: swap the arguments, scores come first")


def checked_scores(
    scores: Any, windows: Windows | npt.ArrayLike, n: int, what: str = "scores"
) -> npt.NDArray[np.float64]:
    """Return finite scores of shape ``(n,)``, from an array, a tensor or a scorer, or refuse them.

    A tensor may be on any device and carry a gradient; it is recognised by its ``detach``. Lists, decisions, columns
    and masked arrays are refused.

    Args:
        scores: Real scores of shape ``(n,)``, or a scorer, which is called on ``windows``.
        windows: The windows that a scorer is called on.
        n: Number of windows.
        what: Name of the scores in a message.

    Raises:
        InputError: not scores, not one per window, or not finite.

    Example:
        >>> checked_scores(np.array([1, 0]), np.array([True, False]), 2)
        array([1., 0.])
    """
    refuse_windows(scores, what)
    if not callable(scores):
        return _checked_array(scores, n, what)
    if not isinstance(windows, Windows):
        raise InputError(f"{what}: a scorer needs Windows to score, not a label array: give Windows, or the scores")
    return _checked_array(scores(windows), n, f"{what} (what the scorer returned)")


def _checked_array(scores: Any, n: int, what: str) -> npt.NDArray[np.float64]:
    array = _as_float64(scores, what)
    if array.ndim != 1:
        hint = "take its one column, scores[:, 0]" if array.shape[1:] == (1,) else "give one score per window"
        raise InputError(f"{what} must have shape ({n},), not {array.shape}: {hint}")
    if len(array) != n:
        raise InputError(
            f"{what} must have one entry for each of {n} windows, not {len(array)}: score the same windows"
        )
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise InputError(
            f"{what} must be finite: {len(wrong)} of {n} are NaN or infinite, the first at index {wrong[0]}; "
            "fix the scorer, or leave those windows out explicitly"
        )
    return array


def _as_float64(scores: Any, what: str) -> npt.NDArray[np.float64]:
    if isinstance(scores, np.ma.MaskedArray):
        raise InputError(f"{what} must not be masked: select the windows and scores to evaluate, windows[~scores.mask]")
    if not isinstance(scores, np.ndarray) and not hasattr(scores, "detach") and not hasattr(scores, "to_numpy"):
        raise InputError(
            f"{what} must be a numpy array or a torch tensor of shape (N,), not {type(scores).__name__}: "
            "pass np.asarray(scores)"
        )
    given = as_array(scores, what)
    dtype = str(given.dtype)
    if dtype == "bool":
        raise InputError(f"{what} must be real scores, not decisions ({dtype}): give the scores before the threshold")
    if given.dtype.kind not in "fiu":
        raise InputError(f"{what} must be real numbers, not {dtype}: convert them first")
    array = given.astype(np.float64)
    if "int" in dtype and array.size and np.abs(array).max() > 2**53:
        raise InputError(f"{what} of type {dtype} exceed 2**53, where float64 would tie them: give their ranks")
    return np.asarray(array, dtype=np.float64)
