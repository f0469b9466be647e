"""Decoys that keep distance, rows, columns and local means: deviations are exchanged among entries like each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gnnmax.detection.expected_values import Floats
from gnnmax.detection.local_background_model import LocalModel
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.shuffled_entries import with_entries
from gnnmax.detection.storage import Places

__all__ = ["LocalNull"]

EXCHANGED = 1024
"""Entries that are exchanged with each other: of one band of distances, and of similar signal over noise."""

TOGETHER = 2**16
"""Entries whose groups are exchanged at once."""


@dataclass(frozen=True, eq=False)
class LocalNull:
    """Entries whose deviations from their expected values are exchangeable within groups.

    An entry is its expected value times a ratio, or plus a deviation if values may be negative. Ratios are exchanged
    among entries of neighbouring distances whose expected values are as many standard deviations high, for counts those
    with nearly the same expected count.

    Attributes:
        model: The expected values and the variances of the entries.
        order: The sequence of the entries, those of a group beside each other.
        ratios: The ratio or the deviation of each entry, in this sequence.
        edges: Where each group begins in this sequence, and the number of entries.
        scale: What the ratio of an entry is multiplied by, in this sequence.
    """

    model: LocalModel
    order: Places
    ratios: Floats
    edges: Places
    scale: Floats

    @classmethod
    def of(cls, model: LocalModel) -> LocalNull:
        """Group the entries of a matrix."""
        bands, variances, local = model.bands(), model.variances(), _local(model)
        height = -variances if model.additive else _over(np.square(local), variances)
        order = np.lexsort((height, bands)).astype(model.entries.rows.dtype, copy=False)
        del height
        scale = np.sqrt(variances) if model.additive else local
        del variances
        ratios = _over(model.entries.values - local if model.additive else model.entries.values, scale)
        return cls(model, order, ratios[order], _edges(np.bincount(bands)), scale[order])

    def draw(self, rng: np.random.Generator) -> MatrixSource:
        """Draw a decoy."""
        values = np.empty(len(self.order))
        starts = np.searchsorted(self.edges, np.arange(0, len(self.order), TOGETHER))
        for first, last in pairwise(np.unique([*starts, len(self.edges) - 1]).tolist()):
            some = slice(self.edges[first], self.edges[last])
            group = np.repeat(np.arange(last - first), np.diff(self.edges[first : last + 1]))
            drawn = np.argsort(group + rng.random(len(group)))
            values[self.order[some]] = self.ratios[some][drawn] * self.scale[some]
        if self.model.additive:
            values += _local(self.model)
        entries = self.model.entries
        return with_entries(self.model.source, values, entries.rows, entries.columns)

    def excess(self, decoy: MatrixSource, maxima: Maxima) -> Floats:
        """Return how far the window of each maximum of a decoy exceeds its background; steps are undone.

        See :meth:`LocalModel.excess`.
        """
        return self.model.refitted(decoy.plain).excess(maxima.rows, maxima.columns)


def _edges(sizes: Places) -> Places:
    """Return where groups begin, and the end of the last one, in bands of these sizes: each is cut into equal groups.

    Example:
        >>> _edges(np.array([3, 0, 2500])).tolist()
        [0, 3, 1253, 2503]
    """
    parts = [max(1, size // EXCHANGED) for size in sizes.tolist()]
    ends = [-(-np.arange(1, part + 1) * size // part) for size, part in zip(sizes.tolist(), parts, strict=True)]
    before = np.cumsum(sizes) - sizes
    return np.unique(np.concatenate([[0], *(end + start for end, start in zip(ends, before.tolist(), strict=True))]))


def _local(model: LocalModel) -> Floats:
    assert model.local is not None
    return model.local


def _over(values: Floats, scale: Floats) -> Floats:
    """Divide; 0 where the scale is 0."""
    return np.divide(values, scale, out=np.zeros(len(values)), where=scale > 0)
