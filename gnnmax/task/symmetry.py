"""Transformations of windows as data: permutations of rows and columns, and increasing maps of the weights.

The label is invariant under every relabelling that fixes the centre, under transposition and under strictly increasing
maps. It is not invariant under translation. A relabelling and a translation are both pairs of permutations; they differ
only in whether they fix the centre.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.label import check_windows

__all__ = ["increasing_map", "keeps_order", "permuted", "relabellings", "respaced", "translations"]

Permutations = npt.NDArray[np.intp]


def relabellings(n: int, k: int, rng: np.random.Generator) -> Permutations:
    """Draw permutations of ``range(k)`` that fix the centre ``k // 2``, uniformly.

    Args:
        n: Number of permutations.
        k: Side of the window.
        rng: The only source of randomness.

    Returns:
        Shape ``(n, k)``; row ``a`` puts the old position ``result[a, r]`` at the new position ``r``.

    Raises:
        InputError: ``rng`` is not a generator.

    Example:
        >>> relabellings(2, 5, np.random.default_rng(0))[:, 2]
        array([2, 2])
    """
    _check_rng(rng)
    others = np.delete(np.arange(k), k // 2)
    shuffled = rng.permuted(np.broadcast_to(others, (n, k - 1)), axis=1)
    return np.insert(shuffled, k // 2, k // 2, axis=1).astype(np.intp)


def translations(steps: npt.ArrayLike, k: int) -> Permutations:
    """Return the cyclic translations of ``range(k)`` by ``steps``; all but multiples of ``k`` move the centre.

    Args:
        steps: Integers, shape ``(n,)``; positive moves the content towards higher positions.
        k: Side of the window.

    Returns:
        Shape ``(n, k)``, in the convention of :func:`relabellings`.

    Example:
        >>> translations([1], 5)
        array([[4, 0, 1, 2, 3]])
    """
    return (np.arange(k) - np.asarray(steps, dtype=np.intp)[:, None]) % k


def permuted(values: npt.NDArray[Any], rows: Permutations, columns: Permutations) -> npt.NDArray[Any]:
    """Permute the rows and columns of each window by its own pair of permutations.

    Args:
        values: Windows, shape ``(n, k, k)``.
        rows: Shape ``(n, k)``.
        columns: Shape ``(n, k)``.

    Returns:
        ``out[a, r, c] = values[a, rows[a, r], columns[a, c]]``, shape ``(n, k, k)``.

    Example:
        >>> window = np.arange(9).reshape(1, 3, 3)
        >>> permuted(window, np.array([[2, 1, 0]]), np.array([[0, 1, 2]]))[0, :, 0]
        array([6, 3, 0])
    """
    n, k = rows.shape
    flat = (rows[:, :, None] * k + columns[:, None, :]).reshape(n, k * k)
    return np.take_along_axis(values.reshape(n, k * k), flat, axis=1).reshape(n, k, k)


def respaced(values: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Map the values of each window by its own random, strictly increasing map.

    The distinct values of a window, in order, become the partial sums of random gaps: every increasing map is of this
    form on finitely many values. Only order, ties and NaN are kept. Distinct values stay distinct in float32.

    Args:
        values: Windows, shape ``(n, k, k)``.
        rng: The only source of randomness.

    Returns:
        Shape ``(n, k, k)``, float32.

    Raises:
        InputError: not a stack of square, odd-sided windows of real numbers, or ``rng`` is not a generator.

    Example:
        >>> window = np.array([[[0, 0, 7], [0, 3, 0], [0, 0, 0]]])
        >>> out = respaced(window, np.random.default_rng(0))
        >>> bool((np.argsort(out.ravel(), kind="stable") == np.argsort(window.ravel(), kind="stable")).all())
        True
    """
    _check_rng(rng)
    windows = _stack(values)
    n, k = windows.shape[:2]
    entries = windows.reshape(n, k * k)
    order = np.argsort(entries, axis=1, kind="stable")
    ordered = np.take_along_axis(entries, order, axis=1)
    rises = np.zeros(ordered.shape, dtype=np.bool_)
    rises[:, 1:] = ordered[:, 1:] > ordered[:, :-1]
    gaps = rng.uniform(0.05, 1.0, size=(n, k * k)) ** 2
    levels = rng.normal(size=(n, 1)) + np.cumsum(np.where(rises, gaps, 0.0), axis=1)
    mapped = np.empty((n, k * k), dtype=np.float32)
    np.put_along_axis(mapped, order, levels.astype(np.float32), axis=1)
    mapped[np.isnan(entries)] = np.nan
    return mapped.reshape(n, k, k)


def keeps_order(before: npt.NDArray[Any], after: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Find the windows whose new values have the same order, ties and NaN as the old ones.

    Args:
        before: Windows, shape ``(n, k, k)``.
        after: The same windows with other values.

    Returns:
        Shape ``(n,)``.

    Example:
        >>> window = np.array([[[0, 0, 7], [0, 3, 0], [0, 0, 0]]])
        >>> keeps_order(window, window**3), keeps_order(window, np.minimum(window, 1))
        (array([ True]), array([False]))
    """
    n = len(before)
    before, after = before.reshape(n, -1), after.reshape(n, -1)
    order = np.argsort(before, axis=1, kind="stable")
    before, after = np.take_along_axis(before, order, axis=1), np.take_along_axis(after, order, axis=1)
    # In rising order an entry is above its neighbour, equal to it, or (NaN, which comes last) neither.
    kept = (before[:, 1:] > before[:, :-1]) == (after[:, 1:] > after[:, :-1])
    kept &= (before[:, 1:] == before[:, :-1]) == (after[:, 1:] == after[:, :-1])
    kept &= (np.isnan(before) == np.isnan(after)).all(axis=1, keepdims=True)
    return np.asarray(kept.all(axis=1))


def increasing_map(
    values: npt.NDArray[Any], function: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
) -> npt.NDArray[np.float32]:
    """Apply a strictly increasing function to windows and store the result in float32, or refuse.

    A saturating function makes ties out of distinct values, and ties change labels. So the order and the ties of the
    stored values are checked for each window.

    Args:
        values: Windows, shape ``(n, k, k)``.
        function: Elementwise map of a float64 array.

    Returns:
        Shape ``(n, k, k)``, float32.

    Raises:
        InputError: not a stack of square, odd-sided windows of real numbers, or the stored values of some window
            changed their order or became ties.

    Example:
        >>> window = np.array([[[0, 0, 7], [0, 3, 0], [0, 0, 0]]], dtype=np.float32)
        >>> round(float(increasing_map(window, np.exp).max()), 1)
        1096.6
        >>> increasing_map(window, lambda x: np.minimum(x, 1))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the map does not keep the order of the stored values in 1 of 1 windows: ...
    """
    windows = _stack(values)
    n = len(windows)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = np.asarray(function(windows.astype(np.float64)))
        if found.shape != windows.shape or found.dtype.kind not in "fiu":
            raise InputError(
                f"the map must return real numbers, shape {windows.shape}, not {found.dtype} {found.shape}"
            )
        mapped = found.astype(np.float32)
    broken = int((~keeps_order(windows, mapped)).sum())
    if broken:
        raise InputError(
            f"the map does not keep the order of the stored values in {broken} of {n} windows: "
            "use a strictly increasing map that does not saturate in float32"
        )
    return mapped


def _stack(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return windows of shape ``(n, k, k)``, or refuse them."""
    windows = check_windows(values)
    if windows.ndim != 3:
        raise InputError(f"windows must have shape (n, k, k), not {windows.shape}: stack them on one first axis")
    return windows


def _check_rng(rng: object) -> None:
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng must be a numpy.random.Generator, not {rng!r}: pass numpy.random.default_rng(seed)")
