"""Windows cut from host graphs: contiguous tiles of an Erdos-Renyi host, many windows per host.

"Values" is hosts, weights, subgraphs, centres and the tiles themselves; "tiles" is the cutting alone, from an existing
host around given centres, as the peers do on fewer windows. "Whole" is :func:`gnnmax.build`: a planted spike of every
kind, labels, offsets and margins too, which the peers do not make.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import networkx as nx
import numpy as np

from benchmarks.fresh_windows import K, floor
from benchmarks.rows import Row, Setting, Target
from benchmarks.timing import Lane, race
from gnnmax import Recipe, build, load_recipe
from gnnmax.data.hosts.families import ErdosRenyi
from gnnmax.data.hosts.weights import Uniform, sample_weights
from gnnmax.data.subgraphs.subgraph import Subgraph, SubgraphSpec
from gnnmax.data.subgraphs.window_extraction import blocks, centres, cut_contiguous

__all__ = ["ROWS"]

HOST = ErdosRenyi(nodes=256, probability=0.3)
PER_HOST = 20_000


def subgraph(rng: np.random.Generator) -> Subgraph:
    """Draw a complete weighted host in its own order."""
    host = HOST.sample(rng)
    return SubgraphSpec().sample(host, sample_weights(Uniform(), len(host.edges), rng), rng)


def tiles(hosts: int, per_host: int) -> Lane:
    """Return the lane that cuts tiles from an existing host around given centres."""
    graph, (rows, columns) = _centred(hosts * per_host)
    every = [slice(start, start + per_host) for start in range(0, len(rows), per_host)]
    middle = np.stack([rows[:, K // 2], columns[:, K // 2]], axis=1)

    def run() -> None:
        for part in every:
            blocks(graph.adjacency, *cut_contiguous(graph, middle[part], K))

    return Lane("ours", run, hosts * per_host)


def values(hosts: int, per_host: int) -> Lane:
    """Return the lane that draws hosts and cuts tiles from them."""
    rng = np.random.default_rng(0)

    def run() -> None:
        for _ in range(hosts):
            graph = subgraph(rng)
            places = centres(graph, K, "contiguous")
            chosen = places[rng.integers(len(places), size=per_host)]
            blocks(graph.adjacency, *cut_contiguous(graph, chosen, K))

    return Lane("ours", run, hosts * per_host)


def planted(hosts: int, per_host: int) -> Lane:
    """Return the lane that builds a recipe like spike-9 with one family and one cut."""
    plain = load_recipe("spike-9").to_dict()
    family = {"type": "erdos_renyi", "nodes": HOST.nodes, "probability": HOST.probability}
    plain |= {"hosts": [family], "weights": [{"type": "uniform"}], "subgraphs": [{}], "cuts": ["contiguous"]}
    plain |= {"windows_per_graph": per_host, "splits": {"test": hosts}}
    recipe: Recipe = load_recipe("spike-9").replace(**{key: plain[key] for key in plain if key != "name"})
    return Lane("ours", lambda: build(recipe), hosts * per_host)


def _centred(count: int) -> tuple[Subgraph, Any]:
    rng = np.random.default_rng(1)
    graph = subgraph(rng)
    places = centres(graph, K, "contiguous")
    return graph, cut_contiguous(graph, places[rng.integers(len(places), size=count)], K)


def loop(count: int) -> Lane:
    """Return the peer that takes ``matrix[np.ix_(rows, columns)]`` from an existing host, window by window."""
    graph, (rows, columns) = _centred(count)

    def run() -> None:
        for r, c in zip(rows, columns, strict=True):
            graph.adjacency[np.ix_(r, c)]

    return Lane("np.ix_ loop", run, count)


def networkx_way(count: int) -> Lane:
    """Return the peer that takes a networkx subgraph and converts it to an array, window by window."""
    graph, (rows, columns) = _centred(count)
    host = nx.from_numpy_array(graph.adjacency)

    def run() -> None:
        for r, c in zip(rows.tolist(), columns.tolist(), strict=True):
            nx.to_numpy_array(host.subgraph(r + c), nodelist=r + c, dtype=np.float32)[:K, K:]

    return Lane("networkx subgraph", run, count)


def against(make: Callable[[int, int], Lane], peer: str, bound: float | None, name: str, setting: Setting) -> Row:
    """Time one of our lanes against the floor or a peer."""
    ours = make(setting.size(200_000 // PER_HOST, 1), setting.size(PER_HOST, 200))
    if peer == "floor":
        return race(name, ours, floor(setting.size(200_000, 200)), "window", Target("cost", bound), setting)
    count = setting.size({"loop": 2_000, "networkx": 200}[peer], 5)
    other = {"loop": loop, "networkx": networkx_way}[peer](count)
    return race(name, ours, other, "window", Target("speed", bound), setting)


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "cut: tiles, loop": partial(against, tiles, "loop", 15.0),
    "cut: tiles, networkx": partial(against, tiles, "networkx", 100.0),
    "cut: values": partial(against, values, "floor", 7.0),
    "cut: whole": partial(against, planted, "floor", 7.0),
    "cut: whole, loop": partial(against, planted, "loop", None),
    "cut: whole, networkx": partial(against, planted, "networkx", 100.0),
}
