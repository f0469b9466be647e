"""The order in which a matrix was given, where a search reads its nodes in another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.storage import Places

__all__ = ["GivenOrder"]


@dataclass(frozen=True, eq=False)
class GivenOrder:
    """What a matrix was before its nodes were put in another order.

    Attributes:
        order: The old position of the node at each place, a permutation of shape ``(n,)``.
        explained: Share of the variance of the roots of the weights that the distance explains in this order.
        undirected: Whether the entries (i, j) and (j, i) are one pair.
        names: The names of rows and columns, if there are any.
        bins: The bins of a genome that they are; or None.
        attributes: Attributes of the nodes by name; or None.
    """

    order: Places
    explained: float
    undirected: bool
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None
    bins: GenomeBins | None
    attributes: Mapping[str, npt.NDArray[Any]] | None

    def places(self, rows: Places, columns: Places) -> tuple[Places, Places]:
        """Return where some entries were; of an undirected matrix, those above the diagonal are above it again.

        Example:
            >>> given = GivenOrder(np.array([2, 0, 1]), 1.0, True, None, None, None)
            >>> given.places(np.array([0, 1]), np.array([1, 2]))
            (array([0, 0]), array([2, 1]))
        """
        found = self.order[rows], self.order[columns]
        if not self.undirected:
            return found
        ends, upper = np.sort(found, axis=0), rows <= columns
        return np.where(upper, ends[0], ends[1]), np.where(upper, ends[1], ends[0])

    def parts(self) -> dict[str, Any]:
        """Return names, bins and attributes, by the names of the fields of all that holds them."""
        return {"names": self.names, "bins": self.bins, "attributes": self.attributes}
