"""The false-discovery rate of calls by nets: in matrices without structure at most the stated one."""

import pytest

from benchmarks.chance_of_nets import SEARCHES, shares_of_calls

NOISE = [name for name, search in SEARCHES.items() if not search.matrices.bumps]


@pytest.mark.slow
@pytest.mark.parametrize("name", NOISE)
def test_in_noise_anything_is_called_in_a_tenth_of_matrices_at_most(name):
    # 150 matrices at a rate of 0.1: above 0.175, three standard deviations, once in a thousand.
    assert shares_of_calls(SEARCHES[name], 150)[0] <= 0.175


@pytest.mark.slow
def test_planted_bumps_are_called():
    assert shares_of_calls(SEARCHES["three bumps 3 s.d. high, `cnn-natural`"], 10)[1] >= 0.8
