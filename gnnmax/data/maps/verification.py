"""An independent check of stored maps: it re-derives orders, peaks and noise without the generator's code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.maps.consistency import check_maps
from gnnmax.data.maps.generation import generate_map
from gnnmax.data.maps.recipe import MapRecipe, MapSpec
from gnnmax.data.subgraphs.node_order import spectral_order
from gnnmax.errors import InputError
from gnnmax.task.claims import Check
from gnnmax.task.hashing import splitmix64
from gnnmax.task.maps import Maps

__all__ = ["check_maps_of", "fingerprint_of", "maps_apart"]

Matrix = npt.NDArray[np.float64]

REDRAWN = 5
"""Number of maps per split that are drawn again, spread over the split, unless all are."""

LIMIT = 5.0
"""Standard errors that a sum or a variance may be off: true data exceed them once in two million."""

MANY = 1_000
"""Number of entries from which their variance is close to normal, and is checked."""

ROUNDS = 2
"""Rounds of refinement of the fingerprint of a map."""

STRIP = 1_000_000
"""Number of entries whose means are in memory at a time."""


def check_maps_of(recipe: MapRecipe, split: str, maps: Maps, *, every_map: bool = False) -> list[Check]:
    """Re-derive the claims of a split of maps, and draw some of its maps again.

    The mean of every entry is summed entry by entry from the true places, the stored background and the peaks. The
    entries at the peaks, and all others, must scatter around these means as the law of the noise says.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> data = build(load_recipe("needle-32").replace(splits={"test": 20}))
        >>> all(check.holds for check in check_maps_of(data.recipe, "test", data.test))
        True
    """
    own, count = recipe.of(split), len(maps)
    checks = [_agrees(maps, own.map)]
    span = recipe.span(split)
    checks.append(Check("every host has its map", maps.graph.tolist() == list(span), f"{count} maps"))
    if not checks[0].holds:
        return checks
    if own.map.order == "seriated":
        checks.append(_seriated(maps))
    at_peaks, every = _scatters(maps, own.map)
    law = own.map.noise
    checks += [
        at_peaks.check("the entries at the peaks and in the blocks scatter around background and amplitude", law),
        every.check("all entries scatter around the mean that order, background, peaks and blocks give", law),
    ]
    places = np.arange(count) if every_map else np.unique(np.linspace(0, count - 1, min(count, REDRAWN)).astype(int))
    return [*checks, _redrawn(recipe, (span.start + places).tolist(), maps)]


def _agrees(maps: Maps, spec: MapSpec) -> Check:
    claim = "sizes, places, peaks, blocks and amplitudes are those of the recipe"
    try:
        check_maps(maps, spec)
    except InputError as error:
        return Check(claim, False, str(error))
    blocks = "" if maps.row_block is None else f", {int(maps.row_block.any(axis=1).sum())} blocks"
    return Check(claim, True, f"{len(maps.peaks)} peaks{blocks}")


def _seriated(maps: Maps) -> Check:
    """Check that the Fiedler vector of each map runs along its order, up to its direction and equal values."""
    wrong = 0
    for index, own in enumerate(maps.size[:, 0].tolist()):
        matrix = np.nan_to_num(maps.values[index, :own, :own])
        wrong += int(not np.array_equal(spectral_order(matrix, matrix != 0), np.arange(own)))
    return Check("the order is the spectral order of the map", not wrong, f"{wrong} of {len(maps)} wrong")


@dataclass
class _Scatter:
    """Sums over entries and their means, which do not keep the entries.

    Attributes:
        count: Number of entries.
        values: Their sum.
        means: The sum of their means.
        variances: The sum of their variances.
        squares: The sum of their squared standardised deviations.
        fourth: The sum of the variances of these squares.
        along: The sum of their deviations times their means, in units of the variance: 0 in the mean, but not if the
            means of some entries are exchanged.
        along_variance: The variance of that sum.
        wrong: Number of entries without variance that are not their means.
    """

    count: int = 0
    values: float = 0.0
    means: float = 0.0
    variances: float = 0.0
    squares: float = 0.0
    fourth: float = 0.0
    along: float = 0.0
    along_variance: float = 0.0
    wrong: int = 0

    def add(self, values: Matrix, mean: Matrix, law: str) -> None:
        """Add entries with their means."""
        self.values += float(values.sum())
        self.means += float(mean.sum())
        variance = {"poisson": mean, "bernoulli": mean * (1 - mean)}.get(law, np.ones(mean.shape))
        self.variances += float(variance.sum())
        sure = variance <= 0  # an edge with probability 0 or 1
        self.wrong += int((values[sure] != mean[sure]).sum())
        values, mean, variance = values[~sure], mean[~sure], variance[~sure]
        self.count += variance.size
        self.squares += float(((values - mean) ** 2 / variance).sum())
        self.along += float(((values - mean) * mean / variance).sum())
        self.along_variance += float((mean**2 / variance).sum())
        if law == "bernoulli":
            self.fourth += float((1 / variance - 4).sum())
        else:
            self.fourth += float((2 + 1 / mean).sum()) if law == "poisson" else 2.0 * values.size

    def check(self, claim: str, law: str) -> Check:
        """Check that the entries have the sum and, where there are many, the variance that the law gives."""
        if not self.count:
            return Check(claim, not self.wrong, f"{self.wrong} wrong" if self.means else "there is none")
        if law == "poisson":  # the sum of counts is a count, whose root is close to normal
            off = 2 * abs(math.sqrt(self.values + 3 / 8) - math.sqrt(self.means + 1 / 8))
        else:
            off = abs(self.values - self.means) / math.sqrt(self.variances)
            off = max(off, abs(self.along) / math.sqrt(self.along_variance) if self.along_variance else 0.0)
        # Edges of probability 1/2 have one square alone: without a variance of it, any other square is wrong.
        error = math.sqrt(max(self.fourth, 1e-12 * self.count))
        wide = abs(self.squares - self.count) / error if self.count >= MANY else 0.0
        found = f"sum off by {off:.1f}, variance by {wide:.1f} standard errors, {self.count:,} entries"
        return Check(claim, off < LIMIT and wide < LIMIT and not self.wrong, found)


def _scatters(maps: Maps, spec: MapSpec) -> tuple[_Scatter, _Scatter]:
    """Sum up the entries (their logarithms, if lognormal): those at the peaks or in the blocks, and all of them."""
    at_peaks, every = _Scatter(), _Scatter()
    for index in range(len(maps)):
        one = maps[index]
        strip = max(STRIP // one.values.shape[2], 1)
        for start in range(0, one.values.shape[1], strip):
            rows = slice(start, start + strip)
            mean = _mean_of(one, spec, rows)
            values = one.values[0, rows].astype(np.float64)
            inside = ~np.isnan(values)
            if spec.structure == "symmetric":
                inside = np.triu(inside, 1 + start)
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.log(values) if spec.noise == "lognormal" else values
            here = _planted(one, rows) & inside
            at_peaks.add(values[here], mean[here], spec.noise)
            every.add(values[inside], mean[inside], spec.noise)
    return at_peaks, every


def _planted(one: Maps, rows: slice) -> npt.NDArray[np.bool_]:
    """Mark the peaks of some rows of one map, or the entries of its block."""
    if one.row_block is not None and one.column_block is not None:
        return np.asarray(one.row_block[0, rows, None] & one.column_block[0])
    here = np.zeros(one.values.shape[1:], dtype=np.bool_)
    here[one.peaks.row, one.peaks.column] = True
    return here[rows]


def _mean_of(one: Maps, spec: MapSpec, rows: slice) -> Matrix:
    """Sum the mean of every entry of some rows of one map, from its places and its block."""
    row, column = one.row_place[0, rows, None].astype(np.float64), one.column_place[0][None, :].astype(np.float64)
    true, radius = one.along_host(), one.model.radius
    total = np.zeros((len(row), column.size))
    for p, q, height in zip(true.row.tolist(), true.column.tolist(), true.amplitude.tolist(), strict=True):
        for a, b in ((p, q), (q, p)) if spec.structure == "symmetric" else ((p, q),):
            squares = (row - a) ** 2 + (column - b) ** 2
            part = np.exp(-squares / (2 * radius**2)) if radius else (squares == 0).astype(np.float64)
            if spec.noise == "poisson":
                part[np.maximum(np.abs(row - a), np.abs(column - b)) > one.model.reach] = 0.0
            total += height * part
    if one.block_amplitude is not None:
        total += np.where(_planted(one, rows), float(one.block_amplitude[0]), 0.0)
    background = None if one.background is None else one.background[0, rows].astype(np.float64)
    if spec.noise in ("poisson", "bernoulli"):
        return (spec.base if background is None else background) * (1 + total)
    return total if background is None else background + total


def _redrawn(recipe: MapRecipe, graphs: list[int], maps: Maps) -> Check:
    claim = f"{len(graphs)} of its maps are drawn again to the byte"
    for graph in graphs:
        again, stored = generate_map(recipe, graph).arrays(), maps[maps.graph == graph].arrays()
        if any(not np.array_equal(again[name], stored[name], equal_nan=True) for name in again):
            return Check(claim, False, f"map {graph} differs: other library versions, or changed files")
    return Check(claim, True, f"maps {', '.join(map(str, graphs))}" if len(graphs) <= REDRAWN else "all")


def maps_apart(splits: Mapping[str, Any]) -> Check:
    """Check that no map of a split is in another, whatever the order of its nodes: by a fingerprint."""
    seen: dict[int, str] = {}
    shared = 0
    for split, maps in splits.items():
        for matrix, (rows, columns) in zip(maps.values, maps.size.tolist(), strict=True):
            shared += seen.setdefault(fingerprint_of(matrix[:rows, :columns]), split) != split
    return Check("no map of a split is in another, renumbered or transposed", not shared, f"{len(seen)} maps")


def fingerprint_of(matrix: npt.NDArray[np.float32]) -> int:
    """Return a fingerprint of a map, invariant to renumbering rows and columns and to transposition.

    Colour refinement, as in :func:`gnnmax.data.duplicates.fingerprints`: an entry is coloured by its value, a row or
    column by the multiset of its entries' colours, then an entry again by its own colour and those of its row and
    column. So maps of few different values, such as graphs without weights, are distinguished too.

    Args:
        matrix: Shape ``(n, m)``.

    Example:
        >>> graph = np.float32([[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])  # a path of two edges
        >>> other = np.float32([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])  # two edges apart
        >>> moved = graph[[3, 0, 2, 1]][:, [3, 0, 2, 1]]
        >>> fingerprint_of(graph) == fingerprint_of(moved), fingerprint_of(graph) == fingerprint_of(other)
        (True, False)
    """
    keys: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]] = []
    height = max(1, STRIP // matrix.shape[1])
    total = np.uint64(0)
    with np.errstate(over="ignore"):
        for _ in range(ROUNDS + 1):
            rows, columns = np.zeros((matrix.shape[0], 1), np.uint64), np.zeros(matrix.shape[1], np.uint64)
            for start in range(0, len(matrix), height):
                here = slice(start, start + height)
                colour = splitmix64((matrix[here] + np.float32(0)).view(np.uint32).astype(np.uint64))  # -0 is 0
                for of_rows, of_columns in keys:
                    colour = splitmix64(colour + of_rows[here] + of_columns)
                rows[here], columns = colour.sum(axis=1, keepdims=True), columns + colour.sum(axis=0)
            keys.append((splitmix64(rows), splitmix64(columns)))
            total = rows.sum()
    return int(total)
