"""Score maps of nets with a finite reach, tile by tile: large matrices, bands along the diagonal, several parts."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gnnmax.detection.breaks import Breaks, Tile
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.part_scoring import scores_of_parts
from gnnmax.detection.place_filters import parts_within
from gnnmax.detection.ranges import distance_range
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.sparse_storage import UpperTriangle
from gnnmax.detection.tiled_scores import TiledScores
from gnnmax.detection.window_cuts import with_nan
from gnnmax.errors import InputError
from gnnmax.io.workers import ExecutorLike

__all__ = ["LocalNet", "local_scores"]

SIDE = 512
"""Side of a tile. Nets standardise what they read, so a tile is large enough to know its scale."""

EVERYWHERE = 2**28
"""Most entries that are scored: 16,384 x 16,384."""

Scores = npt.NDArray[np.float32]


class LocalNet(Protocol):
    """A net that scores all entries of a matrix, each from the entries near it.

    Attributes:
        reach: Number of rows and columns on each side of an entry on which its score depends, but for the scale.
    """

    reach: int

    def score_matrix(self, matrix: npt.NDArray[Any], *, structure: Any) -> Scores:
        """Return a score for each entry of a matrix ``(n, m)``; NaN or infinite where there is none."""
        ...


@dataclass(frozen=True, eq=False)
class _Band:
    """The entries to score: all, or those at some distances from the diagonal.

    Attributes:
        shape: Rows and columns.
        least: Least distance, in places.
        largest: Largest distance; None: no bound.
        upper: Whether entries below the diagonal are left out.
        parts: Entries across these breaks have no distance.
    """

    shape: tuple[int, int]
    least: int
    largest: int | None
    upper: bool
    parts: Breaks

    @classmethod
    def of(cls, source: MatrixSource, options: SearchOptions) -> _Band:
        """Return the distances that a search asks for, and as far beyond them as its windows reach."""
        least, largest = 0, None
        if options.distance is not None:
            wanted = distance_range(options.distance)
            beyond = max(max(sides) for sides in options.scales)
            size = _bin_size(source) if wanted.base_pairs else 1
            if size is not None:
                across = wanted.base_pairs and source.bins is not None and source.bins.has_gaps()
                least = 0 if across else max((wanted.least or 0) // size - beyond, 0)
                largest = None if wanted.largest is None else wanted.largest // size + beyond
        least = max(least, int(source.undirected))  # the diagonal of an undirected matrix holds no pair
        return cls(source.shape, least, largest, source.undirected, parts_within(source, options) or source.parts)

    @property
    def whole(self) -> bool:
        """Whether nothing is left out but mirror images."""
        return self.largest is None

    def entries(self) -> int:
        """Return an upper bound of the number of entries to score."""
        n, m = self.shape
        across = m if self.largest is None else min(m, (1 if self.upper else 2) * (self.largest + SIDE))
        return n * across

    def columns(self, row: int, rows: int) -> tuple[int, int]:
        """Return the first column, and the last one plus 1, of some rows."""
        m = self.shape[1]
        first = row if self.upper else 0 if self.largest is None else max(row - self.largest, 0)
        return first, m if self.largest is None else min(row + rows + self.largest, m)

    def holds(self, rows: npt.NDArray[Any], columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return which entries are to be scored."""
        apart = columns - rows if self.upper else np.abs(columns - rows)
        inside = np.asarray(apart >= self.least, dtype=np.bool_)
        return inside if self.largest is None else inside & (apart <= self.largest)


def _bin_size(source: MatrixSource) -> int | None:
    """Return the base pairs of a bin; None if they differ, but for the last bin of a chromosome."""
    assert source.bins is not None  # a distance in base pairs was checked
    sizes, chromosome = source.bins.end - source.bins.start, source.bins.chromosome
    inner = sizes[:-1][chromosome[:-1] == chromosome[1:]]
    return int(inner[0]) if len(inner) and (inner == inner[0]).all() and inner[0] > 0 else None


def local_scores(
    model: LocalNet,
    source: MatrixSource,
    options: SearchOptions,
    *,
    name: str,
    workers: int = 1,
    executor: ExecutorLike | None = None,
) -> Any:
    """Return the score map of a net with a finite reach: tiles in memory or on disk, or a sparse band.

    Each tile is scored with the entries around it, as far as the net reaches, and on its own scale, as is each part of
    a matrix with breaks. With a range of distances only the tiles near it are read, and the scores are a sparse matrix.

    Cost: that of the net on the tiles. Memory: a strip of ``SIDE`` rows, and 12 bytes for each score of a band.

    Args:
        model: The net.
        source: The matrix.
        options: Its distance and windows say which entries are scored.
        name: How calls name the net.
        workers: Number of worker processes that score tiles; the scores do not depend on it.
        executor: Scores in place of worker processes, see :func:`gnnmax.io.ordered_map.map_ahead`.

    Raises:
        InputError: more entries than :data:`EVERYWHERE`.
    """
    band = _Band.of(source, options)
    if band.entries() > EVERYWHERE:
        n, m = source.shape
        raise InputError(
            f"the net {name} scores at most {EVERYWHERE:,} entries, and {band.entries():,} of {n:,} x {m:,} are asked "
            "for: give a range of distances, such as --distance 8:200, or --region"
        )
    tiles = (_read(source, tile, model.reach) for tile in _tiles(source, band))
    scored = scores_of_parts(functools.partial(_score, model), tiles, workers=workers, executor=executor, name=_name_of)
    strips = _strips(source, band, scored)
    if band.whole:
        scores = TiledScores(source.shape, side=SIDE, mirrored=source.undirected)
        for row, first, strip in strips:
            whole = np.full((len(strip), source.shape[1]), np.nan, dtype=np.float32)
            whole[:, first:] = strip
            scores.write(row, whole)
        return scores
    return _sparse(strips, band)


def _strips(source: MatrixSource, band: _Band, scored: Iterator[Scores]) -> Iterator[tuple[int, int, Scores]]:
    """Yield strips of scores: the first row and the first column, and the scores, NaN where there is none.

    Args:
        source: The matrix.
        band: The entries to score.
        scored: The scores of all tiles, in the order of :func:`_tiles`.
    """
    for row in range(0, source.shape[0], SIDE):
        rows = min(SIDE, source.shape[0] - row)
        first, last = band.columns(row, rows)
        strip = np.full((rows, max(last - first, 0)), np.nan, dtype=np.float32)
        for i, j, height, width in _tiles_of(source, band, row):
            strip[i - row : i - row + height, j - first : j - first + width] = next(scored)
        places = np.arange(row, row + rows)[:, None], np.arange(first, last)
        kept = band.holds(*places) & (band.whole | band.parts.same_part(*places))
        strip[~kept] = np.nan
        yield row, first, strip


def _tiles(source: MatrixSource, band: _Band) -> Iterator[Tile]:
    """Yield the tiles of all strips."""
    return (tile for row in range(0, source.shape[0], SIDE) for tile in _tiles_of(source, band, row))


def _tiles_of(source: MatrixSource, band: _Band, row: int) -> Iterator[Tile]:
    """Yield the tiles of a strip that have an entry to score."""
    rows = min(SIDE, source.shape[0] - row)
    first, last = band.columns(row, rows)
    for column in range(first, last, SIDE):
        parts = source.parts.cut((row, column, rows, min(SIDE, last - column)))
        yield from (tile for tile in parts if _touches(band, tile))


def _touches(band: _Band, tile: Tile) -> bool:
    """Tell whether a tile has an entry to score, by its nearest and farthest diagonals."""
    row, column, rows, columns = tile
    low, high = column - (row + rows - 1), column + columns - 1 - row
    nearest = 0 if low <= 0 <= high else min(abs(low), abs(high))
    within = band.largest is None or nearest <= band.largest
    return within and max(abs(low), abs(high)) >= band.least and not (band.upper and high < 0)


def _read(source: MatrixSource, tile: Tile, reach: int) -> tuple[Tile, npt.NDArray[np.floating]]:
    """Read a tile and the entries around it, NaN where one was not measured."""
    block = source.block(*tile, (reach, reach))
    return tile, with_nan(block.values, block.missing)


def _score(model: LocalNet, part: tuple[Tile, npt.NDArray[np.floating]]) -> Scores:
    """Score a tile that was read; an entry that was not measured has no score."""
    reach, ((_, _, rows, columns), values) = model.reach, part
    inner = slice(reach, reach + rows), slice(reach, reach + columns)
    if np.isnan(values[inner]).all():
        return np.full((rows, columns), np.nan, dtype=np.float32)
    scores = np.array(model.score_matrix(values, structure="bipartite"), dtype=np.float32)[inner]
    scores[~np.isfinite(scores) | np.isnan(values[inner])] = np.nan
    return scores


def _name_of(part: tuple[Tile, Any]) -> str:
    row, column, rows, columns = part[0]
    return f"rows {row} to {row + rows - 1}, columns {column} to {column + columns - 1}"


def _sparse(strips: Iterator[tuple[int, int, Scores]], band: _Band) -> Any:
    """Gather the scores of a band in a sparse matrix; what is not stored has no score."""
    from scipy.sparse import csr_array

    values, columns, counts = [np.empty(0, np.float32)], [np.empty(0, np.int32)], [np.zeros(1, np.int64)]
    for _, first, strip in strips:
        there = ~np.isnan(strip)
        values.append(strip[there])
        columns.append((np.nonzero(there)[1] + first).astype(np.int32))
        counts.append(there.sum(axis=1))
    starts = np.concatenate(counts).cumsum()
    found = csr_array((np.concatenate(values), np.concatenate(columns), starts), shape=band.shape)
    return UpperTriangle(found) if band.upper else found
