"""Coverage of the intervals over maps, and false alarms of the tests, in a simulation of a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from gnnmax import evaluate_peaks

METRICS = ("precision", "recall", "f1", "false_calls", "average_precision", "recall_at_fdr", "froc", "found_within")
SIDE = 40


def draw(rng: np.random.Generator, maps: int, callers: int = 1, *, least: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Peaks of maps that differ in difficulty, and calls of equally good callers, with scores above the least.

    Peaks and false calls lie on a grid of cells, so that each call belongs to one peak at most.
    """
    cells = 4 * np.arange(SIDE // 4) + 1
    truth, calls = [], [[] for _ in range(callers)]
    for number in range(maps):
        chosen = rng.permutation(len(cells) ** 2)
        peaks = int(rng.integers(1, 7)) if rng.random() < 0.6 else 1
        strength = rng.normal(1.5, 1.0)
        row, column = cells[chosen // len(cells)], cells[chosen % len(cells)]
        truth += [(number, row[p], column[p]) for p in range(peaks)]
        for own in calls:
            false = peaks + rng.poisson(3 * np.exp(rng.normal(0, 0.5)))
            for p in range(false):
                if p >= peaks or rng.random() < 0.85:
                    score = rng.normal(strength if p < peaks else 0.0)
                    own.append((number, row[p], column[p] + rng.integers(0, 2), score))
    listed = [np.array(own) for own in calls]
    return np.array(truth), [own[own[:, 3] > least] for own in listed]


def coverage(maps: int, repeats: int, *, least: float) -> tuple[dict[str, float], float]:
    """The share of intervals that contain the truth, by metric, and the share of false alarms in average precision."""
    truth, (calls,) = draw(np.random.default_rng(99), 20_000, least=least)
    exact = evaluate_peaks(calls, truth, maps=20_000, threshold=0.5, resamples=2).metrics
    held, known, alarms = dict.fromkeys(METRICS, 0), dict.fromkeys(METRICS, 0), 0
    for seed in range(repeats):
        truth, (first, second) = draw(np.random.default_rng(seed), maps, 2, least=least)
        table = evaluate_peaks({"a": first, "b": second}, truth, maps=maps, threshold=0.5)
        verdict = table.verdicts["a"]
        unknown = {"precision": not len(first), "false_calls": verdict.false_calls == 0}  # no call; no scale
        for name in METRICS:
            if unknown.get(name):
                continue
            low, high = verdict.intervals[name]
            known[name] += 1
            held[name] += low <= exact[name] <= high
        alarms += table.between("a", "b", "average_precision").p_value < 0.05
    return {name: count / known[name] for name, count in held.items()}, alarms / repeats


@pytest.mark.slow
@pytest.mark.parametrize(("maps", "least"), [(10, -np.inf), (40, -np.inf), (10, 3.0), (40, 3.0)])
def test_the_intervals_hold_and_equal_callers_are_seldom_called_different(maps, least):
    found, alarms = coverage(maps, 400, least=least)
    assert all(share >= 0.92 for share in found.values()), found
    assert alarms <= 0.08
