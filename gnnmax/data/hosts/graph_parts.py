"""Parts of one graph: node-disjoint induced subgraphs, so that one graph makes several splits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.data.hosts.host import Host
from gnnmax.errors import InputError

__all__ = ["Part", "induced_part", "part_nodes"]


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """One of several parts of a graph; no node is in two of them, and so no pair of nodes.

    Attributes:
        index: Which part, from 0.
        of: Number of parts, of equal size within one node.
        along: Order of the nodes that is cut into parts. ``rcm``: reverse Cuthill-McKee, which puts neighbours near
            each other, so that a part keeps many of its edges. ``natural``: that of the file.
    """

    index: Annotated[int, Meta(ge=0, le=999_999)]
    of: Annotated[int, Meta(ge=1, le=1_000_000)]
    along: Literal["rcm", "natural"] = "rcm"

    def __post_init__(self) -> None:
        if self.index >= self.of:
            raise ValueError(f"a part's index must be below the number of parts, {self.of}, not {self.index}")


def part_nodes(host: Host, part: Part) -> npt.NDArray[np.int64]:
    """Return the nodes of a part, in natural order.

    References:
        Cuthill, McKee, "Reducing the bandwidth of sparse symmetric matrices", ACM National Conference 1969; George and
        Liu reversed the order.

    Example:
        >>> ring = Host(6, np.array([[0, 1], [0, 5], [1, 2], [2, 3], [3, 4], [4, 5]]))
        >>> sorted(np.concatenate([part_nodes(ring, Part(i, 2)) for i in (0, 1)]).tolist())
        [0, 1, 2, 3, 4, 5]
    """
    order: npt.NDArray[Any] = np.arange(host.nodes)
    if part.along == "rcm":
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import reverse_cuthill_mckee

        u, v = host.edges.T
        ends = np.concatenate([u, v]), np.concatenate([v, u])
        joined = coo_array((np.ones(2 * len(u), dtype=np.int8), ends), shape=(host.nodes, host.nodes)).tocsr()
        order = reverse_cuthill_mckee(joined, symmetric_mode=True)
    bounds = [host.nodes * place // part.of for place in (part.index, part.index + 1)]
    return np.sort(order[bounds[0] : bounds[1]]).astype(np.int64)


def induced_part(host: Host, part: Part) -> Host:
    """Return the graph induced on the nodes of a part; its nodes keep the numbers that they have in the whole.

    Raises:
        InputError: the part has fewer than six nodes.

    Example:
        >>> path = Host(12, np.array([[node, node + 1] for node in range(11)]))
        >>> half = induced_part(path, Part(1, 2, "natural"))
        >>> half.nodes, half.edges[0].tolist(), half.numbers[:2].tolist()
        (6, [0, 1], [6, 7])
    """
    nodes = part_nodes(host, part)
    if len(nodes) < 6:
        raise InputError(f"{part.of} parts of {host.nodes} nodes have fewer than 6 each: make fewer parts")
    place = np.full(host.nodes, -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    ends = place[host.edges]
    inside = (ends >= 0).all(axis=1)
    weights = None if host.weights is None else host.weights[inside]
    return Host(len(nodes), ends[inside], weights, host.directed, numbers=nodes)
