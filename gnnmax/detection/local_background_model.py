"""A matrix without local maxima: what is expected of each entry, and how far the window of one exceeds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.background_kernels import kernel_of, kernel_sums, pieces_around
from gnnmax.detection.blocks import Block
from gnnmax.detection.expected_values import Entries, Expected, Floats, distance_classes, expected_of, scatter_of
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.shuffled_entries import StatisticError, place_type
from gnnmax.detection.storage import Places

__all__ = ["LocalModel", "surroundings_of"]

AGREEING = 1.0
"""Pieces of the surroundings agree if intervals of this many standard errors on both sides overlap."""

UNEVEN = 0.5
"""Share of the variance between the pieces of the surroundings by which their level is unsure: at the edge of a block
half of them lie below it. Chosen on simulated maps with domains."""

WIDTH = 0.15
"""Standard deviation of the weights of a window, over its side, but at least 1: entries near the maximum count more."""

BAND = 4096
"""Least number of entries of a band of distances."""

BANDS = 16
"""Largest number of bands."""


class Fields(NamedTuple):
    """The entries of a block with its border: values, what is expected of them, and variance; 0 where missing."""

    values: Floats
    expected: Floats
    variance: Floats
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LocalModel:
    """What entries are expected to be, and how far they scatter, if there are no local maxima.

    An entry is expected to be a product of the factors of its distance, its row and its column, and of the ratio of
    measured to expected values in the donut around it, as far as this tells about the entry; where values may be
    negative, a sum and a difference instead. The squared deviations are fitted by distance, row and column too.

    Attributes:
        source: The matrix before normalisation.
        k: Rows and columns of the windows.
        entries: Its measured entries.
        classes: The class of each distance.
        mean: What is expected of the entries before the donut.
        spread: The variance over the expected value, or the variance if the model is additive.
        local: The expected values of the entries, the donut included.
    """

    source: MatrixSource
    k: tuple[int, int]
    entries: Entries
    classes: Places
    mean: Expected
    spread: Expected | None = None
    local: Floats | None = None

    @classmethod
    def of(cls, source: MatrixSource, k: tuple[int, int], *, additive: bool | None = None) -> LocalModel:
        """Fit the model to a square matrix before normalisation.

        Args:
            source: The matrix.
            k: Rows and columns of the windows.
            additive: Whether terms are added; None: if a value is negative.

        Raises:
            StatisticError: the sum of the squares of its entries is not finite.
        """
        parts = list(_listed(source, k))
        values, rows, columns = (np.concatenate([part[at] for part in parts]) for at in range(3))
        parts.clear()
        distances = source.distances(rows, columns)
        classes = distance_classes(distances, max(source.shape))
        entries = Entries(values, rows, columns, classes[distances].astype(rows.dtype, copy=False))
        additive = bool((values < 0).any()) if additive is None else additive
        return cls._fitted(source, k, entries, classes, additive=additive)

    @classmethod
    def _fitted(
        cls, source: MatrixSource, k: tuple[int, int], entries: Entries, classes: Places, *, additive: bool
    ) -> LocalModel:
        """Fit the model to entries that are listed."""
        with np.errstate(over="ignore"):
            if not np.isfinite(np.square(entries.values).sum()):
                raise StatisticError("decoys by distance need entries whose squares have a finite sum: replace them")
        fitted: dict[str, Any] = {
            "shape": source.shape,
            "undirected": source.undirected,
            "classes": int(classes.max()) + 1,
        }
        mean = expected_of(entries, additive=additive, **fitted)
        model = cls(source, k, entries, classes, mean)
        local = model._local()
        deviations = np.square(entries.values - local)
        if not additive:
            deviations = np.divide(deviations, local, out=np.zeros(len(local)), where=local > 0)
        spread = scatter_of(entries._replace(values=deviations), **fitted)
        return replace(model, spread=spread, local=local)

    def refitted(self, source: MatrixSource) -> LocalModel:
        """Fit the model to a matrix that has other values in the same entries."""
        parts = [values for values, _ in _known_values(source, self.half)]
        entries = self.entries._replace(values=np.concatenate([np.empty(0), *parts]))
        return self._fitted(source, self.k, entries, self.classes, additive=self.additive)

    @property
    def additive(self) -> bool:
        """Whether values are sums of terms: some are negative."""
        return self.mean.additive

    @property
    def half(self) -> tuple[int, int]:
        """How many rows and columns the surroundings of an entry reach."""
        return surroundings_of(self.k)

    def _kernel(self, name: str) -> npt.NDArray[np.bool_]:
        return kernel_of(name, (self.k[0] // 2, self.k[1] // 2), self.half)

    def variances(self) -> Floats:
        """Return the variance of each entry."""
        assert self.spread is not None and self.local is not None
        spread = self.spread.of(self.entries)
        return spread if self.additive else spread * self.local

    def bands(self) -> Places:
        """Return the band of neighbouring distances that each entry lies in: some thousands of entries each."""
        counts, number = np.bincount(self.entries.group), len(self.entries.values)
        bands = min(max(number // BAND, 1), BANDS)
        return np.asarray(((np.cumsum(counts) - counts) * bands // max(number, 1)).astype(np.int8)[self.entries.group])

    def _fields(self, block: Block) -> Fields:
        """Return the entries of a block with its border."""
        known, (rows, columns) = _known(block, self.half, undirected=self.source.undirected), _places(block, self.half)
        rows, columns = (np.clip(at, 0, side - 1) for at, side in zip((rows, columns), self.source.shape, strict=True))
        group = self.classes[self.source.distances(rows, columns)]
        mean = self.mean.at(group, rows, columns)
        values = np.where(known, block.values, 0).astype(np.float64)
        spread = np.zeros(1) if self.spread is None else self.spread.at(group, rows, columns)
        if self.additive:
            values -= np.where(known, mean, 0)
            return Fields(values, known.astype(np.float64), np.where(known, spread, 0), known)
        return Fields(values, np.where(known, mean, 0), np.where(known, mean * spread, 0), known)

    def _local(self) -> Floats:
        """Return what is expected of each entry, the donut around it included."""
        kernel, parts = self._kernel("donut"), [np.empty(0)]
        for block in self.source.tiles(self.half, upper=self.source.undirected):
            fields = self._fields(block)
            values, expected = (
                kernel_sums(part, kernel, shear=block.shear) for part in (fields.values, fields.expected)
            )
            ratio = _ratio(values, expected, 0.0 if self.additive else 1.0)
            parts.append(ratio[block.inside(fields.known, self.half)])
        levels = np.concatenate(parts)
        mean = self.mean.of(self.entries)
        if self.additive:
            return mean + self._shrunken(levels, np.ones(len(mean)), mean)
        return np.asarray(mean * np.maximum(1 + self._shrunken(levels - 1, mean, mean), 0))

    def _shrunken(self, levels: Floats, scale: Floats, mean: Floats) -> Floats:
        """Shrink levels of donuts, which are as noisy as the entries in them, to what they tell about their middle.

        The slope of the entries against the levels around them is 1 if these hold no noise, and 0 if they hold nothing
        else. It is taken in bands of distances, as noise depends on the distance.

        Args:
            levels: By how much the donut around each entry differs from what is expected there.
            scale: The difference of an entry for a level of 1.
            mean: What is expected of each entry.
        """
        band = self.bands()
        along = np.asarray(np.bincount(band, (self.entries.values - mean) * levels), dtype=np.float64)
        slope = _ratio(along, np.asarray(np.bincount(band, scale * np.square(levels)), dtype=np.float64), 0.0)
        return np.asarray(levels * np.clip(slope, 0, 1)[band])

    def excess(self, rows: Places, columns: Places) -> Floats:
        """Return how far the windows around some entries exceed their backgrounds, in standard errors.

        The entries of a window are weighted, those near its middle more. The surroundings are eight pieces, beside the
        window and at its corners. Their level is that of the pieces that agree with the highest one: at the edge of a
        block, of those inside it. The variance of a level is that of its measured entries, so windows beside missing
        entries compare with all others, and half of that between all pieces, because a window may lie at the edge of a
        block.
        """
        found = np.zeros(len(rows))
        for block in self.source.tiles(self.half, upper=self.source.undirected):
            here, top, left = block.holding(rows, columns, self.half)
            if not len(here):
                continue
            fields = self._fields(block)
            sides = self.half[0] * 2 + 1, self.half[1] * 2 + 1
            for part in np.array_split(np.arange(len(here)), -(-len(here) * sides[0] * sides[1] // GATHERED)):
                windows = (block.windows(field, sides)[top[part], left[part]] for field in fields[:3])
                found[here[part]] = self._excess(*windows)
        return found

    def _excess(self, values: Floats, expected: Floats, variance: Floats) -> Floats:
        """Return the excess of some windows over their backgrounds; all of them with their surroundings."""
        weights = self._weights()
        total, scale = (np.tensordot(part, weights, 2) for part in (values, expected))
        noise = np.tensordot(variance, weights**2, 2)
        pieces = pieces_around((self.k[0] // 2, self.k[1] // 2), self.half)
        sums, below, unsure = (
            np.stack([part[:, piece].sum(axis=1) for piece in pieces]) for part in (values, expected, variance)
        )
        chosen, uneven = self._level_pieces(sums, below, unsure)
        sums, below, unsure = ((part * chosen).sum(axis=0) for part in (sums, below, unsure))
        level = _ratio(sums, below, 0.0 if self.additive else 1.0)
        more = np.square(_ratio(scale, below, 0.0)) * unsure + UNEVEN * np.square(scale) * uneven
        return self._score(total, level * scale, noise=noise, more=more, scale=scale)

    def _level_pieces(self, sums: Floats, below: Floats, unsure: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
        """Return which pieces of the surroundings are as high as the highest one, within standard errors.

        All arguments have a row for each piece.

        Returns:
            Also by how much the levels of all pieces vary beyond their standard errors, as a variance.
        """
        levels = _ratio(sums, below, 0.0)
        errors = np.sqrt(np.maximum(unsure, 0)) * _ratio(np.ones(below.shape), below, 0.0)
        if not self.additive:
            errors *= np.sqrt(_ratio(sums.sum(axis=0), below.sum(axis=0), 0.0))
        known = below > 0
        highest = np.where(known, levels - AGREEING * errors, -np.inf).max(axis=0)
        number = np.maximum(known.sum(axis=0), 1)
        middle = np.where(known, levels, 0).sum(axis=0) / number
        uneven = np.where(known, np.square(levels - middle) - np.square(errors), 0).sum(axis=0) / number
        return known & (levels + AGREEING * errors >= highest), np.maximum(uneven, 0)

    def _score(self, total: Floats, level: Floats, *, noise: Floats, more: Floats, scale: Floats) -> Floats:
        """Return how far a sum exceeds its background, in standard errors; of counts by their square roots."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.additive:
                found = (total - level) / np.sqrt(noise + more)
            else:
                unit = noise / scale  # the variance over the mean: 1 for counts
                found = 2 * (np.sqrt(total / unit + ANSCOMBE) - np.sqrt(level / unit + ANSCOMBE))
                found /= np.sqrt(1 + more / noise)
        return np.where(np.isfinite(found), found, 0.0)

    def _weights(self) -> Floats:
        """Return the weights of the entries of a window, 0 in its surroundings."""
        lines = []
        for half, side in zip(self.half, self.k, strict=True):
            places = np.arange(-half, half + 1)
            lines.append(np.exp(-np.square(places / max(WIDTH * side, 1.0)) / 2) * (np.abs(places) <= side // 2))
        return np.asarray(np.multiply.outer(*lines))


GATHERED = 2**20
"""Entries of windows that are weighed together."""

ANSCOMBE = 3 / 8
"""Added before the square root of a count, so that its variance hardly depends on its mean."""


def _ratio(values: Floats, expected: Floats, otherwise: float) -> Floats:
    return np.asarray(np.divide(values, expected, out=np.full(values.shape, otherwise), where=expected > 0))


def surroundings_of(k: tuple[int, int]) -> tuple[int, int]:
    """Return how many rows and columns the surroundings of the middle of a window reach.

    Example:
        >>> surroundings_of((7, 5))
        (7, 5)
    """
    return k[0] // 2 * 2 + 1, k[1] // 2 * 2 + 1


def _known_values(
    source: MatrixSource, half: tuple[int, int]
) -> Iterator[tuple[Floats, Callable[[], tuple[Places, Places]]]]:
    """Yield the values of the measured entries, of pairs one, block by block; and what returns their places."""
    for block in source.tiles(half, upper=source.undirected):
        known = block.inside(_known(block, half, undirected=source.undirected), half)

        def places(block: Block = block, known: npt.NDArray[np.bool_] = known) -> tuple[Places, Places]:
            return block.places(*np.nonzero(known))

        yield block.inside(block.values, half)[known].astype(np.float64), places


def _listed(source: MatrixSource, k: tuple[int, int]) -> Iterator[tuple[Floats, Places, Places]]:
    """Yield values, rows and columns of the measured entries, of pairs one, in the sequence of the blocks."""
    dtype = place_type(source.shape)
    yield np.empty(0), np.empty(0, dtype=dtype), np.empty(0, dtype=dtype)
    for values, places in _known_values(source, surroundings_of(k)):
        rows, columns = places()
        yield values, rows.astype(dtype), columns.astype(dtype)


def _known(block: Block, half: tuple[int, int], *, undirected: bool) -> npt.NDArray[np.bool_]:
    """Mark the entries of a block with its border that were measured, of pairs the one above the diagonal."""
    known = np.ones(block.values.shape, dtype=np.bool_) if block.missing is None else ~block.missing
    below = block.below_diagonal(half) if undirected else None
    return known if below is None else known & ~below


def _places(block: Block, half: tuple[int, int]) -> tuple[Places, Places]:
    """Return rows and columns of the entries of a block with its border, shapes that broadcast."""
    up, left = half
    down = np.arange(block.values.shape[0])[:, None] - up
    right = np.arange(block.values.shape[1]) - left - block.shear * up
    return down + block.row, right + block.column + block.shear * down
