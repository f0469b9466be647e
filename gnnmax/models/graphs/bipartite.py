"""The window as a rooted bipartite graph: row nodes, column nodes, entries as weighted edges, the centre marked."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing

from gnnmax.models.encoding import centre_mark, encode
from gnnmax.models.entry import Encoding
from gnnmax.models.graphs.bipartite_scoring import score_side_by_side
from gnnmax.models.graphs.generated_files import remove_generated_files
from gnnmax.models.graphs.side_by_side import applies

__all__ = ["BipartiteNet", "Exchange", "bipartite_edges", "centre_nodes", "readout"]


@lru_cache(maxsize=32)
def bipartite_edges(k: int, device: torch.device) -> Tensor:
    """Return the directed edges of the complete bipartite graph of a window, sorted by target.

    Nodes ``0 .. k - 1`` are the rows, ``k .. 2k - 1`` the columns. The first ``k * k`` edges point to rows and carry
    the entries in row-major order; the others point to columns and carry them in column-major order. So every node is
    the target of ``k`` consecutive edges. One template serves every batch.

    Returns:
        Sources and targets, shape ``(2, 2 * k * k)``, int64. Shared: do not write to it.

    Example:
        >>> bipartite_edges(3, torch.device("cpu"))[:, :4]
        tensor([[3, 4, 5, 3],
                [0, 0, 0, 1]])
    """
    outer = torch.arange(k, device=device).repeat_interleave(k)
    inner = torch.arange(k, device=device).repeat(k)
    sources, targets = torch.cat([inner + k, inner]), torch.cat([outer, outer + k])
    return torch.stack([sources, targets])  # (2, 2kk)


class Exchange(MessagePassing):  # type: ignore[misc]  # torch_geometric is not typed
    """One round: entries send messages in both directions with shared weights, nodes gather, entries read both ends.

    Args:
        width: Features of a node and of an entry.
    """

    def __init__(self, width: int) -> None:
        super().__init__(aggr=None, node_dim=-2)
        remove_generated_files(self)
        self.send_entry = nn.Linear(width, width)
        self.send_node = nn.Linear(width, width, bias=False)
        self.gather = nn.Linear(3 * width, width)
        self.read_entry = nn.Linear(width, width)
        self.read_node = nn.Linear(width, width, bias=False)
        self.write_entry = nn.Linear(width, width)

    def forward(self, nodes: Tensor, entries: Tensor) -> tuple[Tensor, Tensor]:
        """Update the nodes ``(B, 2k, H)``, rows first, and the entries ``(B, k, k, H)``."""
        k = entries.shape[1]
        sent = self.send_entry(entries)
        sent = torch.cat([sent.flatten(1, 2), sent.transpose(1, 2).flatten(1, 2)], dim=1)  # (B, 2kk, H)
        edges = bipartite_edges(k, nodes.device)
        gathered = self.propagate(edges, node=self.send_node(nodes), entry=sent)  # (B, 2k, 2H)
        nodes = nodes + functional.relu(self.gather(torch.cat([nodes, gathered], dim=-1)))
        ends = self.read_node(nodes)
        ends = ends[:, :k, None] + ends[:, None, k:]  # (B, k, k, H)
        change = self.write_entry(functional.relu(self.read_entry(entries) + ends))
        return nodes, entries + change

    def message(self, node_j: Tensor, entry: Tensor) -> Tensor:
        """Combine the sending node and the entry into messages, shape ``(B, 2kk, H)``."""
        return functional.relu(node_j + entry)

    def aggregate(self, inputs: Tensor, index: Tensor, dim_size: int | None = None) -> Tensor:
        """Reduce by maximum and mean, shape ``(B, 2k, 2H)``.

        The ``k`` edges of a node are consecutive, so a reshape replaces the scatter.
        """
        assert dim_size is not None
        sides = inputs.view(len(inputs), dim_size, -1, inputs.shape[-1])  # (B, 2k, k, H)
        return torch.cat([sides.amax(dim=-2), sides.mean(dim=-2)], dim=-1)


class BipartiteNet(nn.Module):
    """Message passing on the window as a rooted, complete bipartite graph.

    ``k`` row nodes, ``k`` column nodes, one weighted edge per entry; the centre's edge and its two end nodes are
    marked. Exactly invariant to relabelling rows and columns around the centre and to transposition, for every ``k``:
    all entries, both directions, and rows and columns share the weights, and every reduction is a maximum or a mean.
    Means are exact up to rounding, because the order of their sums changes.

    Cost: ``O(rounds * k^2 * width^2)`` per window.

    Args:
        width: Features of a node and of an entry.
        rounds: Rounds of message passing.
        encoding: How the values are encoded.

    References:
        Fey, Lenssen, "Fast Graph Representation Learning with PyTorch Geometric", ICLR workshop 2019: ``propagate``.
        Battaglia et al., "Relational inductive biases, deep learning, and graph networks", 2018: edge and node updates.
        Hartford, Graham, Leyton-Brown, Ravanbakhsh, "Deep Models of Interactions Across Sets", ICML 2018: the symmetry
        group, here reduced by the centre's mark (Zhang et al., "Labeling Trick", NeurIPS 2021).

    Example:
        >>> net = BipartiteNet(width=8, rounds=1)
        >>> window = torch.rand(1, 5, 5)
        >>> order = torch.tensor([4, 0, 2, 1, 3])
        >>> bool((net(window[:, order].mT) - net(window)).abs() < 1e-5)
        True
    """

    def __init__(self, *, width: int = 16, rounds: int = 2, encoding: Encoding = "standard") -> None:
        super().__init__()
        self.encoding = encoding
        self.embed_entry = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width))
        self.embed_node = nn.Embedding(2, width)
        self.rounds = nn.ModuleList(Exchange(width) for _ in range(rounds))
        self.head = nn.Sequential(nn.Linear(6 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        batch, k = values.shape[:2]
        encoded, mark = encode(values, self.encoding), centre_mark(values)
        plain = all(type(exchange) is Exchange for exchange in self.rounds)  # a subclass may send other messages
        if plain and applies(self, values):
            return score_side_by_side(self, encoded, mark)
        seen = torch.stack([encoded, mark], dim=-1)
        entries = self.embed_entry(seen)  # (B, k, k, H)
        nodes = self.embed_node(centre_nodes(k, values.device)).expand(batch, -1, -1)  # (B, 2k, H)
        for exchange in self.rounds:
            nodes, entries = exchange(nodes, entries)
        logits: Tensor = self.head(readout(nodes, entries))
        return logits.squeeze(1)


def centre_nodes(k: int, device: torch.device) -> Tensor:
    """Return ones for the two nodes that meet in the centre entry and zeros for the others, shape ``(2k,)``, int64.

    Example:
        >>> centre_nodes(3, torch.device("cpu"))
        tensor([0, 1, 0, 0, 1, 0])
    """
    is_root = torch.zeros(2 * k, dtype=torch.long, device=device)
    is_root[[k // 2, k + k // 2]] = 1
    return is_root


def readout(nodes: Tensor, entries: Tensor) -> Tensor:
    """Read out a rooted graph: its centre entry, the centre's two ends, and pools; shape ``(B, 6H)``."""
    k = entries.shape[1]
    middle = k // 2
    entries = functional.relu(entries.flatten(1, 2))  # (B, kk, H)
    parts = [entries[:, k * k // 2], nodes[:, middle] + nodes[:, k + middle]]
    for features in (entries, nodes):
        parts += [features.amax(dim=1), features.mean(dim=1)]
    return torch.cat(parts, dim=1)
