"""Several scales: the maxima of windows of some sides, and at which of these each is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs

from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.window_sides import window_name

__all__ = ["maxima_at_scales"]


def maxima_at_scales(
    source: MatrixSource, options: SearchOptions, search: Callable[[MatrixSource, SearchOptions], Maxima]
) -> Maxima:
    """Find the entries that are maxima at any of some scales.

    Each is described by the largest windows in which it is one: margin, ties and missing entries are theirs, and
    ``scale`` is their side. Windows of one scale lie in those of the next, so a strict maximum, where windows may have
    missing entries, is one at all smaller scales too.

    Cost: one search for each scale.

    Args:
        source: The matrix.
        options: How it is searched.
        search: Finds the maxima of one scale, sorted by row and column.

    Returns:
        The maxima by row and column; ``k`` is that of the smallest windows.
    """
    if len(options.scales) == 1:
        return search(source, options)
    found = [search(source, structs.replace(options, k=sides)) for sides in options.scales]
    width = source.shape[1]
    numbers = [maxima.rows * width + maxima.columns for maxima in found]
    every = np.unique(np.concatenate(numbers))
    holds = np.stack([np.isin(every, some) for some in numbers], axis=1)
    last = holds.shape[1] - 1 - holds[:, ::-1].argmax(axis=1)
    fields: dict[str, Any] = {}
    for name in ("rows", "columns", "values", "margin", "ties", "missing"):
        column = np.empty(len(every), dtype=getattr(found[0], name).dtype)
        for scale, maxima in enumerate(found):
            here = last == scale
            column[here] = getattr(maxima, name)[np.searchsorted(numbers[scale], every[here])]
        fields[name] = column
    names = [window_name(sides) for sides in options.scales]
    listed = {mask.tobytes(): ",".join(np.array(names)[mask]) for mask in np.unique(holds, axis=0)}
    return replace(
        found[0],
        **fields,
        scale=np.array([max(sides) for sides in options.scales])[last],
        scales=np.array([listed[row.tobytes()] for row in holds], dtype=object),
    )
