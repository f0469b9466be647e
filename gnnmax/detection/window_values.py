"""Values of windows in floating point, and as nets read them: in float32, in their order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.task.label import is_centred

__all__ = ["as_read", "in_order"]

Windows = npt.NDArray[Any]


def as_read(windows: Windows, encoding: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return windows in float32 in a form that keeps the order of their values, for nets with some encoding.

    A window that float32 holds exactly is unchanged. Of other windows, nets that rank values get the ranks in place of
    the values; nets that standardise each window get values from 0 to 1 where float32 would merge some, scaled in the
    type of the windows. Neither changes what such a net reads. Other nets depend on the values themselves and get them
    rounded.

    Args:
        windows: Floating-point values, shape ``(N, k, k)``; NaN where nothing was measured.
        encoding: A key of the encodings of nets: ``rank``, ``standard``, or anything else.

    Returns:
        The windows, shape ``(N, k, k)``, and whether the exact rule says the same of each of them as before, ``(N,)``.

    Example:
        >>> window = np.full((1, 3, 3), 3e8)
        >>> window[0, 1, 1] += 1
        >>> as_read(window, "none")[1], as_read(window, "standard")[1]
        (array([False]), array([ True]))
        >>> as_read(window, "rank")[0][0]
        array([[0., 0., 0.],
               [0., 1., 0.],
               [0., 0., 0.]], dtype=float32)
    """
    with np.errstate(over="ignore", under="ignore"):
        read = windows.astype(np.float32)
    same = np.ones(len(windows), dtype=np.bool_)
    rounded = np.flatnonzero(~((read == windows) | np.isnan(windows)).all(axis=(1, 2)))
    if encoding == "rank":
        rounded = np.union1d(rounded, np.flatnonzero(np.isinf(windows).any(axis=(1, 2))))
        read[rounded] = in_order(windows[rounded])
    elif encoding == "standard":
        merged = rounded[_merges(windows[rounded])]
        read[merged] = _on_own_scale(windows[merged])
    if len(rounded):
        same[rounded] = is_centred(read[rounded]) == is_centred(windows[rounded])
    return read, same


def in_order(windows: Windows) -> npt.NDArray[np.float32]:
    """Replace each value of a window by the number of different smaller ones in it; NaN stays.

    Example:
        >>> in_order(np.array([[[5.0, np.nan], [-np.inf, 5.0]]]))
        array([[[ 1., nan],
                [ 0.,  1.]]], dtype=float32)
    """
    entries = windows.reshape(len(windows), math.prod(windows.shape[1:]))
    order = np.argsort(entries, axis=1)  # NaN comes last
    ordered = np.take_along_axis(entries, order, axis=1)
    smaller = np.zeros(entries.shape, dtype=np.float32)
    np.cumsum(ordered[:, 1:] > ordered[:, :-1], axis=1, out=smaller[:, 1:])
    found = np.empty_like(smaller)
    np.put_along_axis(found, order, smaller, axis=1)
    found[np.isnan(entries)] = np.nan
    return found.reshape(windows.shape)


def _merges(windows: Windows) -> npt.NDArray[np.bool_]:
    """Return whether float32 makes different values of a window equal or infinite, shape ``(N,)``."""
    ordered = np.sort(windows.reshape(len(windows), math.prod(windows.shape[1:])), axis=1)
    with np.errstate(over="ignore", under="ignore"):
        rounded = ordered.astype(np.float32)
    merged = (ordered[:, 1:] > ordered[:, :-1]) & (rounded[:, 1:] == rounded[:, :-1])
    return np.asarray(merged.any(axis=1) | (np.isinf(rounded) & np.isfinite(ordered)).any(axis=1))


def _on_own_scale(windows: Windows) -> npt.NDArray[np.float32]:
    """Map the finite values of each window to 0 for its lowest up to 1 for its largest."""
    halved = windows / 2  # so that the range is finite
    lowest, largest = halved.min(axis=(1, 2), keepdims=True), halved.max(axis=(1, 2), keepdims=True)
    span = largest - lowest
    with np.errstate(under="ignore"):
        return np.asarray((halved - lowest) / np.where(span > 0, span, 1), dtype=np.float32)
