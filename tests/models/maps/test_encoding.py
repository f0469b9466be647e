"""The robust scale of maps: units and offsets do not matter, however large or small the numbers are."""

import pytest
import torch

from gnnmax.models.maps.encoding import standardise_maps


def half_equal():
    """Return a map with more than half of its entries equal: the standard deviation is its scale."""
    values = torch.zeros(1, 6, 6)
    values[0, 0] = torch.tensor([1.0, 2.0, 3.0, 5.0, 8.0, 13.0])
    return values


@pytest.mark.parametrize("unit", [2.0**-149, 2.0**-130, 2.0**-100, 2.0**-70, 2.0**70, 2.0**120, 2.0**122])
@pytest.mark.parametrize(
    "values", [half_equal(), torch.arange(36.0).view(1, 6, 6)], ids=["half equal", "all different"]
)
def test_units_change_no_bit(values, unit):
    torch.testing.assert_close(standardise_maps(values * unit)[0], standardise_maps(values)[0], rtol=0, atol=0)


def test_a_scale_that_needs_no_care_is_that_of_the_plain_formula():
    values = half_equal()
    plain = values / values.square().mean().sqrt()
    torch.testing.assert_close(standardise_maps(values)[0], plain, rtol=0, atol=0)


def test_differences_beyond_the_largest_number_are_finite():
    values = 3.4e38 * torch.linspace(-1, 1, 36).view(1, 6, 6)
    found = standardise_maps(values)[0]
    torch.testing.assert_close(found, standardise_maps(values / 8)[0])
    assert bool(found.isfinite().all())


@pytest.mark.parametrize("value", [0.0, 7.0, -1e30])
def test_a_constant_map_is_zero(value):
    units, seen = standardise_maps(torch.full((1, 4, 4), value))
    assert bool((units == 0).all()) and bool(seen.all())
