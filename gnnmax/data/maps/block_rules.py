"""The explicit scorers of hidden blocks: rules without parameters that score every node of a map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.block_scores import Scores, amp, degrees, eigenvector, problem_of, refined_eigenvector, scan
from gnnmax.task.blocks import BlockProblem
from gnnmax.task.maps import Maps

__all__ = ["BLOCK_RULES", "BlockRule"]


@dataclass(frozen=True)
class BlockRule:
    """An explicit scorer of blocks: the higher the score of a node, the more likely it is in the block.

    Every rule is given how many nodes the block has, and how high it is.

    Attributes:
        name: Its key in :data:`BLOCK_RULES`.
        summary: Its computation, in one sentence.
        reads: ``image``: nodes are neighbours in the order in which they come; ``host``: along the true order, which
            makes it a bound where the order is lost; ``graph``: whatever the order is.
        function: The computation.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> maps = build(load_recipe("block-1000").replace(splits={"test": 1}, shifts={})).test
        >>> BLOCK_RULES["degrees"](maps).shape
        (1, 1000)
    """

    name: str
    summary: str
    reads: Literal["image", "host", "graph"]
    function: Callable[[BlockProblem], Scores]

    def __call__(self, maps: Maps) -> npt.NDArray[np.float64]:
        """Score every node.

        Args:
            maps: Maps whose model has a block; a map without one is scored too.

        Returns:
            Shape ``(M, n)``; of bipartite maps rows, then columns, ``(M, n + m)``. Minus infinity outside a map.

        Raises:
            InputError: something else than maps, or maps of a law without a block.
        """
        if not isinstance(maps, Maps):
            raise InputError(
                f"rule {self.name!r} scores Maps, not {type(maps).__name__}: draw them from a recipe whose plant is a "
                "block"
            )
        n, m = maps.values.shape[1:]
        scores = np.full((len(maps), n if maps.structure != "bipartite" else n + m), -np.inf)
        for index in range(len(maps)):
            one, (rows, columns) = maps[index], maps.size[index].tolist()
            by_row, by_column = self.function(problem_of(_along_host(one) if self.reads == "host" else one))
            if self.reads == "host":
                by_row, by_column = by_row[one.row_place[0, :rows]], by_column[one.column_place[0, :columns]]
            scores[index, :rows] = by_row
            if maps.structure == "bipartite":
                scores[index, n : n + columns] = by_column
        return scores


def _along_host(one: Maps) -> Maps:
    """Return a map in the true order of its nodes."""
    orders = []
    for place in (one.row_place[0], one.column_place[0]):
        outside = np.arange(len(place))
        orders.append(np.argsort(np.where(place < 0, len(place) + outside, place))[None])
    return one.permuted(*orders)


BLOCK_RULES: dict[str, BlockRule] = {
    rule.name: rule
    for rule in (
        BlockRule(
            "host_scan", "The block of consecutive nodes with the largest sum, along the true order.", "host", scan
        ),
        BlockRule("scan", "The same in the order in which the nodes come, as an image is read.", "image", scan),
        BlockRule(
            "amp",
            "Message passing with memory and the posterior denoiser: no fast rule beyond it is known.",
            "graph",
            amp,
        ),
        BlockRule(
            "refined_eigenvector",
            "Votes of the nodes that lead the eigenvector, in rounds: sums of entries to them.",
            "graph",
            refined_eigenvector,
        ),
        BlockRule("eigenvector", "The leading eigenvector, or pair of singular vectors.", "graph", eigenvector),
        BlockRule("degrees", "Row and column sums.", "graph", degrees),
    )
}
"""The rules of blocks by name."""
