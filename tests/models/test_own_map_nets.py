"""Nets on maps of your own: evidence of every entry, declared symmetries, and everything that is wrong is one line."""

import functools

import msgspec
import numpy as np
import pytest
import torch

from gnnmax.errors import InputError
from gnnmax.models.architecture import architecture_of
from gnnmax.models.maps.trained import load_map_model
from gnnmax.models.model_folders import load_model, save_model
from gnnmax.models.own_nets import own_entry
from gnnmax.task.maps import Maps
from tests.support.own_map_nets import Scaled, scoring


def built(factory, config=None):
    entry = own_entry("net.py:Mine", factory)
    return entry.make(None, entry.parse(config), 0)


def test_a_net_on_maps_has_a_config_and_declares_nothing_unless_it_says_so():
    entry = own_entry("net.py:Mine", Scaled)
    assert entry.on_maps and entry.any_k and not entry.needs_nodes
    assert (entry.group_name, entry.invariances, entry.ceiling(None)) == ("not declared", (), None)
    assert msgspec.to_builtins(entry.parse({"factor": 3.0})) == {"factor": 3.0}
    said = own_entry("net.py:Mine", scoring(torch.mul, equivariant=["relabelling"], needs_nodes=True))
    assert (said.group_name, said.invariances, said.needs_nodes) == ("relabelling", ("relabelling",), True)
    assert own_entry("net.py:Mine", scoring(torch.mul, equivariant=())).group_name == "none"


def test_a_net_on_maps_reads_maps_of_any_sides_and_cannot_change_them():
    net = built(functools.partial(Scaled, factor=3.0))
    values = torch.rand(2, 5, 7)
    assert torch.equal(net(values), 3 * values)
    before = values.clone()
    built(scoring(lambda factor, values: values.zero_() * factor))(values)
    assert torch.equal(values, before)


@pytest.mark.parametrize(
    ("factory", "complaint"),
    [
        (scoring(lambda f, v: f * v.mean((1, 2))), r"each entry of 2 maps of 16 x 16, .*not shape \(2,\)"),
        (scoring(lambda f, v: (f * v)[:, None]), r"not shape \(2, 1, 16, 16\): end it with one channel"),
        (scoring(lambda f, v: f * v.sum()), r"not shape \(\): "),
        (scoring(lambda f, v: (f * v)[:, 1:]), r"not shape \(2, 15, 16\)"),
        (scoring(lambda f, v: [f * v]), "not a list"),
        (scoring(lambda f, v: f * v > 0), r"returns torch\.bool: its output must be float32"),
        (scoring(lambda f, v: f @ v @ v[:, :3]), "fails on 2 maps of 16 x 16: RuntimeError"),
        (scoring(torch.mul, equivariant="relabelling"), "says equivariant = 'relabelling': give a tuple of names"),
        (scoring(torch.mul, equivariant=("rotation",)), "'relabelling', 'transposition', 'translation'"),
        (scoring(torch.mul, inputs="map"), 'set its attribute inputs to "values", "contexts", "graph" or "maps"'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_net_on_maps_is_said_in_one_line(factory, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        built(factory)
    assert "\n" not in str(caught.value) and "net.py:Mine" in str(caught.value)


def test_a_factory_of_nets_on_maps_takes_no_side():
    class Sided(Scaled):
        def __init__(self, k):
            super().__init__()

    with pytest.raises(InputError, match=r"makes a net on maps, which have no side: leave out its parameter k"):
        own_entry("net.py:Sided", Sided)


def test_a_net_on_windows_is_refused_for_maps_and_the_reverse():
    class OnWindows(Scaled):
        inputs = "values"

        def __init__(self, k):
            super().__init__()

    with pytest.raises(
        InputError, match=r'OnWindows reads windows, .*: give a net with inputs = "maps", or one of map-'
    ):
        architecture_of("mine", OnWindows, maps=True)
    with pytest.raises(InputError, match="Scaled reads maps, and the data set holds windows"):
        architecture_of("mine", Scaled)
    with pytest.raises(InputError, match=r"unknown net on maps 'mapcnn': did you mean map-cnn.*; your own is NAME="):
        architecture_of("mapcnn", maps=True)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    net = architecture_of("mine", (Scaled, {"factor": 4.0}), maps=True)
    save_model(folder, net.build(None), name="mine", k=None, architecture=net)
    return folder


def test_a_folder_gives_weights_and_never_code(saved):
    maps = Maps.from_values([np.eye(4), np.eye(3)], structure="directed")
    model = load_map_model(saved, "cpu", net=Scaled)
    scores = model.score(maps)
    assert np.array_equal(scores[0], 4 * np.eye(4, dtype=np.float32)) and np.isinf(scores[1, 3]).all()
    assert model.encoding == "", "whether it depends on the scale is not known"
    model.save(saved / "again")
    assert np.array_equal(load_map_model(saved / "again", "cpu", net=Scaled).score(maps), scores)
    with pytest.raises(InputError, match=r"mine is a net of your own, .*:Scaled: to run that code, give"):
        load_map_model(saved)
    with pytest.raises(InputError, match="mine reads maps, not windows: load it with load_map_model"):
        load_model(saved, net=Scaled)


def test_evidence_that_is_nan_where_something_is_observed_is_refused(saved):
    class Spoiled(Scaled):
        def forward(self, values):
            return self.factor * (values - values.mean())  # one gap spoils all

    model = load_map_model(saved, "cpu", net=Spoiled, allow_changed=True)
    assert model.score(Maps.from_values(np.eye(4), structure="directed")).shape == (1, 4, 4)
    with pytest.raises(InputError, match=r"the net mine returns NaN for 25 observed entries: .*standardise_maps does"):
        model.score(Maps.from_values([np.eye(4), np.eye(3)], structure="directed"))
