"""Weighted host graphs, drawn and stored as compressed sparse rows, against networkx's generators."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import networkx as nx
import numpy as np
from scipy.sparse import csr_array

from benchmarks.rows import Row, Setting, Target
from benchmarks.timing import Lane, race
from gnnmax.data.hosts.families import BarabasiAlbert, ErdosRenyi, RandomGeometric, StochasticBlockModel, WattsStrogatz
from gnnmax.data.hosts.weights import Uniform, sample_weights

__all__ = ["ROWS"]

DEGREE = 20
"""Mean degree of every host."""

BLOCKS = 4

Drawable = ErdosRenyi | BarabasiAlbert | WattsStrogatz | StochasticBlockModel | RandomGeometric


def pair(family: str, n: int) -> tuple[Drawable, Callable[[int], nx.Graph]]:
    """Return a family and the fastest networkx generator of the same one, called with a seed."""
    share = DEGREE / n
    radius = math.sqrt(share / math.pi)
    inside, between = 2.5 * share, 0.5 * share
    chances = [[inside if a == b else between for b in range(BLOCKS)] for a in range(BLOCKS)]
    half = DEGREE // 2
    pairs: dict[str, tuple[Drawable, Callable[[int], nx.Graph]]] = {
        "Erdos-Renyi": (
            ErdosRenyi(nodes=n, probability=share),
            lambda seed: nx.fast_gnp_random_graph(n, share, seed=seed),
        ),
        "Barabasi-Albert": (
            BarabasiAlbert(nodes=n, attachments=half),
            lambda seed: nx.barabasi_albert_graph(n, half, seed=seed),
        ),
        "Watts-Strogatz": (
            WattsStrogatz(nodes=n, degree=DEGREE, rewiring=0.2),
            lambda seed: nx.watts_strogatz_graph(n, DEGREE, 0.2, seed=seed),
        ),
        "block model": (
            StochasticBlockModel(nodes=n, blocks=BLOCKS, inside=inside, between=between),
            lambda seed: nx.stochastic_block_model([n // BLOCKS] * BLOCKS, chances, seed=seed),
        ),
        "geometric": (
            RandomGeometric(nodes=n, radius=radius),
            lambda seed: nx.random_geometric_graph(n, radius, seed=seed),
        ),
    }
    return pairs[family]


def drawn(family: str, n: int, name: str, setting: Setting) -> Row:
    """Time one family at one size."""
    ours, theirs = pair(family, setting.size(n, 100))
    rng, seeds = np.random.default_rng(0), iter(range(10**9))

    def sample() -> object:
        host = ours.sample(rng)
        weights = sample_weights(Uniform(), len(host.edges), rng)
        u, v = host.edges.T
        places = np.concatenate([u, v]), np.concatenate([v, u])
        return csr_array((np.concatenate([weights, weights]), places), shape=(host.nodes, host.nodes))

    def networkx_way() -> object:
        graph = theirs(next(seeds))
        for _, _, edge in graph.edges(data=True):
            edge["weight"] = rng.random()
        return nx.to_scipy_sparse_array(graph, format="csr")

    target = Target("speed", 5.0 if n >= 1_000 else None)
    return race(name, Lane("ours", sample), Lane("networkx", networkx_way), "host", target, setting)


FAMILIES = ("Erdos-Renyi", "Barabasi-Albert", "Watts-Strogatz", "block model", "geometric")

ROWS: dict[str, Callable[[str, Setting], Row]] = {
    f"host: {family}, n = {n:,}": partial(drawn, family, n) for family in FAMILIES for n in (200, 1_000, 5_000)
}
