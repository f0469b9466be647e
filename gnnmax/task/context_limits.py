"""The accuracy of optimal inference in contextual blocks, exactly for large N, by equations without a graph."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtr

from gnnmax.errors import InputError
from gnnmax.task.context_blocks import CERTAIN, affinities_of

__all__ = ["context_limit", "sparse_context_limit"]

Floats = npt.NDArray[np.float64]

STEPS, KEPT = 120, 40
"""Steps of a population, and the last of them whose accuracies are averaged."""


def context_limit(
    graph_strength: float, feature_strength: float, *, nodes_per_feature: float, known: float, steps: int = 2_000
) -> float:
    """Return the share of unknown nodes that optimal inference gets right, for large N and large degrees.

    The means u of nodes and v of directions settle at overlaps q and r with r = mu q / (1 + mu q) and
    q = known + (1 - known) E tanh(a + sqrt(a) z), a = lam^2 q + mu r / (N / P). The accuracy is the normal
    distribution at sqrt(a). With no known node it is 1/2 up to lam^2 + mu^2 / (N / P) = 1, at any degree. Beyond, a
    graph of small degree gives other accuracies than one of large degree and the same lam, see
    :func:`sparse_context_limit`; with lam = 0 it gives none, and the limit is that of every degree.

    Args:
        graph_strength: lam.
        feature_strength: mu.
        nodes_per_feature: N / P.
        known: Share of the nodes whose group is given.
        steps: Steps of the iteration.

    References:
        Deshpande, Montanari, Mossel and Sen, "Contextual Stochastic Block Models", NeurIPS 2018.

    Example:
        >>> round(context_limit(0.5, 1.0, nodes_per_feature=10, known=0.0), 3)
        0.5
        >>> context_limit(1.5, 1.0, nodes_per_feature=10, known=0.0) > 0.8
        True
    """
    z, step = np.linspace(-9.0, 9.0, 2_001, retstep=True)
    weight = np.exp(-(z**2) / 2) * step / math.sqrt(2 * math.pi)
    overlap, ratio = known + 1e-6, 0.0
    for _ in range(steps):
        along = feature_strength * overlap / (1 + feature_strength * overlap)
        ratio = max(graph_strength**2 * overlap + feature_strength * along / nodes_per_feature, 0.0)
        overlap = known + (1 - known) * float((weight * np.tanh(ratio + math.sqrt(ratio) * z)).sum())
    return float(ndtr(math.sqrt(ratio)))


def sparse_context_limit(
    graph_strength: float,
    feature_strength: float,
    *,
    degree: float,
    nodes_per_feature: float,
    known: float,
    population: int = 100_000,
    seed: int = 0,
) -> float:
    """Return the share of unknown nodes that BP-AMP gets right for large N, at a degree that stays small.

    Population dynamics: a random graph is a tree around each node, whose numbers of neighbours of its own and of the
    other group are Poisson with means c_in / 2 and c_out / 2. A population of logarithmic odds of the true group stands
    for the messages along edges. A step gives each member new neighbours, drawn from the population, and a field by
    features, which is normal: its mean a and variance follow from the overlap, as in :func:`context_limit`. No graph is
    drawn, so the result is independent of :func:`gnnmax.task.context_blocks.bp_amp`.

    Cost: three seconds.

    Args:
        graph_strength: lam, at most the root of the degree in size.
        feature_strength: mu.
        degree: Mean degree d.
        nodes_per_feature: N / P.
        known: Share of the nodes whose group is given.
        population: Number of messages.
        seed: Seed of the population.

    Returns:
        The accuracy; its error is about .001 for 100,000 messages.

    Raises:
        InputError: a graph strength above the root of the degree.

    References:
        Mezard and Parisi, "The Bethe lattice spin glass revisited", European Physical Journal B 20, 2001 (population
        dynamics). Decelle, Krzakala, Moore and Zdeborova, "Asymptotic analysis of the stochastic block model", Physical
        Review E 84, 2011. Duranthon and Zdeborova, TMLR 2024.

    Example:
        >>> given = {"nodes_per_feature": 10, "known": 0.1}
        >>> round(sparse_context_limit(1.5, 2.0, degree=5.0, population=10_000, **given), 2)
        0.93
        >>> round(context_limit(1.5, 2.0, **given), 2)
        0.91
    """
    if not abs(graph_strength) <= math.sqrt(degree):
        raise InputError(f"the graph strength is at most the root of the degree {degree}, not {graph_strength}")
    rng = np.random.default_rng(seed)
    inside, outside = affinities_of(degree, graph_strength)
    given = rng.random(population) < known
    odds = np.where(given, CERTAIN, 0.1)
    found = []
    for _ in range(STEPS):
        overlap = max(float(np.tanh(odds / 2).mean()), 0.0)
        along = feature_strength * overlap / (1 + feature_strength * overlap)
        ratio = feature_strength * along / nodes_per_feature
        chance = expit(odds)
        message = np.log((inside * chance + outside * (1 - chance)) / (outside * chance + inside * (1 - chance)))
        odds = 2 * (ratio + math.sqrt(ratio) * rng.standard_normal(population))
        odds += _from_neighbours(message, inside / 2, rng) - _from_neighbours(message, outside / 2, rng)
        found.append(float((odds > 0).mean() + (odds == 0).mean() / 2))
        odds[given] = CERTAIN
    return float(np.mean(found[-KEPT:]))


def _from_neighbours(message: Floats, mean: float, rng: np.random.Generator) -> Floats:
    """Sum the messages of a Poisson number of neighbours for each member of the population."""
    count = rng.poisson(mean, size=len(message))
    member = np.repeat(np.arange(len(message)), count)
    given = message[rng.integers(len(message), size=len(member))]
    return np.asarray(np.bincount(member, weights=given, minlength=len(message)), dtype=np.float64)
