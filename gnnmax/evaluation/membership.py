"""The verdict on scores of nodes: the share of a hidden block that they find, with intervals over maps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.jackknife import Estimate
from gnnmax.task.block_scores import block_overlaps
from gnnmax.task.maps import Maps
from gnnmax.task.tabulation import Shown, TableText, interval_text, number_text

__all__ = ["BlockVerdict", "evaluate_block"]


@dataclass(frozen=True, repr=False)
class BlockVerdict(Shown):
    """How much of hidden blocks scores of nodes find.

    Attributes:
        maps: Number of maps with a block.
        overlap: Mean share of the block that is among as many top nodes as it has.
        overlap_interval: Its interval over maps.
        exact: Share of the maps in which it is the whole block.
        exact_interval: Its interval over maps.
        chance: The overlap of random scores, in the mean.
        confidence: Share of the cases in which an interval contains the truth.
    """

    maps: int
    overlap: float
    overlap_interval: tuple[float, float]
    exact: float
    exact_interval: tuple[float, float]
    chance: float
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return asdict(self)

    def __repr__(self) -> str:
        return f"<BlockVerdict: overlap {self.overlap:.4f}, exact {self.exact:.4f}, {self.maps:,} maps>"

    def tables(self) -> list[TableText]:
        """Return the verdict as a table."""
        rows = [
            ["overlap", number_text(self.overlap), interval_text(self.overlap_interval)],
            ["exact recovery", number_text(self.exact), interval_text(self.exact_interval)],
            ["overlap by chance", number_text(self.chance), ""],
        ]
        interval = f"{100 * self.confidence:g} % interval"
        return [TableText(f"hidden blocks, {self.maps:,} maps", ["metric", "value", interval], rows)]


def evaluate_block(scores: npt.ArrayLike, maps: Maps, *, confidence: float = 0.95) -> BlockVerdict:
    """Judge scores of nodes: which share of a hidden block is among as many top nodes as it has?

    Args:
        scores: One score a node, shape ``(M, n)``, the higher the more likely in the block; of bipartite maps rows,
            then columns, ``(M, n + m)``.
        maps: Maps with blocks; those without one are left out.
        confidence: Share of the cases in which an interval contains the truth.

    Raises:
        InputError: scores of another shape or NaN, maps without any block, or a confidence that is none.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> from gnnmax.data.maps.block_rules import BLOCK_RULES
        >>> maps = build(load_recipe("block-1000").replace(splits={"test": 8}, shifts={})).test
        >>> evaluate_block(BLOCK_RULES["host_scan"](maps), maps)
        <BlockVerdict: overlap 1.0000, exact 1.0000, 8 maps>
    """
    if not isinstance(maps, Maps):
        raise InputError(f"scores of nodes are judged on Maps, not on {type(maps).__name__}: draw them from a recipe")
    if not 0 < confidence < 1:
        raise InputError(f"the confidence of an interval must lie between 0 and 1, not {confidence!r}")
    found = block_overlaps(scores, maps)
    there = np.isfinite(found)
    if not there.any():
        raise InputError("none of these maps hides a block: there is nothing to find")
    nodes = maps.size.sum() if maps.structure == "bipartite" else maps.size[:, 0].sum()
    overlap, exact = found[there], (found[there] == 1).astype(np.float64)
    return BlockVerdict(
        maps=len(overlap),
        overlap=float(overlap.mean()),
        overlap_interval=_interval(overlap, confidence, of_graphs=False),
        exact=float(exact.mean()),
        exact_interval=_interval(exact, confidence, of_graphs=True),
        chance=float(maps.membership.sum() / nodes),
        confidence=confidence,
    )


def _interval(by_map: npt.NDArray[np.float64], confidence: float, *, of_graphs: bool) -> tuple[float, float]:
    """Return the interval of a mean over maps."""
    count = len(by_map)
    left_out = (by_map.sum() - by_map) / max(count - 1, 1)
    estimate = Estimate.of(
        np.array([by_map.mean()]),
        left_out if count > 1 else np.full(1, np.nan),
        shares=np.full((1, count), 1 / count),
        graphs=np.array([float(count)]),
        ends=(0.0, 1.0),
    )
    return estimate.interval(confidence, (0.0, 1.0), of_graphs=of_graphs)
