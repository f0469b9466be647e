"""Entries that may be maxima, with their windows: each is decided exactly, by all others of its window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.blocks import Block
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Places, margin_over
from gnnmax.detection.pair_cells import cells_that_do_not_count, earlier_pairs
from gnnmax.detection.search_options import SearchOptions

__all__ = ["Candidates", "Found", "candidates_at", "chosen", "decided", "described"]

GATHERED = 2**22
"""Entries of windows examined together."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Entries that may be maxima, with their windows.

    A missing entry (``hidden``) holds the lowest number of the type, not NaN. ``again`` marks the entries that are a
    pair of an undirected graph for the second time, and ``earlier`` those that come before the centre.
    """

    rows: Places
    columns: Places
    windows: npt.NDArray[Any]
    hidden: npt.NDArray[np.bool_]
    again: npt.NDArray[np.bool_]
    earlier: npt.NDArray[np.bool_]


class Found(NamedTuple):
    """Maxima, column by column."""

    rows: Places
    columns: Places
    values: npt.NDArray[Any]
    margin: npt.NDArray[np.float64]
    ties: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]


def chosen(found: Found, kept: npt.NDArray[np.bool_]) -> Found:
    """Select maxima."""
    columns: list[Any] = [column[kept] for column in found]
    return Found(*columns)


def candidates_at(
    block: Block,
    rows: Places,
    columns: Places,
    k: tuple[int, int],
    *,
    pairs: bool,
    footprint: npt.NDArray[np.bool_] | None = None,
    labels: npt.NDArray[Any] | None = None,
) -> Iterator[Candidates]:
    """Gather the windows of some entries of a block, a limited number at a time; of ``pairs``, mark repeated ones.

    Cells outside a footprint are marked as repeated ones are, and entries of other labels are missing.
    """
    size = k[0] * k[1]
    first_half = np.broadcast_to((np.arange(size) < size // 2).reshape(k), (1, *k))
    views = block.windows(block.values, k)
    unseen = None if block.missing is None else block.windows(block.missing, k)
    marks = None if labels is None else block.windows(labels, k)
    step = max(1, GATHERED // size)
    for start in range(0, len(rows), step):
        here, there = rows[start : start + step], columns[start : start + step]
        windows = views[here, there]
        hidden = np.zeros(windows.shape, dtype=np.bool_) if unseen is None else unseen[here, there]
        if marks is not None:
            own = marks[here, there]
            hidden |= own != own[:, k[0] // 2, k[1] // 2][:, None, None]
        places = block.places(here, there)
        again = cells_that_do_not_count(*places, k, footprint, pairs=pairs)
        earlier = earlier_pairs(*places, k) if pairs else first_half
        yield Candidates(*places, windows, hidden & ~again, again, earlier)


def decided(source: MatrixSource, part: Candidates, options: SearchOptions) -> Found:
    """Decide, window by window, exactly."""
    found, beaten, rises = described(source, part)
    kept = ~beaten & rises
    if options.ties == "strict":
        kept &= found.ties == 0
    elif options.ties == "first":
        size = part.windows[0].size
        entries, earlier = part.windows.reshape(-1, size), part.earlier.reshape(-1, size)
        shown = ~(part.hidden | part.again).reshape(-1, size)
        kept &= ~((entries == found.values[:, None]) & shown & earlier).any(axis=1)
    if options.allowed_missing is not None:
        kept &= found.missing <= options.allowed_missing
    return chosen(found, kept)


def described(source: MatrixSource, part: Candidates) -> tuple[Found, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Describe entries by their windows.

    Returns:
        Their margins, ties and missing entries; whether each is beaten; and whether it rises above another entry, or
        has no other one. A constant window does not rise: it has no maximum.
    """
    size = part.windows[0].size if len(part.windows) else 1
    entries, hidden = part.windows.reshape(-1, size), part.hidden.reshape(-1, size)
    centre = entries[:, size // 2]
    other = ~hidden & ~part.again.reshape(-1, size)
    other[:, size // 2] = False
    equal = ((entries == centre[:, None]) & other).sum(axis=1)
    beaten = ((entries > centre[:, None]) & other).any(axis=1)
    alone = ~other.any(axis=1)
    rival = np.where(other, entries, source.lowest).max(axis=1)
    margin = np.where(alone, np.inf, np.where(equal > 0, 0.0, margin_over(rival, np.maximum(centre, rival))))
    found = Found(part.rows, part.columns, centre, margin, equal, hidden.sum(axis=1))
    return found, np.asarray(beaten), np.asarray(alone | (equal < other.sum(axis=1)))
