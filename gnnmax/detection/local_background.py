"""Local backgrounds: each score is an entry over what its surroundings let expect."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.background_kernels import kernel_of, kernel_sums
from gnnmax.detection.block_reading import FittedNormalisation
from gnnmax.detection.distance_means import NOT_ABOVE, distance_means
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["BACKGROUNDS", "PEAK", "by_background"]

Floats = npt.NDArray[np.float64]

PEAK = 2.0
"""How far a peak reaches from its middle, unless a step says it: as cooltools has it at 10 kb."""

LARGEST = 64
"""Farthest reach of a peak: above, blocks would consist of borders."""


def by_background(source: MatrixSource, peak: float, *, kernel: str) -> FittedNormalisation:
    """Divide each entry by its locally adjusted expected value: observed over expected, as cooltools has it.

    The expected value ``E`` of an entry is the mean of the measured entries at its distance ``|i - j|``. It is adjusted
    by its surroundings: the sum of their measured entries over the sum of their expected values. The score is
    ``x / (E * sum(x) / sum(E))``. With ``p`` for the reach of the peak and ``w = 2 p + 1``, the surroundings of
    ``(i, j)`` are the entries up to ``w`` rows and columns away, without those up to ``p`` away in both, and of these

    - ``donut``: those in other rows and in other columns than ``(i, j)``;
    - ``vertical``: those in columns ``j - 1`` to ``j + 1``;
    - ``horizontal``: those in rows ``i - 1`` to ``i + 1``;
    - ``lower-left``: those in rows after ``i`` and in columns before ``j``, towards the diagonal.

    Missing entries, those outside the matrix and those across a break count in neither sum. In an undirected matrix the
    half below the diagonal is not there; an entry there has the score of its mirror image. There is no score where the
    mean at the distance or the sum over the surroundings is not above 0, and none across a break.

    Cost: one pass beforehand; then blocks are read with a wider border, and divided as they are searched.

    Args:
        source: A square matrix.
        peak: The reach of the peak, a whole number.
        kernel: One of :data:`gnnmax.detection.background_kernels.KERNELS`.

    Raises:
        InputError: a reach that is not a whole number or too large; not square; values that are not finite.

    References:
        Rao et al., "A 3D map of the human genome at kilobase resolution reveals principles of chromatin looping", Cell,
        2014. They compare counts with all four backgrounds; the step takes one.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> by_background(as_source(np.ones((9, 9))), 2.0, kernel="donut").reach
        5
    """
    if peak != int(peak) or not 0 <= peak <= LARGEST:
        raise InputError(f"the step {kernel} takes a whole number from 0 to {LARGEST}, not {peak:g}")
    reach = 2 * int(peak) + 1
    means = distance_means(source, kernel)
    surroundings = kernel_of(kernel, (int(peak), int(peak)), (reach, reach))

    def constant(values: npt.NDArray[Any], rows: Places, columns: Places) -> Floats:
        expected = means.at(rows, columns)
        return np.asarray(np.where((values > 0) & (expected > 0), 1.0, np.nan))

    def around(values: Floats, *, corner: tuple[int, int], shear: int, below: npt.NDArray[np.bool_] | None) -> Floats:
        down = np.arange(values.shape[0])[:, None]
        rows, columns = corner[0] + down, corner[1] + shear * down + np.arange(values.shape[1])
        expected = means.at(*(np.clip(places, 0, source.shape[0] - 1) for places in (rows, columns)))
        known = ~np.isnan(values) & ~np.isnan(expected)
        sums = partial(_sums, kernel=surroundings, shear=shear, below=below, offsets=columns - rows)
        measured, summed = (sums(np.where(known, part, 0.0)) for part in (values, expected))
        first = reach * (1 + shear)
        inside = slice(reach, reach + measured.shape[0]), slice(first, first + measured.shape[1])
        scored = known[inside] & (measured > 0) & (summed > 0)
        adjusted = expected[inside] * np.divide(measured, summed, out=np.ones(scored.shape), where=scored)
        return np.asarray(np.divide(values[inside], adjusted, out=np.full(scored.shape, np.nan), where=scored))

    return FittedNormalisation(
        kernel, constant, lost=means.lost, reason=NOT_ABOVE, scored=means.scored, reach=reach, around=around
    )


def _sums(
    values: Floats,
    *,
    kernel: npt.NDArray[np.bool_],
    shear: int,
    below: npt.NDArray[np.bool_] | None,
    offsets: Places,
) -> Floats:
    """Sum the surroundings of entries; of an undirected matrix, in the half that the entry lies in.

    Args:
        values: A block with its border, 0 where nothing was measured.
        kernel: The surroundings of an entry above the diagonal.
        shear: See :class:`gnnmax.detection.blocks.Block`.
        below: The entries of the result below the diagonal of an undirected matrix; None: of a directed one.
        offsets: Column less row of each entry of the block.
    """
    if below is None:
        return kernel_sums(values, kernel, shear=shear)
    above = kernel_sums(np.where(offsets >= 0, values, 0.0), kernel, shear=shear)
    if not below.any():
        return above
    mirrored = kernel_sums(np.where(offsets <= 0, values, 0.0), kernel, shear=shear, mirrored=True)
    return np.where(below, mirrored, above)


def _background(kernel: str, entries: str) -> tuple[Callable[..., FittedNormalisation], str]:
    summary = f"The value over its expected value at the same distance, adjusted by the entries {entries}."
    return partial(by_background, kernel=kernel), summary


BACKGROUNDS: dict[str, tuple[Callable[..., FittedNormalisation], str]] = {
    "donut": _background("donut", "around it"),
    "vertical": _background("vertical", "above and below it"),
    "horizontal": _background("horizontal", "beside it"),
    "lower-left": _background("lower-left", "towards the diagonal"),
}
"""Name -> how the step is fitted, and one sentence that describes it."""
