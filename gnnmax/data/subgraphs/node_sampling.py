"""Node sampling: choose the nodes of a subgraph from a host, ignoring the directions of edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from gnnmax.data.hosts.host import Host

__all__ = ["CHOICES", "Choice", "ego", "random_walk", "snowball", "stretch", "uniform"]

Choice = Literal["range", "uniform", "ego", "random_walk", "snowball"]
Places = npt.NDArray[np.int64]

NAMES = 3
"""Number of neighbours that a node names in a snowball sample."""
RESTART = 0.15
"""Probability that a walk returns to its start at each step."""


def stretch(host: Host, count: int, rng: np.random.Generator) -> Places:
    """Sample consecutive nodes of the natural order, from a uniformly random one on.

    Example:
        >>> stretch(Host(3, np.empty((0, 2), np.int64)), 3, np.random.default_rng(0)).tolist()
        [0, 1, 2]
    """
    return np.arange(count) + rng.integers(host.nodes - count + 1)


def uniform(host: Host, count: int, rng: np.random.Generator) -> Places:
    """Sample nodes uniformly.

    Example:
        >>> len(set(uniform(Host(9, np.empty((0, 2), np.int64)), 5, np.random.default_rng(0)).tolist()))
        5
    """
    return np.sort(rng.choice(host.nodes, size=count, replace=False, shuffle=False)).astype(np.int64)


def ego(host: Host, count: int, rng: np.random.Generator) -> Places:
    """Sample a uniformly random node and those nearest to it, hop by hop; the last hop is sampled uniformly.

    If the component is too small, the search starts again at another random node.

    Example:
        >>> path = Host(6, np.array([[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]]))
        >>> chosen = ego(path, 3, np.random.default_rng(0)).tolist()
        >>> max(chosen) - min(chosen)
        2
    """
    return _breadth_first(host, count, lambda found: found, rng)


def snowball(host: Host, count: int, rng: np.random.Generator) -> Places:
    """Sample a uniformly random node and, wave by wave, up to three neighbours of each node of the last wave.

    If no new node is found, the search starts again at another random node.

    References:
        Goodman, "Snowball sampling", Annals of Mathematical Statistics, 1961.

    Example:
        >>> star = Host(9, np.array([[0, node] for node in range(1, 9)]))
        >>> len(snowball(star, 6, np.random.default_rng(0)))
        6
    """
    return _breadth_first(host, count, lambda found: rng.permutation(found)[:NAMES], rng)


def random_walk(host: Host, count: int, rng: np.random.Generator) -> Places:
    """Sample the nodes that a random walk visits; at each step it may return to its start.

    After ten steps per wanted node, or at a node without neighbours, the walk starts again at another random node.

    References:
        Leskovec and Faloutsos, "Sampling from large graphs", KDD, 2006 (random walk, restarts with probability .15).

    Example:
        >>> ring = Host(8, np.array([[0, 1], [0, 7], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6], [6, 7]]))
        >>> len(random_walk(ring, 4, np.random.default_rng(0)))
        4
    """
    first, flat = _neighbours(host)
    order = rng.permutation(host.nodes).tolist()
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        here = start = next(node for node in order if node not in chosen)
        chosen[here] = None
        for back, turn in zip(*_turns(10 * count, rng), strict=True):
            low, high = first[here], first[here + 1]
            if len(chosen) == count or low == high:
                break
            here = start if back < RESTART else int(flat[low + int(turn * (high - low))])
            chosen[here] = None
    return np.sort(np.fromiter(chosen, np.int64, count))


def _turns(steps: int, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    back, turn = rng.random((2, steps)).tolist()
    return back, turn


def _breadth_first(host: Host, count: int, named: Callable[[Places], Places], rng: np.random.Generator) -> Places:
    """Sample nodes breadth first: each wave holds the nodes that the last wave named."""
    first, flat = _neighbours(host)
    order = rng.permutation(host.nodes)
    taken = np.zeros(host.nodes, dtype=np.bool_)
    wave = order[:0]
    while (missing := count - int(taken.sum())) > 0:
        if not len(wave):
            wave = order[~taken[order]][:1]
        if len(wave) > missing:
            wave = rng.permutation(wave)[:missing]
        taken[wave] = True
        lists = [named(flat[first[node] : first[node + 1]]) for node in wave]
        wave = np.unique(np.concatenate(lists))
        wave = wave[~taken[wave]]
    return np.flatnonzero(taken)


def _neighbours(host: Host) -> tuple[Places, Places]:
    """Return the concatenated neighbours of all nodes and the start of each node's part, shape ``(nodes + 1,)``."""
    u, v = host.edges.T
    # A pair with edges in both directions counts once.
    sources, targets = np.divmod(np.unique(np.concatenate([u * host.nodes + v, v * host.nodes + u])), host.nodes)
    return np.searchsorted(sources, np.arange(host.nodes + 1)).astype(np.int64), targets


CHOICES: dict[Choice, Callable[[Host, int, np.random.Generator], Places]] = {
    "range": stretch,
    "uniform": uniform,
    "ego": ego,
    "random_walk": random_walk,
    "snowball": snowball,
}
