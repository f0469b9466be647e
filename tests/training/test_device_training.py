"""Training on maps that are drawn on the device: every weight moves, and the running mean of the weights is kept."""

import pytest
import torch

from gnnmax.models.maps.registry import build_map_model
from gnnmax.training.device_training import DeviceTraining
from gnnmax.training.drawn_maps import ContactMaps, LineMaps
from tests.support.map_nets import SMALL

CPU = torch.device("cpu")
SOURCES = {
    "map-product": lambda: [LineMaps(16, 8, CPU, shuffled=True)],
    "map-cnn": lambda: [LineMaps(16, 8, CPU, shuffled=False), ContactMaps(24, 4, CPU, by_distance=False)],
}


@pytest.mark.parametrize("name", SOURCES)
def test_training_changes_every_weight_and_keeps_a_running_mean(name):
    net = build_map_model(name, SMALL[name])
    before = {key: weight.detach().clone() for key, weight in net.named_parameters()}
    lines = []
    assert DeviceTraining(net, CPU).run(SOURCES[name](), 0.5, lines.append) > 1
    assert lines[0].startswith("step 0, loss 0.000 nats")
    still = [key for key, weight in net.named_parameters() if torch.equal(weight, before[key])]
    assert not still
    assert all(bool(weight.isfinite().all()) for weight in net.parameters())
