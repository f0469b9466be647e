"""Local backgrounds entry by entry, written from the table in docs/detection.md alone."""

import itertools

import numpy as np

__all__ = ["PLACES", "over_background"]

PLACES = {
    "donut": lambda down, right: down != 0 and right != 0,
    "vertical": lambda down, right: right in (-1, 0, 1),
    "horizontal": lambda down, right: down in (-1, 0, 1),
    "lower-left": lambda down, right: down > 0 and right < 0,
}
"""Where the surroundings lie, in rows after an entry and in columns after it."""


def over_background(matrix, kind, peak=2, *, undirected=False, parts=None):
    """Entry by entry, NaN where nothing was measured; ``parts`` holds the number of the part of each row and column."""
    n, part = len(matrix), np.zeros(len(matrix)) if parts is None else parts
    places = [(i, j) for i, j in itertools.product(range(n), repeat=2) if part[i] == part[j]]
    places = [place for place in places if not np.isnan(matrix[place])]
    expected = {}
    for distance in range(n):
        values = [matrix[i, j] for i, j in places if abs(i - j) == distance]
        if values and np.mean(values) > 0:
            expected[distance] = np.mean(values)
    scored = {(i, j) for i, j in places if abs(i - j) in expected}
    scores = np.full(matrix.shape, np.nan)
    for i, j in scored:
        if undirected and i > j:
            continue
        reach = range(-2 * peak - 1, 2 * peak + 2)
        around = [
            (i + down, j + right) for down, right in itertools.product(reach, reach)
            if max(abs(down), abs(right)) > peak and PLACES[kind](down, right)
        ]  # fmt: skip
        around = [(a, b) for a, b in around if (a, b) in scored and part[a] == part[i] and part[b] == part[j]]
        around = [(a, b) for a, b in around if a <= b or not undirected]
        total = sum(matrix[place] for place in around)
        adjusted = sum(expected[abs(a - b)] for a, b in around)
        if total > 0 and adjusted > 0:
            scores[i, j] = matrix[i, j] / (expected[abs(i - j)] * total / adjusted)
            if undirected:
                scores[j, i] = scores[i, j]
    return scores
