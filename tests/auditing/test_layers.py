"""Layer by layer: nets built to break at a known layer break there, for the known reason."""

import numpy as np
import pytest
import torch
from torch import nn

from gnnmax import InputError
from gnnmax.auditing.layers import audit_layers
from gnnmax.models.registry import build_model
from gnnmax.testing import sample_windows
from tests.support.scorers import Exchangeable, Pooled, net, windows

K = 5


def layers(make, names=("roll",), channels=True, **options):
    return audit_layers(
        net(make), windows(), rng=np.random.default_rng(0), transformations=names, channels=channels, **options
    )


def convolution(**options):
    return nn.Conv2d(1, 4, 3, **options)


class Averaged(nn.Module):
    """Mean over positions, then one number."""

    def __init__(self, *parts, width=4):
        super().__init__()
        self.parts, self.head = nn.Sequential(*parts), nn.Linear(width, 1)

    def forward(self, image):
        return self.head(self.parts(image).mean(dim=(2, 3)))[:, 0]


def flat(*parts, size):
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(size, 1), nn.Flatten(0))


CIRCULAR = {"padding": 1, "padding_mode": "circular"}
BREAKS = {
    "nothing": (lambda: Averaged(convolution(**CIRCULAR), nn.ReLU()), None),
    "zero padding": (lambda: Averaged(convolution(padding=1)), "parts.0 (Conv2d): its zero padding"),
    "same padding": (lambda: Averaged(convolution(padding="same")), "parts.0 (Conv2d): its zero padding"),
    "reflection": (
        lambda: Averaged(convolution(padding=1, padding_mode="reflect")),
        "parts.0 (Conv2d): its reflect padding",
    ),
    "no padding": (lambda: Averaged(convolution()), "parts.0 (Conv2d): its border: the map has side 3"),
    "stride": (lambda: Averaged(convolution(**CIRCULAR, stride=2)), "parts.0 (Conv2d): its stride"),
    "pooling": (
        lambda: Averaged(convolution(**CIRCULAR), nn.ReLU(), nn.MaxPool2d(2)),
        "parts.2 (MaxPool2d): its pooling",
    ),
    "second padding": (
        lambda: Averaged(convolution(**CIRCULAR), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)),
        "parts.2 (Conv2d): its zero padding",
    ),
    "flattening": (
        lambda: flat(convolution(**CIRCULAR), size=100),
        "1 (Flatten): flattening: positions have become channels",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_first_layer_that_breaks_a_roll_is_the_one_that_was_built_to(name):
    make, said = BREAKS[name]
    found = layers(make).breaks["roll"]
    assert (found and str(found)) == said


@pytest.mark.parametrize("name", ["relabelling", "transposition", "flip"])
def test_a_kernel_breaks_every_other_rearrangement_and_a_pointwise_one_none(name):
    found = layers(lambda: Averaged(convolution(**CIRCULAR)), [name]).breaks[name]
    assert str(found) == "parts.0 (Conv2d): its kernel reads neighbours in their order"
    assert layers(lambda: Averaged(nn.Conv2d(1, 4, 1)), [name]).breaks[name] is None


def test_a_flip_is_followed_through_a_map_of_another_side():
    symmetric = lambda: Averaged(nn.Conv2d(1, 4, 1), nn.AvgPool2d(3, stride=2))  # noqa: E731
    found = layers(symmetric, ["flip", "transposition", "roll"])
    assert found.breaks["flip"] is None
    assert found.breaks["transposition"] is None
    assert str(found.breaks["roll"]) == "parts.1 (AvgPool2d): its pooling"
    assert found.layers[1].errors["roll"] is None


def test_layers_are_measured_and_named_in_the_order_of_their_calls():
    found = layers(lambda: Averaged(convolution(**CIRCULAR), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)))
    assert [layer.kind for layer in found.layers] == ["Conv2d", "ReLU", "Conv2d", "Linear"]
    assert [layer.shape for layer in found.layers] == [(5, 5, 4), (5, 5, 4), (5, 5, 4), (1,)]
    errors = [layer.errors["roll"] for layer in found.layers]
    assert max(errors[:2]) < 1e-5 < 1e-3 < errors[2]


def test_errors_of_layers_are_shares_of_their_largest_output():
    errors = []
    for scale in (1.0, 1000.0):
        made = net(lambda: Averaged(convolution(padding=1, bias=False)))
        with torch.no_grad():
            made.parts[0].weight *= scale
        found = audit_layers(made, windows(), rng=np.random.default_rng(0), transformations=["roll"], channels=True)
        errors.append(found.layers[0].errors["roll"])
    assert 0 < errors[0] <= 2
    assert errors[1] == pytest.approx(errors[0], rel=1e-4)


def test_a_mark_in_the_input_is_told_from_the_layer_that_reads_it():
    found = audit_layers(
        build_model("cnn", k=K), windows(), rng=np.random.default_rng(0), transformations=["roll"], contexts=True
    )
    assert found.breaks["roll"].layer == "embed.0 (Conv2d)"
    assert "its input breaks the symmetry already" in found.breaks["roll"].reason


def test_layers_with_channels_last_are_followed_too():
    found = layers(Exchangeable, ["relabelling", "roll", "transposition"], channels=False)
    assert found.breaks["relabelling"] is None
    assert found.breaks["roll"] is None
    assert "its input breaks the symmetry already" in found.breaks["transposition"].reason


def test_layers_of_nodes_are_passed_over_and_no_break_is_made_up():
    w = sample_windows(K, 40, rng=np.random.default_rng(0), contexts=True)
    found = audit_layers(build_model("gnn", k=K), w, rng=np.random.default_rng(0), contexts=True)
    assert [found.breaks[kept] for kept in ("relabelling", "transposition", "flip")] == [None] * 3
    assert found.breaks["roll"] is not None


def test_a_convolution_that_pads_inside_itself_is_found():
    found = audit_layers(build_model("question", k=K), windows(), rng=np.random.default_rng(0), contexts=True)
    assert found.breaks["roll"].reason == "padding of its own"


def test_a_net_of_the_same_outcome_may_break_inside_and_the_outcome_tells_nothing_of_it():
    assert layers(lambda: Pooled("circular"), channels=False).breaks["roll"] is None
    assert layers(lambda: Pooled("zeros"), channels=False).breaks["roll"].layer == "layers.0 (Conv2d)"


def test_hooks_are_gone_afterwards_and_the_mode_is_as_it_was():
    made = net(lambda: Averaged(convolution(padding=1), nn.Dropout(0.5)))
    made.train()
    found = audit_layers(made, windows(), rng=np.random.default_rng(0), channels=True)
    assert made.training
    assert not any(part._forward_hooks for part in made.modules())
    assert list(found.breaks) == ["relabelling", "transposition", "flip", "translation", "roll"]
    assert found.to_dict()["breaks"]["roll"] == "parts.0 (Conv2d): its zero padding"
    assert str(found).count("\n") == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transformations": ["increasing_map"]}, "rearrange"),
        ({"transformations": ["rol"]}, "rearrange"),
        ({"windows": windows()[:0]}, "at least one"),
        ({"module": torch.relu}, "torch module"),
        ({"module": build_model("product", k=K), "contexts": True}, "contexts"),
    ],
)
def test_wrong_input_is_refused(changes, message):
    given = {"module": net(lambda: Pooled("zeros")), "windows": windows(), "rng": np.random.default_rng(0)} | changes
    with pytest.raises(InputError, match=message):
        audit_layers(given.pop("module"), given.pop("windows"), **given)


@pytest.mark.parametrize("constant", [0.0, 1e4])
def test_a_constant_in_the_outputs_of_a_layer_hides_no_break_and_makes_none(constant):
    padded, circular = (nn.Conv2d(1, 4, 3, padding=1, padding_mode=mode) for mode in ("zeros", "circular"))
    for layer in (padded, circular):
        layer.bias.data.fill_(constant)
    w = windows()
    for layer, expected in ((padded, "0 (Conv2d): its zero padding"), (circular, "None")):
        net = nn.Sequential(layer, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 1), nn.Flatten(0))
        found = audit_layers(net, w, rng=np.random.default_rng(0), channels=True, transformations=["roll"])
        assert str(found.breaks["roll"]) == expected
