"""The contextual block model: two groups seen by a sparse graph and by features, and its optimal inference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from gnnmax.errors import InputError

__all__ = ["ContextBlocks", "affinities_of", "bp_amp", "draw_context_blocks"]

Floats = npt.NDArray[np.float64]

STEPS = 300
"""Steps of message passing, unless the messages settle before."""

SETTLED = 1e-5
"""Largest change of a mean in a step that has settled."""

CERTAIN = 40.0
"""Logarithmic odds of a node whose group is known."""


@dataclass(frozen=True, eq=False)
class ContextBlocks:
    """A graph and features of nodes in two groups.

    A node's group is u = 1 or -1. An edge within a group has probability (d + lam sqrt(d)) / N, one between them
    (d - lam sqrt(d)) / N. Feature a of node i is sqrt(mu / N) v_a u_i plus unit noise, with v_a normal.

    Attributes:
        edges: Both directions of each edge, shape ``(2, E)``.
        features: Shape ``(N, P)``.
        group: 1 or -1, shape ``(N,)``.
        known: Whether the group of a node is given, shape ``(N,)``.
        degree: Mean degree d.
        graph_strength: lam.
        feature_strength: mu.
    """

    edges: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]
    group: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]
    degree: float
    graph_strength: float
    feature_strength: float

    @property
    def affinities(self) -> tuple[float, float]:
        """See :func:`affinities_of`."""
        return affinities_of(self.degree, self.graph_strength)

    def accuracy(self, scores: npt.ArrayLike) -> float:
        """Return the share of nodes of unknown group whose score has the sign of their group.

        Where no group is known, the groups have no names, so the better of both assignments counts.
        """
        right = (np.asarray(scores) > 0) == (self.group > 0)
        found = float(right[~self.known].mean())
        return found if self.known.any() else max(found, 1 - found)


def affinities_of(degree: float, graph_strength: float) -> tuple[float, float]:
    """Return N times the probability of an edge within a group, and between groups.

    Example:
        >>> affinities_of(4.0, 1.0)
        (6.0, 2.0)
    """
    apart = graph_strength * math.sqrt(degree)
    return degree + apart, degree - apart


def draw_context_blocks(
    rng: np.random.Generator,
    nodes: int,
    *,
    features: int,
    degree: float,
    graph_strength: float,
    feature_strength: float,
    known: float,
) -> ContextBlocks:
    """Draw groups, a graph and features.

    Args:
        rng: Source of randomness.
        nodes: N.
        features: P.
        degree: Mean degree d.
        graph_strength: lam, at most sqrt(d) in size.
        feature_strength: mu, not negative.
        known: Share of the nodes whose group is given.

    Raises:
        InputError: a number out of range.

    Example:
        >>> strength = {"graph_strength": 1.0, "feature_strength": 2.0}
        >>> drawn = draw_context_blocks(np.random.default_rng(0), 500, features=50, degree=5, known=0.1, **strength)
        >>> drawn.features.shape, bool(abs(drawn.edges.shape[1] / 500 - 5) < 0.7)
        ((500, 50), True)
    """
    if not (nodes > degree > 0 and features >= 1 and abs(graph_strength) <= math.sqrt(degree)):
        raise InputError(
            "contextual blocks have more nodes than neighbours, at least one feature and a graph strength of at most "
            f"the root of the degree, not {nodes}, {degree}, {features} and {graph_strength}"
        )
    if not (feature_strength >= 0 and 0 <= known < 1):
        raise InputError(
            "the feature strength is at least 0 and the known share at least 0 and below 1, not "
            f"{feature_strength} and {known}"
        )
    group = rng.choice([-1, 1], size=nodes)
    apart = graph_strength * math.sqrt(degree)
    # Pairs at the larger of both rates, then thinned.
    most = degree + abs(apart)
    pairs = rng.integers(nodes, size=(2, rng.poisson(most * nodes / 2)))
    within = group[pairs[0]] == group[pairs[1]]
    rate = np.where(within, degree + apart, degree - apart)
    kept = (rng.random(pairs.shape[1]) * most < rate) & (pairs[0] != pairs[1])
    one = np.unique(np.sort(pairs[:, kept], axis=0), axis=1)
    direction = rng.standard_normal(features).astype(np.float32)
    seen = rng.standard_normal((nodes, features), dtype=np.float32)
    seen += np.float32(math.sqrt(feature_strength / nodes)) * group[:, None].astype(np.float32) * direction
    return ContextBlocks(
        edges=np.concatenate([one, one[::-1]], axis=1),
        features=seen,
        group=group,
        known=rng.random(nodes) < known,
        degree=degree,
        graph_strength=graph_strength,
        feature_strength=feature_strength,
    )


def bp_amp(blocks: ContextBlocks, steps: int = STEPS, *, seed: int = 0) -> Floats:
    """Return the posterior mean of each node's group by belief propagation on edges, and AMP on features.

    It is given d, lam and mu, and conjectured to be optimal for large N: no fast method is more often right. Messages
    along edges are logarithmic odds; AMP gives each node a field by its features, with the Onsager memory of both
    sides; edges that are not there act through the mean of all nodes.

    Args:
        blocks: Graph, features and known groups.
        steps: Number of steps, unless the messages settle before.
        seed: Seed of the small random start, which breaks the symmetry where no group is known.

    References:
        Duranthon and Zdeborova, "Optimal Inference in Contextual Stochastic Block Models", TMLR 2024. Deshpande,
        Montanari, Mossel and Sen, "Contextual Stochastic Block Models", NeurIPS 2018.

    Example:
        >>> strength = {"graph_strength": 1.5, "feature_strength": 3.0}
        >>> drawn = draw_context_blocks(np.random.default_rng(0), 500, features=50, degree=5, known=0.1, **strength)
        >>> bool(drawn.accuracy(bp_amp(drawn)) > 0.85)
        True
    """
    nodes, features = blocks.features.shape
    source, target = blocks.edges
    opposite = _opposite(blocks.edges, nodes)
    inside, outside = blocks.affinities
    scale = math.sqrt(blocks.feature_strength / nodes)
    prior = np.where(blocks.known, CERTAIN * blocks.group, 0.0)
    rng = np.random.default_rng(seed)
    mean = np.tanh(prior / 2) + 1e-3 * rng.standard_normal(nodes)
    direction = 1e-3 * rng.standard_normal(features)
    odds = (prior + 2e-3 * rng.standard_normal(nodes))[source]
    for _ in range(steps):
        energy = float((mean**2).sum())
        field = scale * (mean.astype(np.float32) @ blocks.features) - scale**2 * (nodes - energy) * direction
        spread = 1 / (1 + scale**2 * energy)
        direction = spread * field
        by_features = scale * (blocks.features @ direction.astype(np.float32)) - scale**2 * features * spread * mean
        own = prior + 2 * by_features - (inside - outside) * mean.mean()
        chance = expit(odds)
        message = np.log((inside * chance + outside * (1 - chance)) / (outside * chance + inside * (1 - chance)))
        total = own + np.bincount(target, weights=message, minlength=nodes)
        odds = total[source] - message[opposite]
        before, mean = mean, np.tanh(total / 2)
        if np.abs(mean - before).max() < SETTLED:
            break
    return mean


def _opposite(edges: npt.NDArray[np.int64], nodes: int) -> npt.NDArray[np.intp]:
    """Return the index of each edge's other direction."""
    here, there = edges[0] * nodes + edges[1], edges[1] * nodes + edges[0]
    order = np.argsort(here)
    return np.asarray(order[np.searchsorted(here, there, sorter=order)])
