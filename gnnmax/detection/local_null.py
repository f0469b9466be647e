"""Decoys that keep distance, rows, columns and local means: deviations are exchanged among entries like each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gnnmax.detection.expected_values import Floats
from gnnmax.detection.local_background_model import LocalModel
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.shuffled_entries import in_memory, with_entries
from gnnmax.detection.storage import Places

__all__ = ["LocalNull", "excess_scores"]

EXCHANGED = 1024
"""Entries that are exchanged with each other: of one band of distances, and of similar signal over noise."""


@dataclass(frozen=True, eq=False)
class LocalNull:
    """Entries whose deviations from their expected values are exchangeable within groups.

    An entry is its expected value times a ratio, or plus a deviation if values may be negative. Ratios are exchanged
    among entries of neighbouring distances whose expected values are as many standard deviations high, for counts those
    with nearly the same expected count.

    Attributes:
        model: The expected values and the variances of the entries.
        order: The sequence of the entries, those of a group beside each other.
        group: The group of each entry in this sequence.
    """

    model: LocalModel
    order: Places
    group: Places

    @classmethod
    def of(cls, model: LocalModel) -> LocalNull:
        """Group the entries of a matrix."""
        bands, variances = model.bands(), model.variances()
        height = -variances if model.additive else _over(np.square(_local(model)), variances)
        order = np.lexsort((height, bands))
        ordered = bands[order]
        sizes = np.bincount(bands)
        place = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[ordered]
        parts = np.maximum(sizes // EXCHANGED, 1)
        part = place * parts[ordered] // np.maximum(sizes[ordered], 1)
        return cls(model, order, (np.cumsum(parts) - parts)[ordered] + part)

    def draw(self, rng: np.random.Generator) -> MatrixSource:
        """Draw a decoy."""
        model, local = self.model, _local(self.model)
        drawn = self.order[np.lexsort((rng.random(len(self.order)), self.group))]
        values = np.empty(len(local))
        if model.additive:
            scale = np.sqrt(model.variances())
            values[self.order] = _over(model.entries.values - local, scale)[drawn]
            values = local + scale * values
        else:
            values[self.order] = _over(model.entries.values, local)[drawn]
            values *= local
        return with_entries(model.source, values, model.entries.rows, model.entries.columns)


def excess_scores(source: MatrixSource, maxima: Maxima, *, k: tuple[int, int], additive: bool) -> Floats:
    """Return how far the window of each maximum exceeds its background, see :meth:`LocalModel.excess`.

    Args:
        source: A matrix or a decoy of it; steps are undone.
        maxima: Its maxima.
        k: Rows and columns of the windows.
        additive: Whether the model of the matrix itself is additive.
    """
    return LocalModel.of(in_memory(source.plain), k, additive=additive).excess(maxima.rows, maxima.columns)


def _local(model: LocalModel) -> Floats:
    assert model.local is not None
    return model.local


def _over(values: Floats, scale: Floats) -> Floats:
    """Divide; 0 where the scale is 0."""
    return np.divide(values, scale, out=np.zeros(len(values)), where=scale > 0)
