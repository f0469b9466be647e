"""An independent check of stored maps: it re-derives orders, peaks and noise without the generator's code."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.maps.consistency import check_maps
from gnnmax.data.maps.generation import generate_map
from gnnmax.data.maps.recipe import MapRecipe, MapSpec
from gnnmax.data.subgraphs.node_order import spectral_order
from gnnmax.errors import InputError
from gnnmax.task.claims import Check
from gnnmax.task.maps import Maps

__all__ = ["check_maps_of", "maps_apart"]

REDRAWN = 5
"""Number of maps per split that are drawn again, spread over the split, unless all are."""

LIMIT = 5.0
"""Standard errors that a sum or a variance may be off: true data exceed them once in two million."""

MANY = 1_000
"""Number of entries from which their variance is close to normal, and is checked."""


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
    at_peaks, every = _entries(maps, own.map)
    checks += [
        _scatter("the entries at the peaks scatter around background and amplitude", at_peaks, own.map),
        _scatter("all entries scatter around the mean that order, background and peaks give", every, own.map),
    ]
    places = np.arange(count) if every_map else np.unique(np.linspace(0, count - 1, min(count, REDRAWN)).astype(int))
    return [*checks, _redrawn(recipe, (span.start + places).tolist(), maps)]


def _agrees(maps: Maps, spec: MapSpec) -> Check:
    claim = "sizes, places, peaks and amplitudes are those of the recipe"
    try:
        check_maps(maps, spec)
    except InputError as error:
        return Check(claim, False, str(error))
    return Check(claim, True, f"{len(maps.peaks)} peaks")


def _seriated(maps: Maps) -> Check:
    """Check that the Fiedler vector of each map runs along its order, up to its direction and equal values."""
    wrong = 0
    for index, own in enumerate(maps.size[:, 0].tolist()):
        matrix = np.nan_to_num(maps.values[index, :own, :own])
        wrong += int(not np.array_equal(spectral_order(matrix, matrix != 0), np.arange(own)))
    return Check("the order is the spectral order of the map", not wrong, f"{wrong} of {len(maps)} wrong")


Pair = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _entries(maps: Maps, spec: MapSpec) -> tuple[Pair, Pair]:
    """Return entries (their logarithms, if lognormal) and their means: those at the peaks, and all of them."""
    at_peaks: list[Pair] = []
    every: list[Pair] = []
    for index in range(len(maps)):
        one = maps[index]
        mean = _mean_of(one, spec)
        values = one.values[0].astype(np.float64)
        inside = np.triu(~np.isnan(values), 1) if spec.structure == "symmetric" else ~np.isnan(values)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(values) if spec.noise == "lognormal" else values
        here = (one.peaks.row, one.peaks.column)
        at_peaks.append((values[here], mean[here]))
        every.append((values[inside], mean[inside]))
    return _joined(at_peaks), _joined(every)


def _joined(pairs: list[Pair]) -> Pair:
    return np.concatenate([first for first, _ in pairs]), np.concatenate([second for _, second in pairs])


def _mean_of(one: Maps, spec: MapSpec) -> npt.NDArray[np.float64]:
    """Sum the mean of every entry of one map, from its places."""
    row, column = one.row_place[0][:, None].astype(np.float64), one.column_place[0][None, :].astype(np.float64)
    true, radius = one.along_host(), one.model.radius
    total = np.zeros(one.values.shape[1:])
    for p, q, height in zip(true.row.tolist(), true.column.tolist(), true.amplitude.tolist(), strict=True):
        for a, b in ((p, q), (q, p)) if spec.structure == "symmetric" else ((p, q),):
            squares = (row - a) ** 2 + (column - b) ** 2
            part = np.exp(-squares / (2 * radius**2)) if radius else (squares == 0).astype(np.float64)
            if spec.noise == "poisson":
                part[np.maximum(np.abs(row - a), np.abs(column - b)) > one.model.reach] = 0.0
            total += height * part
    background = None if one.background is None else one.background[0].astype(np.float64)
    if spec.noise == "poisson":
        return (spec.base if background is None else background) * (1 + total)
    return total if background is None else background + total


def _scatter(claim: str, pair: Pair, spec: MapSpec) -> Check:
    """Check that entries have the sum and, where there are many, the variance that the law of the noise gives."""
    values, mean = pair
    count = len(values)
    if not count:
        return Check(claim, True, "there is none")
    if spec.noise == "poisson":  # the sum of counts is a count, whose root is close to normal
        off = 2 * abs(np.sqrt(values.sum() + 3 / 8) - np.sqrt(mean.sum() + 1 / 8))
        squares, fourth = (values - mean) ** 2 / mean, float(np.mean(2 + 1 / mean))
    else:
        off = abs((values - mean).sum()) / np.sqrt(count)
        squares, fourth = (values - mean) ** 2, 2.0
    wide = abs(float(squares.mean()) - 1) * np.sqrt(count / fourth) if count >= MANY else 0.0
    found = f"sum off by {off:.1f}, variance by {wide:.1f} standard errors, {count:,} entries"
    return Check(claim, bool(off < LIMIT and wide < LIMIT), found)


def _redrawn(recipe: MapRecipe, graphs: list[int], maps: Maps) -> Check:
    claim = f"{len(graphs)} of its maps are drawn again to the byte"
    for graph in graphs:
        again, stored = generate_map(recipe, graph).arrays(), maps[maps.graph == graph].arrays()
        if any(not np.array_equal(again[name], stored[name], equal_nan=True) for name in again):
            return Check(claim, False, f"map {graph} differs: other library versions, or changed files")
    return Check(claim, True, f"maps {', '.join(map(str, graphs))}" if len(graphs) <= REDRAWN else "all")


def maps_apart(splits: Mapping[str, Any]) -> Check:
    """Check that no map of a split is in another, whatever the order of its nodes: by the sorted entries."""
    seen: dict[bytes, str] = {}
    shared = 0
    for split, maps in splits.items():
        for matrix in maps.values:
            digest = hashlib.sha256(np.sort(matrix, axis=None).tobytes()).digest()
            shared += seen.setdefault(digest, split) != split
    return Check("no map of a split is in another, renumbered or transposed", not shared, f"{len(seen)} maps")
