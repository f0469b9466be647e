"""Maps as objects of other libraries: torch_geometric, torch, networkx and scipy. True places stay hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from torch import Tensor

from gnnmax.errors import InputError
from gnnmax.task.maps import Maps

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__ = ["MapTensors", "maps_to_data", "maps_to_networkx", "maps_to_sparse", "maps_to_tensors"]


class MapTensors(NamedTuple):
    """Maps as dense tensors, each of shape ``(M, n, m)``.

    Attributes:
        values: Weights, float32; 0 where nothing is observed.
        mask: Where an entry is observed, bool: neither NaN nor outside the map, nor on an empty diagonal.
        target: 1 at the peaks, float32; in symmetric maps at both entries of the pair.
    """

    values: Tensor
    mask: Tensor
    target: Tensor


def maps_to_tensors(maps: Maps) -> MapTensors:
    """Convert maps to dense tensors.

    Example:
        >>> maps = Maps.from_values(np.ones((4, 4)), structure="symmetric", peaks=[[0, 1, 3]])
        >>> tensors = maps_to_tensors(maps)
        >>> tensors.values.shape, int(tensors.mask.sum()), tensors.target.nonzero().tolist()
        (torch.Size([1, 4, 4]), 12, [[0, 1, 3], [0, 3, 1]])
    """
    observed = _observed(maps)
    values = np.where(observed, np.nan_to_num(maps.values), np.float32(0))
    return MapTensors(torch.from_numpy(values), torch.from_numpy(observed), torch.from_numpy(_target(maps)))


def maps_to_data(maps: Maps, *, zeros: bool = False) -> list[Data]:
    """Convert each map to a graph of torch_geometric with one target for each edge.

    Nodes are those of the map; of a bipartite map the rows, then the columns. An edge is an observed entry: in a
    symmetric map in both directions, in a bipartite one from row to column and back.

    Args:
        maps: The maps.
        zeros: Whether entries that are 0 become edges too.

    Returns:
        Graphs with ``edge_index`` (2, E), ``edge_attr`` (E, 1), the weights, ``y`` (E,), 1 where the edge is a peak,
        ``entry`` (E, 2), row and column in the map, and ``num_nodes``; of maps that hide a block also ``member``
        (num_nodes,), True for its nodes.

    Example:
        >>> maps = Maps.from_values([[0.0, 2.0], [5.0, 0.0]], structure="directed", peaks=[[0, 1, 0]])
        >>> (graph,) = maps_to_data(maps)
        >>> graph.edge_index.tolist(), graph.y.tolist()
        ([[0, 1], [1, 0]], [0.0, 1.0])
    """
    from torch_geometric.data import Data

    target, graphs = _target(maps), []
    for index in range(len(maps)):
        entry = np.argwhere(_edges(maps, index, zeros=zeros))
        row, column = entry.T
        ends = entry.T.copy()
        shift = int(maps.size[index, 0]) if maps.structure == "bipartite" else 0
        ends[1] += shift
        if maps.structure == "bipartite":
            ends, entry = np.concatenate([ends, ends[::-1]], axis=1), np.concatenate([entry, entry])
            row, column = entry.T
        graphs.append(
            Data(
                edge_index=torch.from_numpy(ends),
                edge_attr=torch.from_numpy(maps.values[index][row, column][:, None]),
                y=torch.from_numpy(target[index][row, column]),
                entry=torch.from_numpy(entry),
                num_nodes=int(maps.size[index, 0]) + (int(maps.size[index, 1]) if shift else 0),
                **({} if maps.row_block is None else {"member": torch.from_numpy(_members(maps, index))}),
            )
        )
    return graphs


def maps_to_networkx(maps: Maps) -> list[Any]:
    """Convert each map to a graph of networkx, directed if the map is.

    Edges have ``weight`` and ``peak``, whether a peak is there. Nodes are numbered by position; those of a bipartite
    map have ``bipartite``, 0 for rows and 1 for columns, which are numbered after the rows. Nodes of maps that hide a
    block have ``member``, whether they are in it.

    Example:
        >>> maps = Maps.from_values([[0.0, 2.0], [5.0, 0.0]], structure="directed", peaks=[[0, 1, 0]])
        >>> maps_to_networkx(maps)[0].edges[1, 0]
        {'weight': 5.0, 'peak': True}
    """
    target, graphs = _target(maps), []
    for index in range(len(maps)):
        rows, columns = maps.size[index].tolist()
        graph: Any = nx.DiGraph() if maps.structure == "directed" else nx.Graph()
        two_sets = maps.structure == "bipartite"
        graph.add_nodes_from(range(rows), **({"bipartite": 0} if two_sets else {}))
        if two_sets:
            graph.add_nodes_from(range(rows, rows + columns), bipartite=1)
        if maps.row_block is not None:
            nx.set_node_attributes(graph, dict(enumerate(_members(maps, index).tolist())), "member")
        edges = _edges(maps, index, zeros=False)
        if maps.structure == "symmetric":
            edges = np.triu(edges)
        for row, column in np.argwhere(edges).tolist():
            peak = bool(target[index, row, column])
            graph.add_edge(row, column + rows * two_sets, weight=float(maps.values[index, row, column]), peak=peak)
        graphs.append(graph)
    return graphs


def maps_to_sparse(maps: Maps) -> list[csr_array]:
    """Convert each map to a sparse matrix of scipy; entries that are 0 or not observed are not stored.

    Example:
        >>> maps = Maps.from_values([[0.0, 2.0], [5.0, np.nan]], structure="directed")
        >>> maps_to_sparse(maps)[0].nnz
        2
    """
    _check_are_maps(maps)
    found = []
    for index in range(len(maps)):
        rows, columns = maps.size[index].tolist()
        matrix = np.where(_edges(maps, index, zeros=False), maps.values[index], np.float32(0))
        found.append(csr_array(matrix[:rows, :columns]))
    return found


def _check_are_maps(maps: Maps) -> None:
    """Refuse anything but maps."""
    if not isinstance(maps, Maps):
        raise InputError(f"expected Maps, not {type(maps).__name__}: make them with Maps.from_values")


def _observed(maps: Maps) -> npt.NDArray[np.bool_]:
    """Mark the entries that are observed; the diagonal of a symmetric map holds none."""
    _check_are_maps(maps)
    observed = ~np.isnan(maps.values)
    if maps.structure == "symmetric":
        observed &= ~np.eye(maps.n, dtype=np.bool_)
    return observed


def _edges(maps: Maps, index: int, *, zeros: bool) -> npt.NDArray[np.bool_]:
    """Mark the entries of one map that are edges."""
    one = maps[index]
    return np.asarray((_observed(one) & (zeros | (one.values != 0)))[0])


def _members(maps: Maps, index: int) -> npt.NDArray[np.bool_]:
    """Return which nodes of one map are in its block: of a bipartite map rows, then columns."""
    places = [maps.row_place, *([maps.column_place] if maps.structure == "bipartite" else [])]
    return np.asarray(maps.membership[index, np.concatenate(places, axis=1)[index] >= 0])


def _target(maps: Maps) -> npt.NDArray[np.float32]:
    """Return 1 at the peaks, in symmetric maps at both entries, shape ``(M, n, m)``."""
    target = np.zeros(np.shape(_observed(maps)), dtype=np.float32)
    peaks = maps.peaks
    target[peaks.map, peaks.row, peaks.column] = 1
    if maps.structure == "symmetric":
        target[peaks.map, peaks.column, peaks.row] = 1
    return target
