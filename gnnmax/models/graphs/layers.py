"""Layers of torch_geometric, each with a dense form: the same layer on a complete bipartite graph, without indices.

A dense form uses the weights of the layer itself. Every node has ``k`` neighbours, so gathering along edges is
broadcasting, and scattering is a reduction over an axis.

References:
    Hu et al., "Strategies for Pre-training Graph Neural Networks", ICLR 2020: GINE. Brody, Alon, Yahav, "How Attentive
    are Graph Attention Networks?", ICLR 2022: GATv2. Corso et al., "Principal Neighbourhood Aggregation for Graph
    Nets", NeurIPS 2020: PNA. Shi et al., "Masked Label Prediction", IJCAI 2021: the graph transformer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GATv2Conv, GINEConv, MessagePassing, PNAConv, TransformerConv

__all__ = ["LAYERS", "GraphLayer"]

Dense = Callable[[Any, Tensor, Tensor], Tensor]
"""Maps a layer, nodes ``(B, 2, k, H)``, rows first, and edges ``(B, 2, k, k, H)`` by target and source to new nodes."""


@dataclass(frozen=True)
class GraphLayer:
    """A layer of torch_geometric in both forms.

    Attributes:
        build: Makes the layer from the features of a node (and of an edge) and the number of heads.
        dense: Its dense form.
    """

    build: Callable[[int, int], MessagePassing]
    dense: Dense


def _build_gine(width: int, _heads: int) -> MessagePassing:
    update = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
    return GINEConv(update, train_eps=True, edge_dim=width)


def _gine(layer: GINEConv, nodes: Tensor, edges: Tensor) -> Tensor:
    messages = functional.relu(_senders(nodes) + layer.lin(edges))  # (B, 2, k, k, H)
    updated: Tensor = layer.nn(messages.sum(dim=3) + (1 + layer.eps) * nodes)
    return updated


def _build_gatv2(width: int, heads: int) -> MessagePassing:
    return GATv2Conv(width, width // heads, heads=heads, edge_dim=width, add_self_loops=False)


def _gatv2(layer: GATv2Conv, nodes: Tensor, edges: Tensor) -> Tensor:
    sent = _senders(layer.lin_l(nodes))
    attention = sent + layer.lin_r(nodes)[:, :, :, None] + layer.lin_edge(edges)
    attention = functional.leaky_relu(attention, layer.negative_slope)
    logits = (_by_head(attention, layer.heads) * layer.att[0]).sum(dim=-1)  # (B, 2, k, k, heads)
    gathered: Tensor = _attend(logits, sent) + layer.bias
    return gathered


def _build_transformer(width: int, heads: int) -> MessagePassing:
    return TransformerConv(width, width // heads, heads=heads, edge_dim=width)


def _transformer(layer: TransformerConv, nodes: Tensor, edges: Tensor) -> Tensor:
    along_edges = layer.lin_edge(edges)
    keys = _by_head(_senders(layer.lin_key(nodes)) + along_edges, layer.heads)
    queries = _by_head(layer.lin_query(nodes), layer.heads)[:, :, :, None]
    logits = (queries * keys).sum(dim=-1) / layer.out_channels**0.5
    skipped: Tensor = layer.lin_skip(nodes)
    return _attend(logits, _senders(layer.lin_value(nodes)) + along_edges) + skipped


def _build_pna(width: int, _heads: int) -> MessagePassing:
    # Every node has the same degree, so the degree scalers are left out.
    degrees = torch.tensor([0, 1], device="cpu")  # read as numbers, also under another default device
    return PNAConv(width, width, ["mean", "min", "max", "std"], ["identity"], degrees, edge_dim=width)


def _pna(layer: PNAConv, nodes: Tensor, edges: Tensor) -> Tensor:
    ((before,),), ((after,),) = layer.pre_nns, layer.post_nns
    own, other, along = before.weight.chunk(3, dim=1)
    messages = functional.linear(nodes, own, before.bias)[:, :, :, None] + _senders(functional.linear(nodes, other))
    messages = messages + functional.linear(layer.edge_encoder(edges), along)  # (B, 2, k, k, H)
    mean = messages.mean(dim=3)
    deviation = (messages.square().mean(dim=3) - mean.square()).clamp(min=1e-5).sqrt()
    deviation = deviation.masked_fill(deviation <= 1e-5**0.5, 0.0)
    gathered = torch.cat([nodes, mean, messages.amin(dim=3), messages.amax(dim=3), deviation], dim=-1)
    updated: Tensor = layer.lin(after(gathered))
    return updated


def _senders(nodes: Tensor) -> Tensor:
    """Return the nodes of the other side, by source: ``(B, 2, k, H)`` to ``(B, 2, 1, k, H)``."""
    return nodes.flip(1)[:, :, None]


def _by_head(features: Tensor, heads: int) -> Tensor:
    return features.view(*features.shape[:-1], heads, -1)


def _attend(logits: Tensor, sent: Tensor) -> Tensor:
    """Average the messages by source with the attention weights of each target: ``(B, 2, k, H)``."""
    weights = logits.softmax(dim=3)  # (B, 2, k, k, heads)
    return (weights.unsqueeze(-1) * _by_head(sent, logits.shape[-1])).sum(dim=3).flatten(-2)


LAYERS: dict[str, GraphLayer] = {
    "gine": GraphLayer(_build_gine, _gine),
    "gatv2": GraphLayer(_build_gatv2, _gatv2),
    "pna": GraphLayer(_build_pna, _pna),
    "graph-transformer": GraphLayer(_build_transformer, _transformer),
}
"""Layers by the names of their nets in the registry."""
