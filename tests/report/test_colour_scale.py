"""Colour scales: monotone, inverse to their legend, and defined for every picture."""

import warnings

import numpy as np
import pytest

from gnnmax.report.colour_scale import fitted_scale


@pytest.mark.parametrize("kind", ["normal", "skewed", "constant", "huge", "sparse", "infinite", "tiny"])
def test_larger_values_get_no_weaker_colour_and_the_legend_is_the_inverse(kind):
    rng = np.random.default_rng(0)
    values = {
        "normal": rng.normal(size=500),
        "skewed": rng.lognormal(sigma=3, size=500),
        "constant": np.full(9, 3.0),
        "huge": rng.choice([-1.7e308, 0, 1.7e308], 100),
        "sparse": np.where(np.arange(1000) < 5, 7.0, 0.0),
        "infinite": np.array([-np.inf, 1, 2, 3, np.inf, np.nan]),
        "tiny": rng.random(100) * 5e-324,
    }[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scale = fitted_scale(values)
        shares = scale.shares(np.sort(values))
    known = shares[~np.isnan(shares)]
    assert len(known) == (~np.isnan(values)).sum() and (np.diff(known) >= 0).all() and (known >= 0).all()
    assert (known <= 1).all() and (scale.bend > 0) == (kind == "skewed")
    if scale.high > scale.low and kind != "tiny":
        assert scale.shares(np.array([scale.value(share) for share in (0, 0.25, 1)])) == pytest.approx([0, 0.25, 1])


def test_zeros_of_a_sparse_matrix_do_not_saturate_the_scale():
    values = np.zeros(10_000)
    values[:50] = np.arange(1, 51)
    assert fitted_scale(values).high > 49


def test_a_picture_without_finite_values_has_no_scale():
    assert fitted_scale(np.array([np.nan, np.inf])) is None
