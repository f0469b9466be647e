"""The definition of the task: whether a window is centred on its maximum, its margin, and its kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array

__all__ = ["KINDS", "centre_rank", "check_windows", "is_centred", "kind_of", "largest_other", "margin", "offset_of"]

KINDS = ("centred", "shifted", "runner_up", "tied", "background", "constant")
"""Kinds of windows, in the order of their codes.

``centred``: the centre is the strict maximum. ``shifted``: the maximum is inside, off-centre. ``runner_up``: the centre
is the second largest. ``tied``: the centre is as large as the largest other entry. ``background``: no plant inside.
``constant``: all entries are equal, as most windows of a sparse matrix are.
"""


def check_windows(values: Any) -> npt.NDArray[Any]:
    """Return ``values`` as an array of square, odd-sided windows of real numbers, or refuse it.

    Args:
        values: Array-like of shape ``(..., k, k)``, ``k`` odd and at least 3.

    Raises:
        InputError: the array is not real-valued, masked, not square in its last two axes, or ``k`` is even or below 3.

    Example:
        >>> check_windows(np.zeros((5, 4, 4)))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: a window's side k must be odd and at least 3, not 4: otherwise it has no centre entry
    """
    array = as_array(values, "window values")
    if array.dtype.kind not in "fiub":
        raise InputError(f"window values must be real numbers, not {array.dtype}: convert them first")
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise InputError(f"windows must have shape (..., k, k), not {array.shape}: cut square blocks")
    k = array.shape[-1]
    if k < 3 or k % 2 == 0:
        raise InputError(f"a window's side k must be odd and at least 3, not {k}: otherwise it has no centre entry")
    return array


def _entries(values: Any) -> tuple[npt.NDArray[Any], int]:
    array = check_windows(values)
    k = array.shape[-1]
    return array.reshape(*array.shape[:-2], k * k), k * k // 2  # (..., k*k), index of the centre


def centre_rank(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Count the other entries that are at least as large as the centre.

    0 means that the centre is the strict maximum. NaN means "not observed": it beats nothing, and a NaN centre ranks
    behind every other entry, so its rank is ``k * k - 1``.

    Args:
        values: Windows, shape ``(..., k, k)``, ``k`` odd and at least 3.

    Returns:
        Integers in ``[0, k * k - 1]``, shape ``(...,)``.

    Example:
        >>> centre_rank([[1, 1, 1], [1, 4, 1], [9, 1, 4]])
        array(2)
    """
    entries, middle = _entries(values)
    centre = entries[..., middle, None]
    # The centre itself is counted too, unless it is NaN.
    rank = np.count_nonzero(entries >= centre, axis=-1) - 1
    return np.asarray(np.where(rank < 0, entries.shape[-1] - 1, rank), dtype=np.int64)


def is_centred(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return whether the centre entry of each window is its strict maximum.

    A tie is not a maximum. NaN means "not observed": it beats nothing, and a window whose centre is NaN is not centred.

    The label does not change under relabelling rows or columns around a fixed centre, transposing, and strictly
    increasing maps. It changes when the window moves.

    Args:
        values: Windows, shape ``(..., k, k)``, ``k`` odd and at least 3.

    Returns:
        Booleans, shape ``(...,)``.

    Raises:
        InputError: the values are not real numbers or not square, odd-sided windows.

    References:
        The question behind it: "How can I suppress a CNN's translation invariance / equivariance?",
        ai.stackexchange.com, question 12010.

    Example:
        >>> window = np.array([[0.1, 0.2, 0.0], [0.4, 0.9, 0.3], [0.0, 0.5, 0.1]])
        >>> bool(is_centred(window)), bool(is_centred(np.roll(window, 1, axis=1)))
        (True, False)
    """
    return np.asarray(centre_rank(values) == 0)


def largest_other(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the largest observed entry of each window other than its centre; ``-inf`` if there is none.

    Args:
        values: Windows, shape ``(..., k, k)``, ``k`` odd and at least 3.

    Returns:
        The values, shape ``(...,)``, in float64.

    Example:
        >>> float(largest_other([[1, 2, 3], [4, 9, 8], [7, 6, 5]]))
        8.0
    """
    return np.asarray(_largest_other(values)[1], dtype=np.float64)


def _largest_other(values: npt.ArrayLike) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Find the largest observed entry other than the centre: its position, its value, and whether there is none.

    Each has shape ``(...,)``. The value has the type of the entries, because float64 would merge large integers; it is
    the lowest number of the type if no entry is observed.
    """
    entries, middle = _entries(values)
    others = entries.astype(np.uint8 if entries.dtype == np.bool_ else entries.dtype)
    lowest = -np.inf if others.dtype.kind == "f" else np.iinfo(others.dtype).min
    others[..., middle] = lowest
    place, best = _at(others, np.argmax(others, axis=-1))  # NaN if there is one: then search again
    if not np.isnan(best).any():
        return place, best, np.zeros(best.shape, dtype=np.bool_)
    missing = np.isnan(others)
    others[missing] = lowest
    missing[..., middle] = True
    place, best = _at(others, np.argmax(others, axis=-1))
    # If nothing is above the lowest number, take the first entry that is observed and not the centre.
    place = np.where(_at(missing, place)[1], np.argmin(missing, axis=-1), place)
    return place, best, np.asarray(missing.all(axis=-1))


def _at(entries: npt.NDArray[Any], place: Any) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Return positions, shape ``(...,)``, and the entries at them."""
    place = np.asarray(place)
    return place, np.take_along_axis(entries, place[..., None], axis=-1)[..., 0]


def margin(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the centre minus the largest other entry, in units of the window's standard deviation.

    Positive exactly where the window is centred, zero at a tie, negative otherwise. The standard deviation is that of
    all observed entries, with divisor n. The margin does not change under relabelling around a fixed centre,
    transposing, adding a constant, and multiplying by a positive one.

    Args:
        values: Windows, shape ``(..., k, k)``, ``k`` odd and at least 3.

    Returns:
        Floats, shape ``(...,)``; NaN where the centre is NaN, 0 in a constant window, infinite where an entry is
        infinite, nothing but the centre is observed, or float64 cannot hold the difference or the deviation. A margin
        that would vanish in float32 becomes its smallest normal number, so a stored margin keeps its sign.

    Example:
        >>> float(margin([[0, 0, 0], [0, 3, 0], [0, 0, 0]]).round(4))
        3.182
        >>> float(margin(np.ones((3, 3))))
        0.0
    """
    entries, middle = _entries(values)
    _, best, alone = _largest_other(values)
    centre = entries[..., middle]
    sign = np.where(alone, 1.0, (centre > best) * 1.0 - (centre < best))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore", under="ignore"):
        difference = centre.astype(np.float64) - best.astype(np.float64)
        nothing = (sign == 0) | (difference == 0)
        quotient = np.where(nothing, 0.0, difference / _spread(entries))
        # Infinite entries have no deviation, and a tiny difference may vanish beside a huge one: keep the sign.
        quotient = np.where(np.isnan(quotient), sign * np.inf, quotient)
        least = np.finfo(np.float32).tiny
        quotient = np.where((sign != 0) & (np.abs(quotient) < least), sign * least, quotient)
        return np.asarray(np.where(np.isnan(centre), np.nan, quotient))


def _spread(entries: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Standard deviation over the last axis, NaN left out, safe against overflow."""
    scaled = entries.astype(np.float64)
    sizes = np.abs(entries if entries.dtype.kind == "f" else scaled)
    scale = _at(sizes, np.argmax(sizes, axis=-1))[1][..., None].astype(np.float64)  # NaN if there is one
    chosen: Any = {}  # a sum over chosen entries costs three times as much as one over all
    count: Any = entries.shape[-1]
    if np.isnan(scale).any():
        observed = ~np.isnan(scaled)
        chosen, count = {"where": observed}, np.maximum(observed.sum(axis=-1, keepdims=True), 1)
        scale = np.max(np.abs(scaled), axis=-1, keepdims=True, initial=0.0, **chosen)
    scaled /= np.where(scale > 0, scale, 1.0)
    scaled -= np.sum(scaled, axis=-1, keepdims=True, **chosen) / count
    variance = np.sum(np.square(scaled, out=scaled), axis=-1, keepdims=True, **chosen) / count
    return np.asarray((np.sqrt(variance) * scale)[..., 0])


def offset_of(values: npt.ArrayLike) -> npt.NDArray[np.int16]:
    """Return the position of each window's maximum relative to its centre, ``(row, column)``.

    ``(0, 0)`` exactly where the centre is the strict maximum. Otherwise the position of the largest *other* entry (at a
    tie off the centre, the first in row-major order), so a tied centre points at its rival. A window without an
    observed entry off its centre has offset ``(0, 0)``.

    Args:
        values: Windows, shape ``(..., k, k)``, ``k`` odd and at least 3.

    Returns:
        Offsets in ``[-(k // 2), k // 2]``, shape ``(..., 2)``, int16.

    Example:
        >>> offset_of([[0, 0, 7], [0, 3, 0], [0, 0, 0]])
        array([-1,  1], dtype=int16)
    """
    k = check_windows(values).shape[-1]
    place, _, alone = _largest_other(values)
    place = np.where(is_centred(values) | alone, k * k // 2, place)
    return np.stack(np.divmod(place, k), axis=-1).astype(np.int16) - np.int16(k // 2)


def kind_of(values: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Classify each window by its values alone, as codes into :data:`KINDS`.

    The kind of a planted window follows from the plant; this function uses the values alone. A window whose centre is
    not observed is ``background``.

    Args:
        values: Windows, shape ``(..., k, k)``, ``k`` odd and at least 3.

    Returns:
        Codes, shape ``(...,)``, uint8.

    Example:
        >>> [KINDS[kind_of(np.array([[0, 0, 7], [0, c, 5], [0, 0, 0]]))] for c in (9, 7, 6, 2)]
        ['centred', 'tied', 'runner_up', 'shifted']
        >>> KINDS[kind_of(np.zeros((3, 3)))]
        'constant'
    """
    entries, middle = _entries(values)
    centre = entries[..., middle]
    above = np.count_nonzero(entries > centre[..., None], axis=-1)
    centred, shifted, runner_up, tied, background, constant = range(len(KINDS))
    code = np.select(
        [np.isnan(centre), is_centred(values), (entries == centre[..., None]).all(axis=-1), above == 0, above == 1],
        [background, centred, constant, tied, runner_up],
        default=shifted,
    )
    return np.asarray(code, dtype=np.uint8)
