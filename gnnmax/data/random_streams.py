"""Counter-based random streams: one per purpose and graph, independent of the order of calls."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

__all__ = ["Purpose", "stream"]

Purpose = Literal["host", "weights", "subgraph", "cut", "plant", "label", "noise"]


def stream(seed: int, purpose: Purpose, graph: int, attempt: int = 0) -> np.random.Generator:
    """Return the generator of one purpose and graph, independent of all others.

    Args:
        seed: The recipe's seed.
        purpose: The use of the numbers; changes in one purpose do not affect the draws of the others.
        graph: Index of the host graph in the data set.
        attempt: Number of failed attempts to draw the graph before.

    References:
        Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Philox).

    Example:
        >>> float(stream(0, "host", 7).random()) == float(stream(0, "host", 7).random())
        True
        >>> float(stream(0, "host", 7).random()) == float(stream(0, "plant", 7).random())
        False
    """
    key = (get_args(Purpose).index(purpose), graph, attempt)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))
