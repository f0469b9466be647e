"""Sort by value, the largest first, fast and in little memory."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["from_largest"]

PIECE = 2**19
"""Values sorted together, about: more take memory, and leave the processor's cache."""


def from_largest(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the order of values from the largest down, equal ones as they come; none is NaN.

    Cost: two passes of a radix sort; of many values, a glance at all of them for every piece too.

    Example:
        >>> from_largest(np.array([-0.0, 3, -1, 3, 0], dtype=np.float32))
        array([1, 3, 0, 4, 2])
    """
    if len(values) <= PIECE:
        return _by_digits(values)
    sample = np.sort(values[:: max(1, PIECE // 1024)])
    pieces = -(-len(values) // PIECE)
    cuts = np.unique(sample[len(sample) * np.arange(1, pieces) // pieces])[::-1]
    order, start = np.empty(len(values), dtype=np.intp), 0
    for above, least in pairwise([None, *cuts, None]):
        inside = np.ones(len(values), dtype=np.bool_) if least is None else values >= least
        if above is not None:
            inside &= values < above
        places = np.flatnonzero(inside)
        order[start : start + len(places)] = places[_by_digits(values[places])]
        start += len(places)
    return order


def _by_digits(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Sort in single precision, by the lower half of the bits and then by the upper, and put right what is left."""
    with np.errstate(over="ignore"):
        bits = np.add(values, 0, dtype=np.float32, casting="unsafe").view(np.int32)  # -0.0 becomes 0.0
    bits ^= (bits >> 31) & np.int32(2**31 - 1)  # as integers with a sign they are in order now
    bits = ~bits
    order = np.argsort(bits.astype(np.uint16), kind="stable")
    order = order[np.argsort((bits >> 16).astype(np.int16)[order], kind="stable")]
    if values.dtype == np.float32:
        return order
    ordered = values[order]
    if (ordered[1:] > ordered[:-1]).any():  # nearly in order: the sort takes little more than a pass
        order = order[np.argsort(-ordered if values.dtype.kind == "f" else ~ordered, kind="stable")]
    return order
