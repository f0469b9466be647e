"""The surroundings of an entry that its background is taken from, as cooltools has them, and sums over them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["KERNELS", "Kernel", "kernel_of", "kernel_sums"]

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


def kernel_sums(values: npt.NDArray[Any], kernel: Kernel, *, shear: int = 0) -> npt.NDArray[Any]:
    """Sum the surroundings of every entry inside the border of a block.

    The entries are added in an order that depends on the kernel alone, so a sum has the same rounding in every block.

    Args:
        values: A block with a border as wide as the kernel reaches; missing entries are 0.
        kernel: The surroundings.
        shear: See :class:`gnnmax.detection.blocks.Block`; with 1 the border at both sides is wider.

    Example:
        >>> kernel_sums(np.arange(9).reshape(3, 3), kernel_of("horizontal", (0, 0), (1, 1)))
        array([[8]])
    """
    (up, left), (height, width) = (side // 2 for side in kernel.shape), values.shape
    aside = left + shear * up
    n, m = height - 2 * up, width - 2 * aside
    sums = np.zeros((n, m), dtype=values.dtype)
    along: dict[tuple[int, int], npt.NDArray[Any]] = {}
    for down, line in enumerate(kernel):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8))).tolist()
        for first, last in list(pairwise(edges))[::2]:
            if (first, last) not in along:
                along[first, last] = _run_sums(values, last - first)
            start = aside - left + first - shear * (down - up)
            sums += along[first, last][down : down + n, start : start + m]
    return sums


def _run_sums(values: npt.NDArray[Any], length: int) -> npt.NDArray[Any]:
    """Sum neighbouring entries of each row, this many."""
    width = values.shape[1] - length + 1
    sums = values[:, :width].copy()
    for start in range(1, length):
        sums += values[:, start : start + width]
    return sums


KERNELS: dict[str, Callable[[npt.NDArray[np.intp], npt.NDArray[np.intp]], Any]] = {
    "donut": lambda down, right: (down != 0) & (right != 0),
    "vertical": lambda down, right: (np.abs(right) <= 1) & (down == down),
    "horizontal": lambda down, right: (np.abs(down) <= 1) & (right == right),
    "lower-left": lambda down, right: (down > 0) & (right < 0),
}
"""Name -> the surroundings by rows down and columns to the right; the peak is then left out."""
