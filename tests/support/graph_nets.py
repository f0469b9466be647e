"""Models of torch_geometric and their symmetry, with and without positional encodings: the table of a document.

``python scripts/refresh_graph_nets.py`` writes ``docs/graph-nets.md`` from these.
"""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import models
from torch_geometric.nn.conv import GCNConv
from torch_geometric.nn.models.tgn import IdentityMessage, LastAggregator
from torch_geometric.transforms import AddLaplacianEigenvectorPE, AddRandomWalkPE
from torch_geometric.utils import sort_edge_index, to_undirected

from gnnmax.auditing.graph_nets.calling import by_name
from gnnmax.report.documents import markdown
from gnnmax.testing import assert_permutation_equivariant, assert_permutation_invariant

PAGE = Path(__file__).parents[2] / "docs" / "graph-nets.md"

NODES, CHANNELS, ENCODED = 9, 6, 3

ENCODINGS = {
    "Laplacian": AddLaplacianEigenvectorPE(ENCODED, attr_name="pe", is_undirected=True),
    "random walk": AddRandomWalkPE(ENCODED, attr_name="pe"),
}


class Model(NamedTuple):
    """A model, and how it is called.

    Attributes:
        name: Its name in ``torch_geometric.nn.models``, and options where they matter.
        law: ``node``: one output for each node; ``graph``, ``edge`` or ``pair``: outputs that stay.
        make: Takes the number of channels, returns the module.
        call: Takes the module and data, returns the output; None fills the parameters by name.
        encodes: Whether it reads node features, which an encoding can be added to.
        why: The reason, where it does not follow its law without an encoding.
    """

    name: str
    law: str
    make: Callable[[int], Any]
    call: Callable[[Any, Data], Any] | None = None
    encodes: bool = True
    why: str = ""


def graph() -> Data:
    """Return a connected graph with the attributes that the models read."""
    rng = np.random.default_rng(0)
    ring = np.stack([np.arange(NODES), np.roll(np.arange(NODES), 1)])
    chords = rng.integers(NODES, size=(2, 5))
    edges = to_undirected(torch.tensor(np.concatenate([ring, chords[:, chords[0] != chords[1]]], axis=1)))
    half = torch.tensor(rng.uniform(0.5, 1.5, size=(NODES, NODES)), dtype=torch.float32)
    weights = (half + half.T)[edges[0], edges[1]]
    return Data(
        x=torch.tensor(rng.normal(size=(NODES, CHANNELS)), dtype=torch.float32),
        edge_index=edges,
        edge_weight=weights,
        edge_attr=torch.stack([weights, weights**2], dim=1),
        pos=torch.tensor(rng.normal(size=(NODES, 3)), dtype=torch.float32),
        z=torch.tensor(rng.integers(1, 9, size=NODES)),
        y=torch.tensor(rng.integers(3, size=NODES)),
        train_mask=torch.tensor(np.arange(NODES) % 3 > 0),
        batch=torch.zeros(NODES, dtype=torch.long),
        pos_edge_index=edges[:, ::2],
        neg_edge_index=edges[:, 1::2],
        edge_label_index=torch.tensor([[0, 3, 5], [4, 8, 1]]),
    )


def near(pos: Any, batch: Any) -> Any:
    """Return all pairs of different nodes and their distances."""
    edges = (~torch.eye(len(pos), dtype=torch.bool)).nonzero().T
    return edges, (pos[edges[0]] - pos[edges[1]]).norm(dim=1)


def residual(c: int) -> Any:
    """Return a residual block of a deep net."""
    return models.DeepGCNLayer(GCNConv(c, c), nn.LayerNorm(c), nn.ReLU(), block="res+", dropout=0.1)


def updated_nodes(c: int) -> Any:
    """Return a layer that updates nodes by the sum of their neighbours' features."""

    class Update(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lin = nn.Linear(2 * c, 4)

        def forward(self, x: Any, edges: Any, edge_attr: Any, u: Any, batch: Any) -> Any:
            total = torch.zeros_like(x).index_add(0, edges[1], x[edges[0]])
            return self.lin(torch.cat([x, total], dim=1))

    return models.MetaLayer(node_model=Update())


def memory(c: int) -> Any:
    """Return a memory of nodes that holds something."""
    module = models.TGNMemory(NODES, 2, 4, 3, IdentityMessage(2, 4, 3), LastAggregator())
    module.memory.normal_()
    return module


def pagerank(data: Data) -> Any:
    """Return personalised PageRank between all nodes, sparse."""
    step = torch.zeros(data.num_nodes, data.num_nodes).index_put(tuple(data.edge_index), torch.tensor(1.0))
    ranks = 0.15 * torch.linalg.inv(torch.eye(len(step)) - 0.85 * step / step.sum(1, keepdim=True))
    places = torch.ones_like(ranks).nonzero().T
    return torch.sparse_coo_tensor(places, ranks.flatten(), ranks.shape, check_invariants=True).coalesce()


def plain(module: Any, data: Data) -> Any:
    """Call a module with node features and edges."""
    return module(data.x, data.edge_index)


class Both(nn.Module):
    """The two encoders of a variational autoencoder."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean, self.deviation = GCNConv(channels, 4), GCNConv(channels, 4)

    def forward(self, x: Any, edge_index: Any) -> Any:
        return self.mean(x, edge_index), self.deviation(x, edge_index)


def shuffled(x: Any, edge_index: Any) -> Any:
    """Put the features on random nodes."""
    return x[torch.randperm(len(x))], edge_index


MODELS = [
    Model("MLP", "node", lambda c: models.MLP([c, 8, 4], norm=None)),
    Model("GCN", "node", lambda c: models.GCN(c, 8, 2, 4)),
    Model("GraphSAGE", "node", lambda c: models.GraphSAGE(c, 8, 2, 4)),
    Model("GraphSAGE (aggr=max)", "node", lambda c: models.GraphSAGE(c, 8, 2, 4, aggr="max")),
    Model(
        "GraphSAGE (aggr=lstm)",
        "node",
        lambda c: models.GraphSAGE(c, 8, 1, aggr="lstm"),
        lambda module, data: module(data.x, sort_edge_index(data.edge_index, sort_by_row=False)),
        why="an LSTM reads neighbours in the order of their numbers",
    ),
    Model("GIN", "node", lambda c: models.GIN(c, 8, 2, 4)),
    Model("GAT", "node", lambda c: models.GAT(c, 8, 2, 4, edge_dim=2)),
    Model(
        "PNA",
        "node",
        lambda c: models.PNA(
            c, 8, 2, 4, aggregators=["mean", "max", "std"], scalers=["identity"], deg=torch.ones(5).long(), edge_dim=2
        ),
    ),
    Model("EdgeCNN", "node", lambda c: models.EdgeCNN(c, 8, 2, 4)),
    Model("GCN (norm=GraphNorm)", "node", lambda c: models.GCN(c, 8, 2, 4, norm="GraphNorm")),
    Model("GCN (jk=lstm)", "node", lambda c: models.GCN(c, 8, 2, 4, jk="lstm")),
    Model(
        "JumpingKnowledge",
        "node",
        lambda c: models.JumpingKnowledge("lstm", c, 2),
        lambda module, data: module([data.x, data.x.tanh()]),
    ),
    Model(
        "MetaLayer",
        "node",
        updated_nodes,
        lambda module, data: module(data.x, data.edge_index, data.edge_attr, None, data.batch)[0],
    ),
    Model("DeepGCNLayer", "node", residual, plain),
    Model(
        "GroupAddRev",
        "node",
        lambda c: models.GroupAddRev(GCNConv(c // 3, c // 3), num_groups=3),
        plain,
    ),
    Model("GraphUNet", "node", lambda c: models.GraphUNet(c, 8, 4, depth=2, pool_ratios=0.5)),
    Model("SignedGCN", "node", lambda c: models.SignedGCN(c, 8, 2)),
    Model("RECT_L", "node", lambda c: models.RECT_L(c, 8)),
    Model(
        "LINKX",
        "node",
        lambda c: models.LINKX(NODES, c, 8, 4, num_layers=2),
        why="it has a weight for each number of a node",
    ),
    Model("PMLP", "node", lambda c: models.PMLP(c, 8, 4, 2)),
    Model("SGFormer", "node", lambda c: models.SGFormer(c, 8, 4)),
    Model("Polynormer", "node", lambda c: models.Polynormer(c, 8, 4)),
    Model(
        "MaskLabel",
        "node",
        lambda c: models.MaskLabel(3, c),
        lambda module, data: module(data.x, data.y, data.train_mask),
    ),
    Model(
        "GAE", "node", lambda c: models.GAE(GCNConv(c, 4)), lambda module, data: module.encode(data.x, data.edge_index)
    ),
    Model(
        "VGAE",
        "node",
        lambda c: models.VGAE(Both(c)),
        lambda module, data: module.encode(data.x, data.edge_index),
    ),
    Model(
        "ARGVA",
        "node",
        lambda c: models.ARGVA(Both(c), nn.Linear(4, 1)),
        lambda module, data: module.encode(data.x, data.edge_index),
    ),
    Model(
        "DeepGraphInfomax",
        "node",
        lambda c: models.DeepGraphInfomax(4, GCNConv(c, 4), lambda z, *_: z.mean(0), lambda x, e: (x.roll(1, 0), e)),
        lambda module, data: module(data.x, data.edge_index)[0],
    ),
    Model(
        "DeepGraphInfomax, with its negatives",
        "node",
        lambda c: models.DeepGraphInfomax(4, GCNConv(c, 4), lambda z, *_: z.mean(0), shuffled),
        lambda module, data: module(data.x, data.edge_index)[:2],
        why="its negatives are drawn at random, in evaluation mode too",
    ),
    Model(
        "LabelPropagation",
        "node",
        lambda c: models.LabelPropagation(3, 0.9),
        lambda module, data: module(data.y, data.edge_index, data.train_mask),
        encodes=False,
    ),
    Model(
        "CorrectAndSmooth",
        "node",
        lambda c: models.CorrectAndSmooth(3, 0.9, 3, 0.9),
        lambda module, data: module(
            data.x[:, :3].softmax(1), data.y[data.train_mask], data.train_mask, data.edge_index
        ),
        encodes=False,
    ),
    Model(
        "TGNMemory",
        "node",
        memory,
        lambda module, data: module(torch.arange(data.num_nodes))[0],
        encodes=False,
        why="it has a memory for each number of a node",
    ),
    Model(
        "LightGCN",
        "pair",
        lambda c: models.LightGCN(NODES, 4, 2),
        lambda module, data: module(data.edge_index, data.edge_label_index),
        encodes=False,
        why="it has an embedding for each number of a node",
    ),
    Model(
        "InnerProductDecoder",
        "pair",
        lambda c: models.InnerProductDecoder(),
        lambda module, data: module(data.x, data.edge_label_index),
    ),
    Model(
        "ARLinkPredictor",
        "pair",
        lambda c: models.ARLinkPredictor(c, 8),
        lambda module, data: module(data.x, data.edge_label_index),
    ),
    Model(
        "LPFormer",
        "pair",
        lambda c: models.LPFormer(c, 8),
        lambda module, data: module(data.edge_label_index, data.x, data.edge_index, pagerank(data)),
    ),
    Model("AttentiveFP", "graph", lambda c: models.AttentiveFP(c, 8, 4, 2, 2, 2)),
    Model("NeuralFingerprint", "graph", lambda c: models.NeuralFingerprint(c, 8, 4, 2)),
    Model("SchNet", "graph", lambda c: models.SchNet(8, 8, 2, 8, interaction_graph=near), encodes=False),
]


NOT_RUN = (
    "DimeNet, DimeNet++, GNNFF, ViSNet, Node2Vec: they need the compiled package pyg-lib",
    "GPSE, RENet, MetaPath2Vec, HeteroJumpingKnowledge: they need pre-computed targets, histories of events, or "
    "several types",
)


def verdict(model: Model, encoding: str = "", *, recomputed: bool = False) -> str:
    """Test the law of a model, with an encoding added to the node features or computed again in every call."""
    data, encode = graph(), ENCODINGS.get(encoding)
    module = seeded(lambda: model.make(CHANNELS + ENCODED * bool(encode)))
    module.eval()
    fill = model.call or (lambda module, data: by_name(module)(data))
    if encode and not recomputed:
        data.x = torch.cat([data.x, encoded(data, encode)], dim=1)

    def call(given: Data) -> Any:
        if encode and recomputed:
            given.x = torch.cat([given.x, encoded(given, encode)], dim=1)
        return fill(module, given)

    moves = model.law == "node"
    try:
        (assert_permutation_equivariant if moves else assert_permutation_invariant)(module, data, call=call)
    except AssertionError as fault:
        return "stochastic" if "stochastic" in str(fault) else "**neither**"
    return "equivariant" if moves else "invariant"


def encoded(data: Data, encode: Any) -> Any:
    """Return an encoding of the graph; its random signs are those of a fixed seed."""
    bare = Data(edge_index=data.edge_index, edge_weight=data.edge_weight, num_nodes=data.num_nodes)
    return seeded(lambda: encode(bare).pe).float()


def seeded(make: Callable[[], Any]) -> Any:
    """Make something with the random state of a fixed seed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return make()


def row(model: Model) -> list[str]:
    """Return the verdicts of a model."""
    cells = [
        verdict(model, name, recomputed=recomputed) if model.encodes else "-"
        for name in ENCODINGS
        for recomputed in (False, True)
    ]
    return [model.name, OUTPUTS[model.law], verdict(model), *cells, model.why]


def page() -> str:
    """Write the page."""
    header = ["model", "one output for each", "no encoding"]
    header += [f"{name}, {how}" for name in ENCODINGS for how in ("carried", "recomputed")]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse")
        rows = [row(model) for model in MODELS]
    return TEXT.format(
        table=markdown([[*header, "why"], *rows]),
        count=len(MODELS),
        not_run="\n".join(f"- {line}." for line in NOT_RUN),
    )


OUTPUTS = {"node": "node", "pair": "given pair of nodes", "graph": "graph"}

TEXT = """# Graph nets and the numbers of nodes

{count} models of `torch_geometric.nn.models`. The law of an output for each node: it moves with the nodes
(`assert_permutation_equivariant`). The law of an output for each graph, or for given pairs of nodes: it stays
(`assert_permutation_invariant`). `python scripts/refresh_graph_nets.py` writes this page.

## What was tested

- Random weights, evaluation mode, float64. One connected graph with 9 nodes, 6 node features and weighted edges in both
  directions, numbered in 5 random orders. Everything that refers to nodes follows; `edge_index` is sorted again.
- **equivariant**, **invariant**: no output differs by more than 1e-5 of the spread of its channel.
- **neither**: an output does. One graph refutes a symmetry; none proves it.
- **stochastic**: two calls on the same graph differ, so no symmetry can be tested.

## Positional encodings

- *Laplacian*: `AddLaplacianEigenvectorPE`, the first 3 eigenvectors after the constant one. *Random walk*:
  `AddRandomWalkPE`, the probabilities to be back after 1 to 3 steps. Both are put beside the node features.
- *Carried*: computed once, before the renumbering, and moved with the nodes like any feature. This tests the net alone.
- *Recomputed*: computed in every call, after the renumbering. This tests encoding and net together.

An eigenvector has an arbitrary sign, and eigenvectors of equal eigenvalues have an arbitrary basis. The choice of the
solver depends on the numbers of the nodes. A recomputed Laplacian encoding therefore breaks the law of every net here
that reads it, except `InnerProductDecoder`: an inner product is the same when a vector changes its sign.
`AddLaplacianEigenvectorPE` also multiplies each vector by a random sign. Here these signs come from a fixed seed; with
free signs two calls on the same graph differ. The random-walk encoding is a function of the graph that moves with its
nodes. It breaks nothing, carried or recomputed.

## Verdicts

{table}

Not run:

{not_run}

The tests run the table. For your own net see [the assertions](audit.md#in-your-own-tests).
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
