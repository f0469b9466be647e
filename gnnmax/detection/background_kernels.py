"""The surroundings of an entry that its background is taken from, as cooltools has them, and sums over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["KERNELS", "Kernel", "kernel_of", "kernel_sums", "pieces_around"]

Kernel = npt.NDArray[np.bool_]
"""Which entries around one in the middle belong to its surroundings; two odd sides."""


def kernel_of(name: str, peak: tuple[int, int], window: tuple[int, int]) -> Kernel:
    """Return the surroundings of an entry.

    Args:
        name: One of :data:`KERNELS`.
        peak: How many rows and columns the peak reaches from the entry; it is left out.
        window: How many rows and columns the surroundings reach from the entry.

    Returns:
        Shape ``(2 * window[0] + 1, 2 * window[1] + 1)``.

    References:
        Rao et al., "A 3D map of the human genome at kilobase resolution reveals principles of chromatin looping", Cell,
        2014: the four surroundings. Open2C et al., "Cooltools: enabling high-resolution Hi-C analysis in Python", PLOS
        Computational Biology, 2024: their widths.

    Example:
        >>> kernel_of("lower-left", (1, 1), (2, 2)).astype(int)
        array([[0, 0, 0, 0, 0],
               [0, 0, 0, 0, 0],
               [0, 0, 0, 0, 0],
               [1, 0, 0, 0, 0],
               [1, 1, 0, 0, 0]])
    """
    down = np.arange(-window[0], window[0] + 1)[:, None]
    right = np.arange(-window[1], window[1] + 1)
    outside = (np.abs(down) > peak[0]) | (np.abs(right) > peak[1])
    return np.asarray(KERNELS[name](down, right) & outside)


def kernel_sums(
    values: npt.NDArray[Any], kernel: Kernel, *, shear: int = 0, mirrored: bool = False
) -> npt.NDArray[Any]:
    """Sum the surroundings of every entry inside the border of a block.

    The entries are added in a sequence that depends on the kernel alone. So a sum has the same rounding in every block,
    and mirrored surroundings of a mirrored block have the same sums.

    Args:
        values: A block with a border as wide as the kernel reaches; missing entries are 0.
        kernel: The surroundings.
        shear: See :class:`gnnmax.detection.blocks.Block`; with 1 the border at both sides is wider.
        mirrored: Whether the surroundings are mirrored at the diagonal: rows of the kernel are columns of the block.

    Example:
        >>> kernel_sums(np.arange(9).reshape(3, 3), kernel_of("horizontal", (0, 0), (1, 1)))
        array([[32]])
    """
    up, left = (side // 2 for side in (kernel.T if mirrored else kernel).shape)
    aside = left + shear * up
    n, m = values.shape[0] - 2 * up, values.shape[1] - 2 * aside
    sums = np.zeros((n, m), dtype=values.dtype)
    runs: dict[int, npt.NDArray[Any]] = {}
    for line, first, last in _runs_of(kernel):
        length = last - first
        if length not in runs:
            runs[length] = _run_sums(values, length, axis=0 if mirrored else 1, shear=shear)
        down, right = (first, line) if mirrored else (line, first)
        start = aside - left + right - shear * (down - up)
        if mirrored:
            start -= shear * (length - 1)
        sums += runs[length][down : down + n, start : start + m]
    return sums


def _runs_of(kernel: Kernel) -> list[tuple[int, int, int]]:
    """Return the line, the first place and the last one, plus 1, of each run of entries in the lines of a kernel."""
    marked = np.pad(kernel, [(0, 0), (1, 1)]).astype(np.int8)
    lines, places = np.nonzero(np.diff(marked))
    return list(zip(lines[::2].tolist(), places[::2].tolist(), places[1::2].tolist(), strict=True))


def _run_sums(values: npt.NDArray[Any], length: int, *, axis: int, shear: int) -> npt.NDArray[Any]:
    """Sum this many neighbouring entries of each row, or of each column."""
    if axis == 1:
        width = values.shape[1] - length + 1
        parts = [values[:, start : start + width] for start in range(length)]
    else:
        height, width = values.shape[0] - length + 1, values.shape[1] - shear * (length - 1)
        starts = [shear * (length - 1 - down) for down in range(length)]
        parts = [values[down : down + height, start : start + width] for down, start in enumerate(starts)]
    sums = parts[0].copy()
    for part in parts[1:]:
        sums += part
    return sums


_Places = npt.NDArray[np.intp]

KERNELS: dict[str, Callable[[_Places, _Places], Any]] = {
    "donut": lambda down, right: (down != 0) & (right != 0),
    "vertical": lambda down, right: (np.abs(right) <= 1) & (down == down),
    "horizontal": lambda down, right: (np.abs(down) <= 1) & (right == right),
    "lower-left": lambda down, right: (down > 0) & (right < 0),
}
"""Name -> the surroundings by rows down and columns to the right; the peak is then left out."""


def pieces_around(peak: tuple[int, int], window: tuple[int, int]) -> list[Kernel]:
    """Return the eight pieces of the ring around a peak: four at its corners and four at its sides.

    Args:
        peak: How many rows and columns the peak reaches from its middle.
        window: How many rows and columns the ring reaches from there.

    Example:
        >>> sum((number * piece) for number, piece in enumerate(pieces_around((0, 0), (1, 1)), 1))
        array([[1, 2, 3],
               [4, 0, 5],
               [6, 7, 8]])
    """
    lines = [
        [(places < -inner), (np.abs(places) <= inner), (places > inner)]
        for inner, places in ((inner, np.arange(-outer, outer + 1)) for inner, outer in zip(peak, window, strict=True))
    ]
    return [
        np.logical_and.outer(lines[0][row], lines[1][column])
        for row in range(3)
        for column in range(3)
        if (row, column) != (1, 1)
    ]
