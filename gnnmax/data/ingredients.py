"""The ingredients of one host, and the parameters that determine its windows."""

from __future__ import annotations

from msgspec import Struct

from gnnmax.data.hosts.families import Family
from gnnmax.data.hosts.weights import Law
from gnnmax.data.subgraphs.subgraph import SubgraphSpec
from gnnmax.data.subgraphs.window_extraction import Cut, Overlap

__all__ = ["HostDraw", "Ingredients"]


class Ingredients(Struct, frozen=True):
    """The ingredients of one host graph: one entry of each list of its recipe."""

    host: Family
    law: Law | None
    sampling: SubgraphSpec | None
    cut: Cut | None


class HostDraw(Struct, frozen=True, kw_only=True):
    """The parameters that determine the windows of one host before planting.

    Attributes:
        seed: Seed of the host's random streams.
        graph: Index of these streams, any integer from 0 on.
        k: Side of the windows.
        ingredients: The ingredients of the host.
        cuts: Number of windows to extract; None extracts one around every edge.
        contexts: Whether windows carry the contexts of their rows and columns.
        overlap: Whether a node may be a row and a column of one window.
        distractors: Number of lower peaks that a window must have room for.
        full: Whether every entry of a window must be an edge.
    """

    seed: int
    graph: int
    k: int
    ingredients: Ingredients
    cuts: int | None
    contexts: bool = False
    overlap: Overlap = "none"
    distractors: int = 0
    full: bool = False
