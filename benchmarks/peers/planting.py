"""Peaks planted into a real contact map by thinning its contacts: the truth is exact, the rest is as measured.

Counts of a contact map are close to Poisson with unknown means. If each contact is kept with probability p, the counts
that are left are Poisson of p times the mean. So with T the profile of a peak, 1 at its place, and a its amplitude,
every contact of pair (i, j) is kept with probability

    (1 + a T_ij) / (1 + a).

If the counts have the means m_ij, the counts that are left are Poisson of mean m_ij (1 + a T_ij) / (1 + a): a peak of
amplitude a over the local mean in the same map at 1 / (1 + a) of its depth. Nothing is estimated, and no contact is
invented. Profiles of several peaks are added, and the largest sum takes the place of a. What the map holds by itself
stays: its own loops count as false calls, for every caller.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnnmax import InputError, Maps
from gnnmax.data.maps.generation import draw_peaks, signal_of
from gnnmax.data.maps.recipe import MapSpec
from gnnmax.data.planting.plants import Bump
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.task.peaks import Peaks

__all__ = ["planted_maps", "stretches", "thinned"]

SEED = 15
LEAST_SHARE = 0.5
"""Share of the pairs next to the diagonal that a stretch must have contacts in: centromeres are left out."""


def stretches(file: Path, n: int, count: int) -> list[npt.NDArray[np.int64]]:
    """Cut stretches of ``n`` bins out of the chromosomes of a contact map, with the counts among them.

    Args:
        file: A contact map of raw counts.
        n: Bins of a stretch.
        count: Number of stretches, spread evenly over those that have contacts.

    Raises:
        InputError: not a contact map of whole numbers, or fewer stretches with contacts.
    """
    read = read_matrix(file)
    if read.bins is None:
        raise InputError(f"{file} has no chromosomes: give a contact map (.cool)")
    upper = getattr(read.matrix, "upper", read.matrix)
    borders = [0, *(read.breaks[0].tolist() if read.breaks else []), upper.shape[0]]
    found = []
    for first, last in pairwise(borders):
        for start in range(first, last - n + 1, n):
            counts = np.triu(upper[start : start + n, start : start + n].toarray(), 1)
            if (np.diagonal(counts, 1) > 0).mean() >= LEAST_SHARE:
                found.append(counts)
    if len(found) < count:
        raise InputError(
            f"{file} has {len(found)} stretches of {n} bins with contacts, not {count}: ask for fewer maps"
        )
    chosen = [found[at] for at in np.linspace(0, len(found) - 1, count).astype(int)]
    if any((counts != np.trunc(counts)).any() or (counts < 0).any() for counts in chosen):
        raise InputError(f"{file} holds counts that are no whole numbers, which cannot be thinned: give raw counts")
    return [counts.astype(np.int64) for counts in chosen]


def thinned(
    counts: npt.NDArray[np.int64], signal: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Keep each contact with a probability in proportion to 1 plus the signal, and all of them where it is greatest.

    Example:
        >>> signal = np.array([[0.0, 3.0]])
        >>> thinned(np.array([[40_000, 40_000]]), signal, np.random.default_rng(0)).round(-3).tolist()
        [[10000, 40000]]
    """
    return np.asarray(rng.binomial(counts, (1.0 + signal) / (1.0 + signal.max(initial=0.0))))


def planted_maps(file: Path, spec: MapSpec, count: int) -> Maps:
    """Plant the peaks of a recipe into stretches of a contact map.

    Args:
        file: A contact map of raw counts.
        spec: The table of the recipe: size of a map, peaks, separation, plant; its noise and background are not used.
        count: Number of maps.

    Raises:
        InputError: see :func:`stretches`.
    """
    assert isinstance(spec.plant, Bump)
    values, places, heights = [], [], []
    for index, counts in enumerate(stretches(file, spec.rows[1], count)):
        rng, n = np.random.default_rng([SEED, index]), spec.rows[1]
        peaks, amplitude = draw_peaks(spec, n, n, rng)
        left = np.triu(thinned(counts, signal_of(spec, n, n, peaks, amplitude), rng), 1)
        values.append((left + left.T).astype(np.float32))
        places += [(index, row, column) for row, column in peaks.tolist()]
        heights += amplitude.tolist()
    return Maps.from_values(np.array(values), peaks=Peaks.of(places, heights), structure="symmetric", model=spec.model)
