"""Message passing with layers of torch_geometric on the rooted bipartite window, sparse or dense."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.encoding import centre_mark, encode
from gnnmax.models.entry import Encoding, Form, Mark
from gnnmax.models.graphs.bipartite import bipartite_edges
from gnnmax.models.graphs.generated_files import remove_generated_files
from gnnmax.models.graphs.layers import LAYERS

__all__ = ["MessagePassingNet"]


@lru_cache(maxsize=32)
def _edges_of_batch(batch: int, k: int, device: torch.device) -> Tensor:
    """Return the edges of several windows as one graph, shape ``(2, B * 2 * k * k)``."""
    shifts = 2 * k * torch.arange(batch, device=device)
    return (bipartite_edges(k, device)[:, None] + shifts[:, None]).flatten(1)


class MessagePassingNet(nn.Module):
    """Rows and columns are nodes, entries edges with features; a layer of torch_geometric passes the messages.

    Exactly invariant to relabelling rows and columns around the mark. Rows and columns share the weights, so that it is
    also invariant to transposition, unless the mark distinguishes rows from columns.

    The sparse form gives the layer one graph of all windows, as torch_geometric's loaders do; the dense form computes
    the same result from the same weights without indices, and is faster.

    Cost: ``O(rounds * k^2 * width^2)`` per window.

    Args:
        layer: A key of :data:`gnnmax.models.graphs.layers.LAYERS`.
        width: Features of a node and of an edge.
        rounds: Rounds of message passing.
        heads: Attention heads, a divisor of the width; layers without attention ignore it.
        mark: Which part of the centre is marked.
        encoding: How the values are encoded.
        form: ``dense`` or ``sparse``; the weights are the same.

    References:
        Fey, Lenssen, "Fast Graph Representation Learning with PyTorch Geometric", ICLR workshop 2019. Zhang et al.,
        "Labeling Trick", NeurIPS 2021: the marks. For the layers see :mod:`gnnmax.models.graphs.layers`.

    Example:
        >>> net, windows = MessagePassingNet("gine", width=8), torch.rand(3, 5, 5)
        >>> twin = MessagePassingNet("gine", width=8, form="sparse")
        >>> _ = twin.load_state_dict(net.state_dict())
        >>> bool((net(windows) - twin(windows)).abs().max() < 1e-5)
        True
    """

    def __init__(
        self,
        layer: str,
        *,
        width: int = 16,
        rounds: int = 2,
        heads: int = 1,
        mark: Mark = "both",
        encoding: Encoding = "standard",
        form: Form = "dense",
    ) -> None:
        super().__init__()
        self.mark, self.encoding, self.form = mark, encoding, form
        self.dense = LAYERS[layer].dense
        self.embed_edge = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width))
        self.embed_node = nn.Embedding(2, width)
        self.rounds = nn.ModuleList(LAYERS[layer].build(width, heads) for _ in range(rounds))
        for built in self.rounds:
            remove_generated_files(built)
        seen = {"both": 4, "row": 3, "none": 2}[mark]
        self.head = nn.Sequential(nn.Linear(seen * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        encoded = encode(values, self.encoding)
        mark = centre_mark(encoded) if self.mark == "both" else torch.zeros_like(encoded)
        entries = self.embed_edge(torch.stack([encoded, mark], dim=-1))  # (B, k, k, H)
        edges = torch.stack([entries, entries.transpose(1, 2)], dim=1)  # (B, 2, k, k, H)
        nodes = self._start(len(values), values.shape[-1], values.device)
        for layer in self.rounds:
            nodes = nodes + functional.relu(self._pass_messages(layer, nodes, edges))
        logits: Tensor = self.head(self._read_out(nodes, entries))
        return logits.squeeze(1)

    def _start(self, batch: int, k: int, device: torch.device) -> Tensor:
        """Return the initial nodes, ``(B, 2, k, H)``: they differ by the mark alone."""
        marked = torch.zeros(2, k, dtype=torch.long, device=device)
        marked[: {"both": 2, "row": 1, "none": 0}[self.mark], k // 2] = 1
        nodes: Tensor = self.embed_node(marked)
        return nodes.expand(batch, -1, -1, -1)

    def _pass_messages(self, layer: nn.Module, nodes: Tensor, edges: Tensor) -> Tensor:
        """Pass messages once, in the chosen form."""
        if self.form == "dense":
            return self.dense(layer, nodes, edges)
        batch, _, k, _ = nodes.shape
        passed: Tensor = layer(nodes.flatten(0, 2), _edges_of_batch(batch, k, nodes.device), edges.flatten(0, 3))
        return passed.view_as(nodes)

    def _read_out(self, nodes: Tensor, entries: Tensor) -> Tensor:
        """Read out a graph: its marked nodes and entry, and pools over its nodes."""
        middle = nodes.shape[2] // 2
        every = nodes.flatten(1, 2)
        parts = [every.amax(dim=1), every.mean(dim=1)]
        if self.mark != "none":
            parts.append(nodes[:, 0, middle] + nodes[:, 1, middle] if self.mark == "both" else nodes[:, 0, middle])
        if self.mark == "both":
            parts.append(entries[:, middle, middle])
        return torch.cat(parts, dim=1)
