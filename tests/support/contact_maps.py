"""Contact maps that are drawn: counts that fall off with distance, with domains, and thinned copies of them."""

from __future__ import annotations

import numpy as np

__all__ = ["drawn_map", "expected_map", "symmetric_counts"]


def expected_map(n: int, rng: np.random.Generator, *, depth: float = 20.0) -> np.ndarray:
    """Expected counts: ``depth`` on the diagonal, falling as 1 / distance, 2.5 times higher in domains of about 25."""
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    cuts = np.sort(rng.choice(np.arange(1, n), max(1, n // 25), replace=False))
    domain = np.searchsorted(cuts, np.arange(n), side="right")
    return depth / (1 + apart) * (1 + 1.5 * (domain[:, None] == domain))


def symmetric_counts(expected: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Poisson counts, the same in both halves."""
    counts = np.triu(rng.poisson(expected))
    return counts + np.triu(counts, 1).T


def drawn_map(n: int, rng: np.random.Generator, *, thinned: float = 1.0) -> np.ndarray:
    """A contact map of which only a share of the contacts was sequenced."""
    return symmetric_counts(thinned * expected_map(n, rng), rng)
