"""Maps that are drawn on the device of a training: their peaks, gaps and order, and that they follow from the seed."""

import pytest
import torch

from gnnmax import InputError
from gnnmax.training.drawn_maps import DIAGONAL, SEPARATION, ContactMaps, LineMaps, PlainMaps, sources_of
from gnnmax.training.objectives import NO_PLACE, PEAK

CPU = torch.device("cpu")
KINDS = {
    "line": lambda batch: LineMaps(24, batch, CPU, shuffled=False),
    "line, shuffled": lambda batch: LineMaps(24, batch, CPU, shuffled=True),
    "plain": lambda batch: PlainMaps(32, batch, CPU),
    "contact": lambda batch: ContactMaps(40, batch, CPU, by_distance=False, depth=(200.0, 200.0)),
    "contact, by distance": lambda batch: ContactMaps(40, batch, CPU, by_distance=True),
}


def drawn(kind, batch=200, seed=0):
    return KINDS[kind](batch).draw(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_maps_are_symmetric_and_places_are_observed_and_above_the_diagonal(kind):
    values, codes = drawn(kind)
    filled = values.nan_to_num(-99.0)
    assert torch.equal(filled, filled.mT)
    assert torch.equal(codes != NO_PLACE, values.isfinite() & torch.ones_like(values, dtype=torch.bool).triu(1))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_maps(kind):
    for one, same, other in zip(drawn(kind, 9), drawn(kind, 9), drawn(kind, 9, seed=1), strict=True):
        assert torch.equal(one.nan_to_num(), same.nan_to_num())
        assert not torch.equal(one.nan_to_num(), other.nan_to_num())


@pytest.mark.parametrize("kind", ["line", "line, shuffled"])
def test_a_line_map_has_one_peak_which_is_high(kind):
    values, codes = drawn(kind)
    assert bool(((codes == PEAK).sum(dim=(1, 2)) == 1).all())
    assert float(values[codes == PEAK].mean()) > 2.0 > 1.3 > float(values.nanmean())


@pytest.mark.parametrize("kind", ["plain", "contact", "contact, by distance"])
def test_other_maps_have_none_to_many_peaks_far_from_each_other(kind):
    _, codes = drawn(kind)
    counts = (codes == PEAK).sum(dim=(1, 2))
    assert int(counts.min()) == 0 and int(counts.max()) >= 4
    for one in codes:
        places = (one == PEAK).nonzero()
        assert bool(((places[:, 1] - places[:, 0]) >= DIAGONAL).all())
        apart = (places[:, None] - places).abs().amax(dim=-1) + SEPARATION * torch.eye(len(places), dtype=torch.long)
        assert bool((apart >= SEPARATION).all())


def test_only_shuffled_lines_lose_their_order():
    steps = torch.arange(23)
    beside = {kind: float(drawn(kind)[0][:, steps, steps + 1].nanmean()) for kind in ("line", "line, shuffled")}
    assert beside["line"] > 1.3 > 0.8 > beside["line, shuffled"]


@pytest.mark.parametrize("kind", ["line", "plain"])
def test_a_quarter_of_the_maps_has_gaps_of_up_to_a_tenth(kind):
    gaps = drawn(kind, batch=400)[0].isnan().float().mean(dim=(1, 2))
    assert 0.15 < float((gaps > 0).float().mean()) < 0.35
    assert float(gaps.max()) < 0.2


def test_contacts_fall_with_the_distance_unless_they_are_divided_by_their_mean_there():
    def ratio(values):
        near, far = (values.diagonal(lag, 1, 2).nanmean() for lag in (1, 20))
        return float(near / far)

    assert ratio(drawn("contact")[0]) > 5
    assert ratio(drawn("contact, by distance")[0]) == pytest.approx(1, abs=0.05)


def test_contact_maps_are_counts_unless_biases_are_divided_out():
    values, _ = drawn("contact")
    whole = ((values.nan_to_num() % 1) == 0).all(dim=2).all(dim=1).float().mean()
    assert 0.35 < float(whole) < 0.65


def test_only_shipped_nets_have_maps_to_train_on():
    assert [type(one).__name__ for one in sources_of("map-cnn", CPU)] == ["LineMaps", "PlainMaps", *2 * ["ContactMaps"]]
    with pytest.raises(InputError, match="unknown shipped net on maps 'map-unet'"):
        sources_of("map-unet", CPU)
