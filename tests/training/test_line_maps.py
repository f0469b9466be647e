"""Training on line maps that are drawn on the device: what is drawn, and that the net learns."""

import pytest
import torch

from gnnmax.models.maps.registry import build_map_model
from gnnmax.training import line_maps
from gnnmax.training.line_maps import DIAGONAL, LineTraining, draw_line_maps
from tests.support.map_nets import SMALL

CPU = torch.device("cpu")


def drawn(n=24, batch=200, seed=0):
    allowed = torch.ones(n, n).triu(DIAGONAL).nonzero()
    return draw_line_maps(batch, allowed, n, torch.Generator().manual_seed(seed))


def test_maps_are_symmetric_and_their_peaks_are_observed_and_high():
    values, row, column = drawn()
    filled = values.nan_to_num(-99.0)
    assert torch.equal(filled, filled.mT)
    assert bool((row < column).all())
    peaks = values[torch.arange(len(values)), row, column]
    assert bool(peaks.isfinite().all())
    assert float(peaks.mean()) > 2.0 > 1.3 > float(values.nanmean())


def test_a_quarter_of_the_maps_has_gaps_of_up_to_a_tenth():
    gaps = drawn(batch=400)[0].isnan().float().mean(dim=(1, 2))
    assert 0.15 < float((gaps > 0).float().mean()) < 0.35
    assert float(gaps.max()) < 0.2


def test_the_same_seed_draws_the_same_maps():
    for one, same, other in zip(drawn(), drawn(), drawn(seed=1), strict=True):
        assert torch.equal(one.nan_to_num(), same.nan_to_num())
        assert not torch.equal(one.nan_to_num(), other.nan_to_num())


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(line_maps, "SIZES", ((16, 8),))


def test_training_changes_every_weight_and_keeps_a_running_mean(small):
    net = build_map_model("map-product", SMALL["map-product"])
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    lines = []
    assert LineTraining(net, CPU).run(0.5, lines.append) > 1
    assert lines[0].startswith("step 0, loss 0.000 nats")
    still = [name for name, weight in net.named_parameters() if torch.equal(weight, before[name])]
    assert not still
    assert all(bool(weight.isfinite().all()) for weight in net.parameters())
