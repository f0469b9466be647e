"""Message passing at several heights at once: the same as one height after the other, on matrices of their own."""

import numpy as np
import pytest

from gnnmax import InputError
from gnnmax.task.block_scores import amp
from gnnmax.task.block_sweep import amp_at_heights, height_of
from gnnmax.task.blocks import BlockProblem

N, K = 150, 14
MEMBERS = np.arange(40, 40 + K)


def problem(height):
    noise = np.random.default_rng(0).normal(size=(N, N))
    values = np.triu(noise, 1) + np.triu(noise, 1).T
    values[np.ix_(MEMBERS, MEMBERS)] += height
    np.fill_diagonal(values, 0)
    return BlockProblem.of(values, size=K, amplitude=height)


@pytest.mark.parametrize("steps", [1, 3, 12])
def test_heights_at_once_are_heights_one_by_one(steps):
    heights = [0.4, 0.9, 1.6]
    together = amp_at_heights(problem(1.1), MEMBERS, heights, steps)
    for height, odds in zip(heights, together, strict=True):
        expected, _ = amp(problem(height), steps)
        assert np.abs(odds - expected).max() < 1e-3 * max(np.abs(expected).max(), 1)


def test_a_height_that_has_settled_keeps_its_scores_while_others_move():
    strong, both = (amp_at_heights(problem(1.1), MEMBERS, heights) for heights in ([3.0], [3.0, 0.7]))
    assert np.abs(strong[0] - both[0]).max() < 1e-2
    assert set(np.argsort(-strong[0])[:K]) == set(MEMBERS)


def test_a_wrong_height_or_matrix_is_refused_and_a_height_has_its_strength():
    rectangle = BlockProblem.of(np.zeros((20, 30)), size=(3, 4), amplitude=1.0, symmetric=False)
    for given, heights in ((problem(1.0), [0.0]), (problem(1.0), [np.nan]), (rectangle, [1.0])):
        with pytest.raises(InputError, match="heights above 0"):
            amp_at_heights(given, MEMBERS, heights)
    assert problem(height_of(0.6, N, K)).strength == pytest.approx(0.6)
