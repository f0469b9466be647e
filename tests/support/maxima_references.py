"""Two references for the maxima of an ordered matrix, each written from the sentences of docs/detection.md alone."""

from itertools import product

import networkx as nx
import numpy as np
from scipy import ndimage


def by_pairs(
    matrix, k, *, undirected=False, ties="strict", border="shrink", max_missing=None, footprint=None, labels=None
):
    """Entry by entry: the set of pairs that the window covers, without the centre; NaN is missing.

    A footprint is an array of the shape of the window that is True where a cell counts; labels have the shape of the
    matrix, and to a window entries of other labels are missing.

    Returns the margin, the number of ties and the number of missing pairs of each maximum, by position.
    """
    n, m = matrix.shape
    half = k[0] // 2, k[1] // 2

    def pair(a, b):
        return (min(a, b), max(a, b)) if undirected else (a, b)

    def value(place, centre):
        inside = 0 <= place[0] < n and 0 <= place[1] < m
        return matrix[place] if inside and (labels is None or labels[place] == labels[centre]) else np.nan

    found, unbeaten, rising = {}, set(), set()
    for centre in product(range(n), range(m)):
        if pair(*centre) != centre or np.isnan(matrix[centre]) or (labels is not None and labels[centre] == 0):
            continue
        i, j = centre
        inside = product(range(k[0]), range(k[1])) if footprint is None else np.argwhere(footprint).tolist()
        cells = [(i - half[0] + row, j - half[1] + column) for row, column in inside]
        others = {pair(*cell) for cell in cells} - {centre}
        seen = {place: value(place, centre) for place in others if not np.isnan(value(place, centre))}
        missing = len(others) - len(seen)
        if missing > (0 if border == "drop" else len(others) if max_missing is None else max_missing):
            continue
        if any(other > matrix[centre] for other in seen.values()):
            continue
        equal = [place for place, other in seen.items() if other == matrix[centre]]
        unbeaten.add(centre)
        if len(equal) < len(seen) or not seen:
            rising.add(centre)
        margin = matrix[centre] - max(seen.values()) if seen else np.inf
        found[centre] = margin, len(equal), missing
        lost = {
            "strict": bool(equal),
            "all": centre not in rising,
            "first": centre not in rising or any(place < centre for place in equal),
            "plateau": False,
        }
        if lost[ties]:
            del found[centre]
    if ties == "plateau":
        return {place: found[place] for place in _first_of_plateaus(matrix, half, pair, unbeaten, rising, labels)}
    return found


def _first_of_plateaus(matrix, half, pair, unbeaten, rising, labels):
    """Join equal entries of one label that touch; a plateau counts if none is beaten and one is above another."""
    reach = list(product(*(range(-min(1, side), min(1, side) + 1) for side in half)))
    graph = nx.Graph()
    marks = np.ones(matrix.shape) if labels is None else labels
    known = ~np.isnan(matrix) & (marks != 0)
    places = [place for place in np.ndindex(matrix.shape) if pair(*place) == place and known[place]]
    graph.add_nodes_from(places)
    for a, b in places:
        near = {pair(a + step, b + other) for step, other in reach} & set(places)
        same = (place for place in near if matrix[place] == matrix[a, b] and marks[place] == marks[a, b])
        graph.add_edges_from(((a, b), place) for place in same)
    plateaus = nx.connected_components(graph)
    return {min(plateau) for plateau in plateaus if plateau <= unbeaten and plateau & rising}


def by_filters(matrix, k, *, undirected=False, ties="strict", border="shrink", max_missing=None, ring=None):
    """With the filters of scipy.ndimage over the whole matrix; square windows, where ``undirected``.

    Of an undirected matrix the half below the diagonal is not there. A ring holds the cells that count.

    Returns the positions of the maxima.
    """
    lost = np.isnan(matrix)
    below = np.tril(np.ones(matrix.shape, dtype=bool), -1) & undirected
    values = np.where(lost | below, -np.inf, matrix)
    ring = np.ones(k, dtype=bool) if ring is None else ring.copy()
    ring[k[0] // 2, k[1] // 2] = False

    def others(function, array, outside, footprint=ring):
        return function(array, footprint=footprint, mode="constant", cval=outside)

    def count(marks, outside, footprint=ring):
        return ndimage.correlate(marks.astype(int), footprint.astype(int), mode="constant", cval=outside)

    # Missing entries of the window; outside the matrix, those below the diagonal are not there either.
    wide = np.pad(lost, [(side // 2,) * 2 for side in k], constant_values=True)
    rows, columns = (
        np.arange(length + 2 * (side // 2)) - side // 2 for length, side in zip(matrix.shape, k, strict=True)
    )
    wide &= ~((rows[:, None] > columns) & undirected)
    inner = tuple(slice(side // 2, side // 2 + length) for side, length in zip(k, matrix.shape, strict=True))
    missing = count(wide, 0)[inner]
    seen = count(~lost & ~below, 0)
    largest = others(ndimage.maximum_filter, values, -np.inf)
    smallest = others(ndimage.minimum_filter, np.where(lost | below, np.inf, matrix), np.inf)
    allowed = 0 if border == "drop" else ring.sum() if max_missing is None else max_missing
    unbeaten = ~lost & ~below & ((matrix >= largest) | (seen == 0)) & (missing <= allowed)
    rising = (smallest < matrix) | (seen == 0)
    if ties == "strict":
        hits = unbeaten & ((matrix > largest) | (seen == 0))
    elif ties == "all":
        hits = unbeaten & rising
    elif ties == "first":
        before = ring & (np.arange(ring.size).reshape(k) < ring.size // 2)
        earlier = ndimage.maximum_filter(values, footprint=before, mode="constant", cval=-np.inf)
        known = count(~lost & ~below, 0, before)
        hits = unbeaten & rising & ((matrix > earlier) | (known == 0))
    else:
        hits = np.zeros(matrix.shape, dtype=bool)
        touching = np.zeros((3, 3), dtype=bool)
        touching[1 - min(1, k[0] // 2) : 2 + min(1, k[0] // 2), 1 - min(1, k[1] // 2) : 2 + min(1, k[1] // 2)] = True
        for level in np.unique(matrix[~lost & ~below]):
            # Label counts a neighbour in both directions, so a symmetric structure is all it needs.
            labels, number = ndimage.label((matrix == level) & ~below, touching)
            for plateau in (labels == label for label in range(1, number + 1)):
                if (unbeaten | ~plateau).all() and (rising & plateau).any():
                    hits[np.unravel_index(np.argmax(plateau), matrix.shape)] = True
    return set(zip(*(part.tolist() for part in np.nonzero(hits)), strict=True))
