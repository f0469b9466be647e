"""Subgraphs: an ordered tuple of nodes of a host, and its adjacency matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.generate.hosts import Host

__all__ = ["Order", "Sampling", "Subgraph"]

Order = Literal["natural", "shuffled"]


@dataclass(frozen=True, eq=False)
class Subgraph:
    """An ordered tuple of m nodes and its adjacency matrix.

    Attributes:
        nodes: The host's node at each place of the order, shape ``(m,)``.
        adjacency: Shape ``(m, m)``, float32, symmetric; 0 where no edge is.
        joined: Shape ``(m, m)``, bool: where an edge is, whatever its weight.
    """

    nodes: npt.NDArray[np.int64]
    adjacency: npt.NDArray[np.float32]
    joined: npt.NDArray[np.bool_]


class Sampling(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which nodes of a host make the subgraph, and in what order.

    Attributes:
        nodes: How many, at most the host's; None takes the whole host.
        choose: ``range``: consecutive nodes of the natural order; ``uniform``: a uniform draw of nodes.
        order: ``natural``: the family's own; ``shuffled``: uniform at random.

    Example:
        >>> host = Host(4, np.array([[0, 1], [2, 3]]))
        >>> rng = np.random.default_rng(0)
        >>> Sampling(nodes=2).sample(host, np.array([5, 6], dtype=np.float32), rng).adjacency
        array([[0., 6.],
               [6., 0.]], dtype=float32)
    """

    nodes: Annotated[int, Meta(ge=6, le=5_000)] | None = None
    choose: Literal["range", "uniform"] = "range"
    order: Order = "natural"

    def sample(self, host: Host, weights: npt.NDArray[np.float32], rng: np.random.Generator) -> Subgraph:
        """Cut the subgraph out of a host with the given edge weights, shape ``(E,)``."""
        m = host.nodes if self.nodes is None else self.nodes
        if self.choose == "range":
            nodes = np.arange(m) + rng.integers(host.nodes - m + 1)
        else:
            nodes = np.sort(rng.choice(host.nodes, size=m, replace=False, shuffle=False))
        if self.order == "shuffled":
            nodes = rng.permutation(nodes)
        place = np.full(host.nodes, -1, dtype=np.int64)
        place[nodes] = np.arange(m)
        ends = place[host.edges]  # (E, 2), -1 outside
        inside = (ends >= 0).all(axis=1)
        rows, columns = ends[inside].T
        adjacency = np.zeros((m, m), dtype=np.float32)
        joined = np.zeros((m, m), dtype=np.bool_)
        adjacency[rows, columns] = adjacency[columns, rows] = weights[inside]
        joined[rows, columns] = joined[columns, rows] = True
        return Subgraph(nodes.astype(np.int64), adjacency, joined)
