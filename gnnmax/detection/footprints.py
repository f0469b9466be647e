"""Footprints: which entries around the centre of a window are its rivals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.running_maximum import running_maximum
from gnnmax.errors import InputError

__all__ = ["FOOTPRINTS", "footprint_of", "hole_of", "nearest_of", "rivals_among", "rivals_within"]

Mask = npt.NDArray[np.bool_]

FOOTPRINTS: dict[str, str] = {
    "square": "all other entries of the window",
    "disk": "those up to half a window away, as scikit-image's disk; an ellipse if the window is not square",
    "cross": "those of the row and of the column of the centre",
    "donut:INNER": "those outside the inner INNER x INNER entries; INNER is odd",
}
"""The names of footprints, and which entries they hold besides the centre."""


def footprint_of(name: Any, sides: tuple[int, int]) -> Mask | None:
    """Return the entries of a window that are rivals of its centre, which is not among them; None: all others.

    Args:
        name: A name of :data:`FOOTPRINTS`.
        sides: Rows and columns of the window.

    Raises:
        InputError: no such footprint, or an inner square that fills the window.

    Example:
        >>> footprint_of("disk", (5, 5)).astype(int)
        array([[0, 0, 1, 0, 0],
               [0, 1, 1, 1, 0],
               [1, 1, 0, 1, 1],
               [0, 1, 1, 1, 0],
               [0, 0, 1, 0, 0]])
    """
    if name == "square":
        return None
    down, across = (np.arange(side) - side // 2 for side in sides)
    down = down[:, None]
    if name == "disk":
        inside = (down * (sides[1] // 2)) ** 2 + (across * (sides[0] // 2)) ** 2 <= (
            sides[0] // 2 * (sides[1] // 2)
        ) ** 2
        inside &= (abs(down) <= sides[0] // 2) & (abs(across) <= sides[1] // 2)
    elif name == "cross":
        inside = (down == 0) | (across == 0)
    else:
        inner = hole_of(name)
        if inner >= max(sides):
            raise InputError(
                f"footprint {name!r} leaves nothing of a window of {sides[0]} x {sides[1]}: give a smaller inner side"
            )
        inside = np.maximum(abs(down), abs(across)) > inner // 2
    inside[sides[0] // 2, sides[1] // 2] = False
    return np.asarray(inside)


def hole_of(name: Any) -> int:
    """Return the side of the inner square that a footprint leaves out besides the centre; 1: only the centre.

    Raises:
        InputError: no such footprint.

    Example:
        >>> hole_of("donut:3"), hole_of("disk")
        (3, 1)
    """
    if name in FOOTPRINTS and ":" not in name:
        return 1
    found = re.fullmatch(r"donut:([0-9]{1,9})", name, re.ASCII) if isinstance(name, str) else None
    if found is None:
        raise InputError(f"footprint must be one of {', '.join(FOOTPRINTS)}, not {name!r}")
    inner = int(found[1])
    if inner % 2 == 0:
        raise InputError(f"footprint {name!r}: the inner side must be odd, so that it has a centre")
    return inner


def rivals_among(
    values: npt.NDArray[Any], footprint: Mask, lowest: Any, *, shear: int = 0
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the largest entry of a footprint before and after the centre of each window, in row-major order.

    Cost: a few passes for each row of the footprint.

    Args:
        values: A block with its border, see :func:`gnnmax.detection.running_maximum.rivals`.
        footprint: Which entries count, shape of the windows.
        lowest: The number for a window without such entries.
        shear: 1 if each row begins one column further right than the row above it, else 0.

    Example:
        >>> cross = np.array([[False, True, False], [True, False, True], [False, True, False]])
        >>> before, after = rivals_among(np.array([[1, 2, 3], [4, 9, 5], [6, 7, 8]]), cross, 0)
        >>> before.item(), after.item()
        (4, 7)
    """
    (height, width), (hr, hc) = values.shape, (side // 2 for side in footprint.shape)
    n, m = height - 2 * hr, width - 2 * (hc + shear * hr)
    before, after = (np.full((n, m), lowest, dtype=values.dtype) for _ in range(2))
    spans: dict[int, npt.NDArray[Any]] = {}
    for row, cells in enumerate(footprint):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], cells, [False]]).astype(np.int8))).tolist()
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            if end - first not in spans:
                spans[end - first] = running_maximum(values, end - first, 1)
            side = before if (row, first) < (hr, hc) else after
            part = spans[end - first][row : row + n, first + shear * (2 * hr - row) :][:, :m]
            np.maximum(side, part, out=side)
    return before, after


def nearest_of(footprint: Mask | None, sides: tuple[int, int]) -> Mask:
    """Return the entries of a footprint that are nearest to the centre, at most a ring around it.

    Example:
        >>> nearest_of(None, (1, 5)).astype(int).tolist()
        [[0, 1, 0, 1, 0]]
    """
    down, across = (abs(np.arange(side) - side // 2) for side in sides)
    apart = np.maximum(down[:, None], across)
    inside = apart > 0 if footprint is None else footprint
    return np.asarray(inside & (apart == apart[inside].min()))


def rivals_within(
    values: npt.NDArray[Any], labels: npt.NDArray[Any], footprint: Mask, lowest: Any, *, shear: int = 0
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the largest entry of a footprint with the label of the centre, before and after it in row-major order.

    Cost: two passes for each entry of the footprint.

    Args:
        values: A block with its border.
        labels: The labels of its entries.
        footprint: Which entries count, shape of the windows.
        lowest: The number for a window without such entries.
        shear: 1 if each row begins one column further right than the row above it, else 0.

    Example:
        >>> values, labels = np.array([[1, 2, 3], [4, 9, 5], [6, 7, 8]]), np.tril(np.ones((3, 3), dtype=int))
        >>> before, after = rivals_within(values, labels, np.arange(9).reshape(3, 3) != 4, 0)
        >>> before.item(), after.item()
        (4, 8)
    """
    (height, width), (hr, hc) = values.shape, (side // 2 for side in footprint.shape)
    n, m = height - 2 * hr, width - 2 * (hc + shear * hr)
    own = labels[hr:, hc + shear * hr :][:n, :m]
    before, after = (np.full((n, m), lowest, dtype=values.dtype) for _ in range(2))
    for row, column in np.argwhere(footprint).tolist():
        part = slice(row, row + n), slice(column + shear * (2 * hr - row), column + shear * (2 * hr - row) + m)
        side = before if (row, column) < (hr, hc) else after
        np.maximum(side, values[part], out=side, where=labels[part] == own)
    return before, after
