"""The fields of maps, and the law of their entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gnnmax.errors import InputError

__all__ = ["MAP_FIELDS", "UNIT_NOISE", "MapField", "MapLaw", "MapModel", "Structure"]

MapLaw = Literal["gaussian", "lognormal", "poisson", "bernoulli"]
"""Law of the entries of a map; ``bernoulli``: edges that are there, 1, or not, 0."""

Structure = Literal["symmetric", "directed", "bipartite"]
"""How rows and columns are related.

``symmetric``: the same nodes, an undirected graph; an entry and its mirror image are one pair, the diagonal is empty.
``directed``: the same nodes, every entry on its own. ``bipartite``: rows and columns are different nodes.
"""


@dataclass(frozen=True)
class MapField:
    """One array of :class:`Maps`: its layout for every reader and writer of maps.

    Attributes:
        name: Its name in :class:`Maps` and in stored shards.
        axes: Axes of its shape: ``M`` maps, ``n`` rows, ``m`` columns, ``P`` peaks at most, or a number.
        dtype: Type of its entries.
        padding: Entries outside a map's size, and of peaks that are not there.
        present: ``always``; ``background``: if the recipe has one; ``block``: if its plant is a block.

    Example:
        >>> MAP_FIELDS["values"].shape({"M": 10, "n": 64, "m": 64, "P": 1})
        (10, 64, 64)
    """

    name: str
    axes: tuple[str, ...]
    dtype: type[np.generic]
    padding: float
    present: Literal["always", "background", "block"] = "always"

    def shape(self, sizes: dict[str, int]) -> tuple[int, ...]:
        """Return the shape of the field, given the sizes of the axes by name."""
        return tuple(sizes[axis] if axis in sizes else int(axis) for axis in self.axes)


MAP_FIELDS = {
    field.name: field
    for field in (
        MapField("values", ("M", "n", "m"), np.float32, np.nan),
        MapField("size", ("M", "2"), np.int64, 0),
        MapField("graph", ("M",), np.int64, 0),
        MapField("row_place", ("M", "n"), np.int64, -1),
        MapField("column_place", ("M", "m"), np.int64, -1),
        MapField("peak_position", ("M", "P", "2"), np.int64, -1),
        MapField("peak_amplitude", ("M", "P"), np.float32, np.nan),
        MapField("background", ("M", "n", "m"), np.float32, np.nan, "background"),
        MapField("row_block", ("M", "n"), np.bool_, False, "block"),
        MapField("column_block", ("M", "m"), np.bool_, False, "block"),
        MapField("block_amplitude", ("M",), np.float32, np.nan, "block"),
    )
}
"""Every array of :class:`Maps`, by name and in order. Checks, relabelling and storage read this table."""


@dataclass(frozen=True)
class MapModel:
    """The law of a map's entries, given its background and its peaks: the knowledge of the exact rules.

    With B the background, T the profile of a peak (1 at its place) and a its amplitude, ``gaussian``: B + a T + unit
    normal noise; ``lognormal``: the exponential of that; ``poisson``: counts of mean B (1 + a T); ``bernoulli``: edges
    with probability B (1 + a T). A block has T = 1 between its rows and its columns, and 0 elsewhere.

    Attributes:
        law: Law of the noise.
        base: Mean of Poisson counts, or probability of an edge, where there is no background; used by ``poisson`` and
            ``bernoulli`` alone.
        radius: 0 for a spike, one entry alone; else T is ``exp(-(d_r^2 + d_c^2) / (2 radius^2))`` with d_r and d_c the
            distances along the host from the peak's row and column. In Poisson counts it ends at :attr:`reach`.
        diagonal: Least distance along the host between the row and the column of a peak; 0 in bipartite maps.
        block: Numbers of rows and of columns of a hidden block; 0 and 0 where peaks are planted.

    Example:
        >>> MapModel(radius=1.2).reach
        5
    """

    law: MapLaw = "gaussian"
    base: float = 1.0
    radius: float = 0.0
    diagonal: int = 0
    block: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.law not in get_args(MapLaw):
            raise InputError(f"the law of the noise must be one of {', '.join(get_args(MapLaw))}, not {self.law!r}")
        if not (self.base > 0 and self.radius >= 0 and self.diagonal >= 0):
            raise InputError(
                "base must be above 0, radius and diagonal at least 0, not "
                f"{self.base}, {self.radius} and {self.diagonal}"
            )
        if self.law == "bernoulli" and self.base >= 1:
            raise InputError(f"the probability of an edge must be below 1, not {self.base}")
        if min(self.block) < 0 or (min(self.block) == 0) != (max(self.block) == 0):
            raise InputError(f"a block has at least one row and one column, or is none, not {self.block}")

    @property
    def reach(self) -> int:
        """Distance along the host beyond which a peak of Poisson counts raises nothing: four radii."""
        return int(np.ceil(4 * self.radius))

    @property
    def deviation(self) -> float:
        """Standard deviation of an entry without a peak or a background (of its logarithm, if lognormal).

        Example:
            >>> MapModel("bernoulli", base=0.5).deviation
            0.5
        """
        variance = {"poisson": self.base, "bernoulli": self.base * (1 - self.base)}.get(self.law, 1.0)
        return float(np.sqrt(variance))


UNIT_NOISE = MapModel()
"""Unit Gaussian noise, spikes anywhere."""
