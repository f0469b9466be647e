"""Several peaks, at most one in each of many disjoint tiles: their posterior is a product, and their ceiling exact."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.map_posterior import PlaceCeiling, evidence
from gnnmax.task.maps import Maps

__all__ = ["counted_posterior", "tile_ceiling", "tile_posterior", "tiles_of_places"]

Scores = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def tiles_of_places(n: int, m: int, tiles: int, *, margin: int, diagonal: int | None) -> Integers:
    """Return the tile in which a place can hold a peak, shape ``(n, m)``; -1 where no peak can be.

    Rows and columns are cut into as many parts of equal length, up to 1, along the host. A peak keeps a margin from the
    borders of its tile, so that what it raises stays inside.

    Args:
        n: Number of rows.
        m: Number of columns.
        tiles: Number of parts of the rows, and of the columns.
        margin: Distance over which a peak raises entries.
        diagonal: In symmetric maps the least distance of a peak from the diagonal; tiles and places are then those
            above it. None in other maps.

    Example:
        >>> tiles_of_places(4, 4, 2, margin=0, diagonal=1).tolist()
        [[-1, 0, 1, 1], [-1, -1, 1, 1], [-1, -1, -1, 3], [-1, -1, -1, -1]]
    """
    parts, inner = [], []
    for side in (n, m):
        borders = np.arange(tiles + 1) * side // tiles
        part = np.searchsorted(borders, np.arange(side), side="right") - 1
        parts.append(part)
        place = np.arange(side)
        inner.append((place - borders[part] >= margin) & (borders[part + 1] - 1 - place >= margin))
    found = np.where(inner[0][:, None] & inner[1], parts[0][:, None] * tiles + parts[1], -1)
    if diagonal is not None:
        found[np.subtract.outer(np.arange(n), np.arange(m)) > -max(diagonal, 1)] = -1
    return np.asarray(found, dtype=np.int64)


def tile_posterior(maps: Maps, tile: Integers, chance: float) -> Scores:
    """Return the probability of a peak at each place, if each tile holds one with a given chance.

    Given the map, the tiles are independent: with E the evidence of a place and c the chance over the number of places
    of its tile, the probability is c exp(E) over the sum of c exp(E) in the tile plus 1 - chance.

    Args:
        maps: Maps with their true places, all of one size and with peaks of one amplitude.
        tile: The tile of each place along the host, see :func:`tiles_of_places`.
        chance: Chance of a peak in a tile, above 0 and at most 1.

    Returns:
        Shape ``(M, n, m)``, 0 where no peak can be; in symmetric maps each pair stands above the diagonal.

    Raises:
        InputError: a chance out of range, or tiles that do not fit the maps.
    """
    if not 0 < chance <= 1:
        raise InputError(f"the chance of a peak in a tile must be above 0 and at most 1, not {chance!r}")
    within, log_mean = _within_tiles(maps, tile)
    odds = chance * np.exp(np.minimum(log_mean, 700.0))
    return _spread(within, tile, odds / (odds + 1 - chance), maps)


def counted_posterior(maps: Maps, tile: Integers) -> Scores:
    """Return the probability of a peak at each place, if the number of peaks of each map is known too.

    Of all choices of that many tiles each is as likely as the product of its tiles' mean likelihood ratios: elementary
    symmetric polynomials, summed tile by tile.

    Args:
        maps: Maps with their true places, all of one size and with peaks of one amplitude.
        tile: The tile of each place along the host, see :func:`tiles_of_places`.

    Returns:
        As :func:`tile_posterior`.

    Raises:
        InputError: tiles that do not fit the maps, or more peaks than tiles.
    """
    within, log_mean = _within_tiles(maps, tile)
    if (maps.peak_count > log_mean.shape[1]).any():
        raise InputError(f"a map has more peaks than its {log_mean.shape[1]} tiles: they are from other tiles")
    chances = [_of_count(log, count) for log, count in zip(log_mean, maps.peak_count.tolist(), strict=True)]
    return _spread(within, tile, np.array(chances).reshape(log_mean.shape), maps)


def tile_ceiling(maps: Maps, tile: Integers) -> PlaceCeiling:
    """Return the largest share of the peaks that any rule finds with as many calls as there are peaks.

    The rule knows order, background, amplitude, tiles and the number of peaks of each map, and names the places of
    greatest probability. For each map the posterior gives the expected number of peaks found; a ratio of sums over
    drawn maps is the share. ``within_one`` is that of the same calls.

    Args:
        maps: Maps drawn from their law, all of one size and with peaks of one amplitude.
        tile: The tile of each place along the host, see :func:`tiles_of_places`.

    Raises:
        InputError: no peak in any map, or tiles that do not fit the maps.
    """
    probability, count = counted_posterior(maps, tile), maps.peak_count
    if not count.sum():
        raise InputError("the ceiling of places is about peaks, and no map has one: give more maps")
    found = np.array([_expected(probability[index], int(count[index])) for index in range(len(maps))])
    shares = found.sum(axis=0) / count.sum()
    errors = np.sqrt(((found - shares * count[:, None]) ** 2).sum(axis=0)) / count.sum()
    return PlaceCeiling(
        basis="posterior by tiles",
        found=float(shares[0]),
        within_one=float(shares[1]),
        found_error=float(errors[0]),
        within_one_error=float(errors[1]),
        maps=len(maps),
    )


def _within_tiles(maps: Maps, tile: Integers) -> tuple[Scores, Scores]:
    """Return the probability of each place within its tile, along the host, and the log mean ratio of each tile."""
    if tile.shape != maps.values.shape[1:] or (maps.size != tile.shape).any():
        raise InputError(f"tiles of shape {tile.shape} need maps that all have this size, not {maps.values.shape[1:]}")
    names, number = np.unique(tile[tile >= 0], return_inverse=True)
    rows, columns = (np.argsort(place, axis=1) for place in (maps.row_place, maps.column_place))
    each = np.arange(len(maps))[:, None, None]
    place = evidence(maps)[each, rows[:, :, None], columns[:, None, :]][:, tile >= 0]
    within, log_mean = np.empty(place.shape), np.empty((len(maps), len(names)))
    for at in range(len(names)):
        own = place[:, number == at]
        largest = own.max(axis=1, keepdims=True)
        ratio = np.exp(own - largest)
        log_mean[:, at] = np.log(ratio.mean(axis=1)) + largest[:, 0]
        within[:, number == at] = ratio / ratio.sum(axis=1, keepdims=True)
    return within, log_mean


def _spread(within: Scores, tile: Integers, chances: Scores, maps: Maps) -> Scores:
    """Multiply the chance of each tile into its places, along the host, and put them into the order of the maps."""
    _, number = np.unique(tile[tile >= 0], return_inverse=True)
    along = np.zeros(maps.values.shape)
    along[:, tile >= 0] = within * chances[:, number]
    if maps.structure == "symmetric":
        along += along.transpose(0, 2, 1)
    each = np.arange(len(maps))[:, None, None]
    found = along[each, maps.row_place[:, :, None], maps.column_place[:, None, :]]
    return np.asarray(np.triu(found) if maps.structure == "symmetric" else found)


def _of_count(log_mean: Scores, count: int) -> list[float]:
    """Return the chance that each tile holds a peak, given the number of peaks of the map."""
    tiles = len(log_mean)
    # before[t, k]: log sum over the choices of k of the first t tiles; after: of the last ones
    before, after = (np.full((tiles + 1, count + 1), -np.inf) for _ in range(2))
    before[0, 0] = after[0, 0] = 0.0
    for table, logs in ((before, log_mean), (after, log_mean[::-1])):
        for at, own in enumerate(logs.tolist()):
            table[at + 1] = table[at]
            table[at + 1, 1:] = np.logaddexp(table[at, 1:], table[at, :-1] + own)
    found = []
    for at in range(tiles):
        others = before[at] + after[tiles - 1 - at][::-1]  # k tiles before it and count - k after: no peak in it
        found.append(1 - math.exp(min(0.0, float(np.logaddexp.reduce(others)) - float(before[tiles, count]))))
    return found


def _expected(probability: Scores, count: int) -> tuple[float, float]:
    """Return the expected numbers of peaks at the likeliest places, as many as there are peaks, and within one."""
    from scipy.ndimage import binary_dilation

    if not count:
        return 0.0, 0.0
    chosen = np.argpartition(probability, -count, axis=None)[-count:]
    named = np.zeros(probability.shape, dtype=np.bool_)
    named.flat[chosen] = True
    around = binary_dilation(named, np.ones((3, 3), dtype=np.bool_))
    return float(probability[named].sum()), float(probability[around].sum())
