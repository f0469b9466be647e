"""Encodings of values: ranks depend on the order alone, and so does a net that reads them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax.errors import InputError
from gnnmax.models.encoding import ENCODINGS, encode, rank
from gnnmax.models.registry import MODELS, build_model
from tests.support.nets import awake

BY_RANK = [name for name, entry in MODELS.items() if hasattr(entry.config(), "encoding") and not entry.needs_contexts]

MAPS = {
    "cube": lambda values: values**3,
    "exponential": np.exp,
    "logarithm": lambda values: np.log(values + 40.0),
    "affine": lambda values: 3.0 * values - 7.0,
}


def integers(seed: int, k: int = 9, n: int = 6) -> np.ndarray:
    """Windows of small integers, with ties: maps in float64 keep them in order and apart."""
    return np.random.default_rng(seed).integers(-30, 30, size=(n, k, k)).astype(np.float64)


@pytest.mark.parametrize("name", MAPS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.sampled_from([3, 9, 15]))
def test_ranks_do_not_notice_an_increasing_map_in_one_bit(name, seed, k):
    values = integers(seed, k)
    assert torch.equal(rank(torch.tensor(values)), rank(torch.tensor(MAPS[name](values))))


def test_standardised_values_do_notice_it():
    values = integers(0)
    assert not torch.allclose(encode(torch.tensor(values), "standard"), encode(torch.tensor(values**3), "standard"))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.sampled_from([3, 5, 31]))
def test_ranks_count_larger_and_equal_entries(seed, k):
    values = integers(seed, k, n=2)
    cells = values.reshape(2, -1)
    above = (cells[:, None, :] > cells[:, :, None]).sum(axis=2)
    equal = (cells[:, None, :] == cells[:, :, None]).sum(axis=2)
    expected = -np.log(2 * above + equal).reshape(values.shape)
    np.testing.assert_allclose(rank(torch.tensor(values)), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("k", [3, 9, 31])
def test_the_top_of_a_window_looks_equally_for_every_side_and_in_float32(k):
    strict = torch.zeros(1, k, k)
    strict[0, 1, 1], strict[0, 0, 2] = 2.0, 1.0
    tied = strict.clone()
    tied[0, 0, 2] = 2.0
    assert rank(strict)[0, 1, 1] == 0.0
    assert rank(strict)[0, 0, 2].exp().reciprocal() == pytest.approx(3.0, rel=1e-6)
    assert rank(tied)[0, 1, 1] == rank(tied)[0, 0, 2] != 0.0
    assert rank(strict).dtype == torch.float32


@pytest.mark.parametrize("name", BY_RANK)
def test_a_net_that_reads_ranks_is_exactly_invariant_to_increasing_maps_and_else_it_is_not(name):
    values = integers(1)
    by_rank, by_value = (awake(build_model(name, 9, {"encoding": encoding})) for encoding in ("rank", "standard"))
    with torch.no_grad():
        assert torch.equal(by_rank(torch.tensor(values)), by_rank(torch.tensor(MAPS["cube"](values))))
        before, after = by_value(torch.tensor(values)), by_value(torch.tensor(MAPS["cube"](values)))
        assert (after - before).abs().max() > 0.01 * before.std()


def test_an_unknown_encoding_is_refused():
    assert set(ENCODINGS) == {"standard", "rank", "none"}
    with pytest.raises(InputError, match="encoding"):
        build_model("gnn", 9, {"encoding": "ranks"})


@pytest.mark.parametrize("name", ["question", "valid-global", "gnn"])
def test_a_net_that_reads_values_as_they_are_notices_a_constant(name):
    values = torch.tensor(integers(1))
    assert torch.equal(encode(values, "none"), values)
    as_they_are, standard = (awake(build_model(name, 9, {"encoding": encoding})) for encoding in ("none", "standard"))
    with torch.no_grad():
        assert (as_they_are(values + 8) - as_they_are(values)).abs().max() > 1e-3
        torch.testing.assert_close(standard(values + 8), standard(values), rtol=1e-4, atol=1e-4)
