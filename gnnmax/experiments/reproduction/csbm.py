"""The Bayes gap of graph nets: two groups that a sparse graph and features show, by nets and by optimal inference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GATv2Conv, GCNConv, SAGEConv

from gnnmax.errors import InputError
from gnnmax.experiments.reproduction.cells import CellOptions, Cells, Key
from gnnmax.experiments.reproduction.csbm_figure import draw_csbm
from gnnmax.experiments.reproduction.fitting import fit
from gnnmax.experiments.reproduction.outcome import Figure, Outcome, Progress, mean_and_error
from gnnmax.models.graphs.generated_files import remove_generated_files
from gnnmax.models.seeding import torch_seed
from gnnmax.task.claims import Check
from gnnmax.task.context_blocks import ContextBlocks, bp_amp, draw_context_blocks
from gnnmax.task.context_limits import sparse_context_limit
from gnnmax.training.threads import one_thread

__all__ = ["ContextNet", "csbm"]

STRENGTHS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Graph strengths lam."""

SETTING = {"degree": 5.0, "feature_strength": 2.0, "known": 0.1}
"""Mean degree d, feature strength mu, and share of the nodes whose group is given."""

NODES_PER_FEATURE = 10
"""N / P."""

NODES, QUICK_NODES = 4_000, 1_000

UNSUPERVISED = ((0.3, 1.5), (1.2, 2.0))
"""Graph and feature strengths below and above lam^2 + mu^2 / (N / P) = 1, measured without a known node."""

NETS = ("features alone", "gcn", "sage", "gat")
"""The nets: two layers each; ``features alone`` reads no graph."""

STEPS, LEARNING_RATE, WEIGHT_DECAY, WIDTH, DROPOUT = 120, 0.01, 0.05, 32, 0.5

VERSION = 1
"""Version of the measurement: increased when a cell of the same key would change."""


class ContextNet(nn.Module):
    """Two layers of torch_geometric on one graph, and the logarithmic odds of a node's group.

    Args:
        kind: One of :data:`NETS`.
        features: Number of features of a node.
        edges: Both directions of each edge, shape ``(2, E)``.

    References:
        Kipf and Welling, ICLR 2017 (GCN); Hamilton, Ying and Leskovec, NeurIPS 2017 (SAGE); Brody, Alon and Yahav, ICLR
        2022 (GAT); Fey and Lenssen, "Fast Graph Representation Learning with PyTorch Geometric", ICLR workshop 2019.

    Example:
        >>> net = ContextNet("gcn", features=3, edges=torch.tensor([[0, 1], [1, 0]]))
        >>> net(torch.rand(2, 3)).shape
        torch.Size([2])
    """

    def __init__(self, kind: str, *, features: int, edges: Tensor) -> None:
        super().__init__()
        self.edges = None if kind == "features alone" else edges
        self.first, self.last = _layer(kind, features, WIDTH), _layer(kind, WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return logarithmic odds ``(N,)`` of nodes with features ``(N, P)``."""
        hidden = functional.relu(self._through(self.first, functional.dropout(features, DROPOUT, self.training)))
        return self._through(self.last, functional.dropout(hidden, DROPOUT, self.training))[:, 0]

    def _through(self, layer: nn.Module, values: Tensor) -> Tensor:
        found: Tensor = layer(values) if self.edges is None else layer(values, self.edges)
        return found


def _layer(kind: str, inputs: int, outputs: int) -> nn.Module:
    if kind == "features alone":
        return nn.Linear(inputs, outputs)
    layers = {"gcn": GCNConv, "sage": SAGEConv, "gat": GATv2Conv}
    layer: nn.Module = layers[kind](inputs, outputs)
    remove_generated_files(layer)
    return layer


@dataclass(frozen=True)
class _Graph:
    """One graph, drawn when it is needed first."""

    nodes: int
    seed: int
    graph_strength: float
    feature_strength: float
    known: float

    @cached_property
    def blocks(self) -> ContextBlocks:
        return draw_context_blocks(
            np.random.default_rng((self.seed, int(100 * self.graph_strength))),
            self.nodes,
            features=self.nodes // NODES_PER_FEATURE,
            degree=SETTING["degree"],
            graph_strength=self.graph_strength,
            feature_strength=self.feature_strength,
            known=self.known,
        )

    def bayes(self) -> float:
        """Return the accuracy of BP-AMP."""
        return self.blocks.accuracy(bp_amp(self.blocks))

    def net(self, kind: str) -> float:
        """Train a net on the nodes of known group, and return its accuracy on the others."""
        blocks = self.blocks
        features, known = torch.from_numpy(blocks.features), torch.from_numpy(blocks.known)
        target = torch.from_numpy((blocks.group > 0).astype(np.float32))
        with torch_seed(self.seed), one_thread():
            net = ContextNet(kind, features=features.shape[1], edges=torch.from_numpy(blocks.edges))
            fit(
                net,
                lambda: (features, target[known]),
                lambda odds, wanted: functional.binary_cross_entropy_with_logits(odds[known], wanted),
                steps=STEPS,
                learning_rate=LEARNING_RATE,
                weight_decay=WEIGHT_DECAY,
            )
            with torch.no_grad():
                return blocks.accuracy(net(features).numpy())


def csbm(seeds: Sequence[int], on_progress: Progress, options: CellOptions) -> Outcome:
    """Compare graph nets with BP-AMP on the contextual stochastic block model, semi-supervised, on one graph.

    A net is trained on the known nodes of the very graph, as usual in node classification. It is not given the
    strengths, which BP-AMP is. The limit of BP-AMP for large N is computed without a graph, by population dynamics.

    Cost: 15 seconds a seed at N = 4,000, and 15 seconds for the limits.

    References:
        Duranthon and Zdeborova, "Optimal Inference in Contextual Stochastic Block Models", TMLR 2024.
    """
    sizes = options.sizes or ((QUICK_NODES,) if options.quick else (NODES,))
    if len(sizes) != 1 or not 200 <= sizes[0] <= 100_000:
        raise InputError(f"the table csbm has one size, from 200 to 100000 nodes, not {list(sizes)}")
    if options.nets is not None:
        raise InputError("the table csbm has all its nets: leave out nets")
    nodes, cells = sizes[0], Cells(options.folder)
    rows: list[dict[str, Figure]] = []
    for done, strength in enumerate(STRENGTHS):
        rows.extend(_rows(nodes, strength, seeds, cells))
        on_progress(done + 1, len(STRENGTHS) + 1)
    alone = [_unsupervised(nodes, *both, seeds, cells) for both in UNSUPERVISED]
    on_progress(len(STRENGTHS) + 1, len(STRENGTHS) + 1)
    return Outcome(
        f"Accuracy on nodes of unknown group, {nodes:,} nodes, {nodes // NODES_PER_FEATURE:,} features, d = 5, mu = 2, "
        f"a tenth known, {len(seeds)} graphs",
        "the limit of BP-AMP for large N, by population dynamics",
        tuple(rows),
        tuple(_checks(rows, alone, len(seeds) * nodes * (1 - SETTING["known"]))),
        draw_csbm,
        note=cells.cost,
    )


def _measured(cells: Cells, graph: _Graph, scorer: str) -> float:
    key: Key = {
        "table": "csbm",
        "version": VERSION,
        "n": graph.nodes,
        "seed": graph.seed,
        "graph": graph.graph_strength,
        "features": graph.feature_strength,
        "known": graph.known,
        "scorer": scorer,
    }
    return cells.measured(key, graph.bayes if scorer == "bp-amp" else lambda: graph.net(scorer))


def _limit(cells: Cells, strength: float) -> float:
    """Return the accuracy of BP-AMP for large N."""
    mu, degree, known = SETTING["feature_strength"], SETTING["degree"], SETTING["known"]
    fields: Key = {"graph": strength, "features": mu, "degree": degree, "known": known, "N / P": NODES_PER_FEATURE}
    return cells.measured(
        {"table": "csbm", "version": VERSION, "limit": "sparse", **fields},
        lambda: sparse_context_limit(strength, mu, degree=degree, nodes_per_feature=NODES_PER_FEATURE, known=known),
    )


def _rows(nodes: int, strength: float, seeds: Sequence[int], cells: Cells) -> list[dict[str, Figure]]:
    """Return one row a scorer."""
    mu, known = SETTING["feature_strength"], SETTING["known"]
    graphs = [_Graph(nodes, seed, strength, mu, known) for seed in seeds]
    found = {name: [_measured(cells, graph, name) for graph in graphs] for name in ("bp-amp", *NETS)}
    limit = _limit(cells, strength)
    rows: list[dict[str, Figure]] = []
    for name, accuracies in found.items():
        gap, gap_error = mean_and_error([best - own for best, own in zip(found["bp-amp"], accuracies, strict=True)])
        accuracy, error = mean_and_error(accuracies)
        rows.append(
            {
                "lam": strength,
                "scorer": name,
                "accuracy": accuracy,
                "s.e.": error,
                "Bayes gap": gap,
                "its s.e.": gap_error,
                "limit": limit,
            }
        )
    return rows


def _unsupervised(
    nodes: int, graph_strength: float, feature_strength: float, seeds: Sequence[int], cells: Cells
) -> float:
    """Return the mean accuracy of BP-AMP without a known node."""
    graphs = [_Graph(nodes, seed, graph_strength, feature_strength, 0.0) for seed in seeds]
    return float(np.mean([_measured(cells, graph, "bp-amp") for graph in graphs]))


def _errors_off(row: dict[str, Figure], unknown: float) -> float:
    """Return how many standard errors BP-AMP is from its limit.

    The standard error is at least that of as many independent nodes, and at least a quarter of a point.
    """
    accuracy = float(row["accuracy"])
    error = max(float(row["s.e."]), math.sqrt(accuracy * (1 - accuracy) / unknown))
    return abs(accuracy - float(row["limit"])) / max(error, 0.01 / 4)


def _checks(rows: Sequence[dict[str, Figure]], alone: Sequence[float], unknown: float) -> list[Check]:
    bayes = {float(row["lam"]): row for row in rows if row["scorer"] == "bp-amp"}
    nets = [row for row in rows if row["scorer"] != "bp-amp"]
    far, worst = max((_errors_off(row, unknown), strength) for strength, row in bayes.items())
    off = float(bayes[worst]["accuracy"]) - float(bayes[worst]["limit"])
    ahead = max(-float(row["Bayes gap"]) / max(float(row["its s.e."]), 1e-9) for row in nets)
    gaps = {
        name: [float(row["Bayes gap"]) for row in nets if row["scorer"] == name and float(row["lam"]) >= 1]
        for name in NETS
    }
    least = min(min(own) for own in gaps.values())
    widest = max(max(own) for name, own in gaps.items() if name != NETS[0])
    graph = [max(float(row["accuracy"]) for row in nets if row["lam"] == strength) for strength in STRENGTHS]
    blind = [float(row["accuracy"]) for row in nets if row["scorer"] == "features alone"]
    return [
        Check(
            "BP-AMP is at its limit for large N at every lam, within a point or 4 standard errors",
            far <= 4,
            f"farthest {off:+.4f} at lam = {worst:g}",
        ),
        Check(
            "without a known node BP-AMP is at chance below lam^2 + mu^2 / (N / P) = 1, and not above it",
            alone[0] < 0.53 and alone[1] > 0.65,
            f"{alone[0]:.3f} and {alone[1]:.3f}",
        ),
        Check("no net passes BP-AMP by 4 standard errors", not ahead >= 4, f"at most {ahead:.1f}"),
        Check(
            "where the graph matters, lam = 1 and more, every net is 3 points and more below BP-AMP",
            least > 0.03,
            f"at least {least:.3f}; at most {widest:.3f}, by a net that reads the graph",
        ),
        Check(
            "a graph net gains from a strong graph, a net on features alone does not",
            graph[-1] - graph[0] > 0.1 and abs(blind[-1] - blind[0]) < 0.1,
            f"{graph[-1] - graph[0]:+.3f} and {blind[-1] - blind[0]:+.3f}",
        ),
    ]
