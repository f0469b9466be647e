"""What a recipe plants in a map: a spike, a bump or a block, anywhere or at most one in each tile."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from gnnmax.data.planting.plants import Bump, Raised

__all__ = ["LARGEST", "Block", "MapPlant", "RaisedEntry", "Tiles"]

LARGEST = 16_384
"""Largest side of a map: it is stored as a dense matrix."""


class Tiles(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """At most one peak in each tile of a map, independently: the posterior is a product, and the ceiling exact.

    A peak keeps four radii from the borders of its tile, so that what it raises stays inside. In symmetric maps the
    tiles are those on and above the diagonal. A tile without such a place holds none.

    Attributes:
        tiles: Number of parts into which the rows, and the columns, are cut along the host.
        chance: Chance that a tile holds a peak.

    Example:
        >>> Tiles(tiles=4).chance
        0.5
    """

    tiles: Annotated[int, Meta(ge=1, le=100)]
    chance: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.5


class RaisedEntry(Raised, frozen=True, tag="spike"):
    """A spike: one entry (in a symmetric map one pair) is raised by an amplitude, or by one of several levels."""

    @property
    def radius(self) -> float:
        """0: no other entry is raised."""
        return 0.0


class Block(Raised, frozen=True, tag="block"):
    """A hidden block: every entry among some nodes is raised by an amplitude, or by one of several levels.

    The nodes are consecutive along the host: natural order keeps them together, shuffled order makes them arbitrary.
    Between 0 and 1 edges ``noise = "bernoulli"``, and with ``base = 0.5`` and amplitude 1 the block is a hidden clique.

    Attributes:
        amplitude: Height of the block.
        nodes: Number of its nodes; of its rows in bipartite maps.
        columns: Number of its columns in bipartite maps; None in maps whose columns are their rows' nodes.
    """

    nodes: Annotated[int, Meta(ge=1, le=LARGEST)]
    columns: Annotated[int, Meta(ge=1, le=LARGEST)] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Numbers of rows and of columns of the block."""
        return self.nodes, self.nodes if self.columns is None else self.columns

    @property
    def radius(self) -> float:
        """0: the block has sharp borders."""
        return 0.0


MapPlant = RaisedEntry | Bump | Block
