"""Training on maps: by the same loop, with a loss over places; stored or streamed, resumed bit for bit."""

import math

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from gnnmax.data.generation import build
from gnnmax.errors import InputError
from gnnmax.models.maps.registry import build_map_model
from gnnmax.task.maps import Maps
from gnnmax.training.batches import StreamedBatches
from gnnmax.training.checkpoint import Checkpoint
from gnnmax.training.config import TrainingConfig
from gnnmax.training.loop import train_models
from gnnmax.training.objectives import (
    NEAR,
    NO_PLACE,
    OTHER,
    PEAK,
    PlaceObjective,
    Stream,
    batch_of,
    objective_of,
    place_codes,
)
from tests.support.map_nets import SMALL
from tests.support.maps import BUMP, TABLES, map_recipe
from tests.support.training import TRAIN, VAL, equal

SPLITS = {"train": 40, "val": 20, "test": 5}
ONE_PEAK = map_recipe(splits=SPLITS, n=12, plant={**BUMP, "amplitude": 4.0}, diagonal=3, order="shuffled")
SEVERAL = map_recipe(splits=SPLITS, n=12, structure="directed", peaks=[0, 3], separation=2)
DATA = {recipe.digest: build(recipe) for recipe in (ONE_PEAK, SEVERAL)}
QUICK = TrainingConfig(steps=6, batch_size=8, evaluate_every=3, checkpoint_every=2, device="cpu")
STREAMED = TrainingConfig(steps=6, batch_size=8, evaluate_every=3, checkpoint_every=2, device="cpu", stream=True)


def learned(names=("map-cnn",), recipe=ONE_PEAK, config=QUICK, seed=0, **options):
    nets = {name: build_map_model(name, SMALL[name], seed=seed) for name in names}
    train = Stream(recipe) if config.stream else DATA[recipe.digest].train
    rng = np.random.default_rng(seed)
    return nets, train_models(nets, train, DATA[recipe.digest].val, config, rng, **options)


@pytest.mark.parametrize("config", [QUICK, STREAMED], ids=["stored", "streamed"])
@pytest.mark.parametrize("recipe", [ONE_PEAK, SEVERAL], ids=["one peak", "several"])
def test_the_same_seed_gives_the_same_weights_and_every_net_learns_beside_the_others_as_alone(recipe, config):
    records = []
    nets, results = learned(("map-cnn", "map-gnn"), recipe, config, on_record=records.append)
    again, _ = learned(("map-gnn",), recipe, config)
    assert equal(nets["map-gnn"], again["map-gnn"])
    assert not equal(nets["map-gnn"], build_map_model("map-gnn", SMALL["map-gnn"]))
    for result in results.values():
        assert math.isfinite(result.loss) and 0 <= result.accuracy <= result.history[-1]["within_one"] <= 1
    assert {record["event"] for record in records} == {"step", "evaluation"}


@pytest.mark.parametrize("config", [QUICK, STREAMED], ids=["stored", "streamed"])
@pytest.mark.parametrize("stop", [1, 2])
def test_a_killed_training_resumes_bit_for_bit(tmp_path, config, stop):
    whole, results = learned(("map-cnn", "map-gnn"), config=config)

    class KilledError(Exception):
        pass

    class Killing(Checkpoint):
        left = stop

        def write(self, snapshot):
            super().write(snapshot)
            self.left -= 1
            if not self.left:
                raise KilledError("killed")

    with pytest.raises(KilledError, match="killed"):
        learned(("map-cnn", "map-gnn"), config=config, checkpoint=Killing(tmp_path / "seed-0.json"))
    again, resumed = learned(("map-cnn", "map-gnn"), config=config, checkpoint=Checkpoint(tmp_path / "seed-0.json"))
    for name, net in whole.items():
        assert equal(net, again[name])
        assert [record["loss"] for record in results[name].history] == [r["loss"] for r in resumed[name].history]


def test_a_net_whose_loss_is_not_finite_stops_and_the_others_go_on():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, values):
            return values * self.scale * torch.inf

    nets = {"broken": Broken(), "map-cnn": build_map_model("map-cnn", SMALL["map-cnn"])}
    data = DATA[ONE_PEAK.digest]
    results = train_models(nets, data.train, data.val, QUICK, np.random.default_rng(0))
    assert "is nan at step 1" in results["broken"].diverged and results["map-cnn"].steps == 6


@pytest.mark.parametrize("table", list(TABLES))
def test_places_are_observed_entries_and_those_near_a_peak_are_near_along_the_host(table):
    maps = build(map_recipe(**TABLES[table])).test
    codes = place_codes(maps)
    for index in range(len(maps)):
        own = maps.peak_position[index][maps.peak_position[index, :, 0] >= 0]
        true = {tuple(place) for place in own.tolist()}
        for row, column in np.ndindex(*codes.shape[1:]):
            inside = not np.isnan(maps.values[index, row, column])
            place = inside and (maps.structure != "symmetric" or row < column)
            a, b = maps.row_place[index, row], maps.column_place[index, column]
            ends = [(maps.row_place[index, p], maps.column_place[index, q]) for p, q in own]
            ends += [(q, p) for p, q in ends] if maps.structure == "symmetric" else []
            near = any(max(abs(a - p), abs(b - q)) <= 1 for p, q in ends)
            wanted = PEAK if (row, column) in true else NEAR if near else OTHER
            assert codes[index, row, column] == (wanted if place else NO_PLACE)


def test_the_loss_of_one_peak_is_the_cross_entropy_over_places():
    maps = DATA[ONE_PEAK.digest].val
    (values,), codes = batch_of(maps, torch.device("cpu"))
    evidence = torch.tensor(np.random.default_rng(0).normal(size=values.shape))
    upper = np.triu_indices(maps.n, 1)
    losses = []
    for index, (_, row, column) in enumerate(maps.peaks.places.tolist()):
        places = evidence[index][upper]
        losses.append(float(torch.logsumexp(places, 0) - evidence[index, row, column]))
    assert float(PlaceObjective(None).loss(evidence, codes)) == pytest.approx(np.mean(losses))
    moved = evidence + torch.arange(float(len(maps)))[:, None, None]
    assert float(PlaceObjective(None).loss(moved, codes)) == pytest.approx(np.mean(losses))


def test_the_loss_of_several_peaks_is_the_log_loss_of_every_place_with_the_stated_prior():
    maps = DATA[SEVERAL.digest].val
    objective = objective_of(DATA[SEVERAL.digest].train, maps)
    assert objective.prior == pytest.approx(len(maps.peaks) / maps.values.size)
    (values,), codes = batch_of(maps, torch.device("cpu"))
    blind = objective.loss(torch.zeros(values.shape), codes)
    p = objective.prior
    assert float(blind) == pytest.approx(-(p * math.log(p) + (1 - p) * math.log(1 - p)) * maps.values[0].size)
    perfect = torch.where(codes == PEAK, 30.0, -30.0)
    assert float(objective.loss(perfect, codes)) < 1e-4


def test_calls_are_as_many_as_peaks_and_a_call_beside_a_peak_is_within_one():
    maps = Maps.from_values(np.zeros((2, 6, 6)), structure="directed", peaks=[[0, 0, 0], [0, 4, 4], [1, 2, 2]])
    codes = torch.from_numpy(place_codes(maps))
    evidence = torch.zeros(2, 6, 6)
    evidence[0, 0, 0], evidence[0, 4, 5], evidence[0, 3, 3] = 3.0, 2.0, 1.0  # the third is one call too many
    evidence[1, 2, 5] = 1.0
    assert PlaceObjective(0.1).metrics(evidence, codes) == {
        "accuracy": pytest.approx(1 / 3),
        "within_one": pytest.approx(2 / 3),
    }


def test_maps_of_one_peak_beside_maps_of_several_have_the_loss_of_every_place():
    one, several = (build(map_recipe(20, structure="directed", peaks=p, separation=3)).test for p in (1, [0, 3]))
    assert objective_of(one, one).prior is None
    assert objective_of(several, one).prior is not None and objective_of(one, several).prior is not None
    assert objective_of(Stream(ONE_PEAK), DATA[ONE_PEAK.digest].val).prior is None
    assert objective_of(Stream(SEVERAL), DATA[ONE_PEAK.digest].val).prior is not None


def test_a_map_whose_peak_is_not_observed_has_no_loss_and_the_others_keep_theirs():
    maps = DATA[ONE_PEAK.digest].val[:2]
    (values,), codes = batch_of(maps, torch.device("cpu"))
    lost = codes.clone()
    lost[1][lost[1] == PEAK] = NO_PLACE
    one = PlaceObjective(None).loss(values[:1], codes[:1])
    assert float(PlaceObjective(None).loss(values, lost)) == pytest.approx(float(one) / 2)


def test_a_stream_of_maps_resumes_where_it_was_left():
    batches = StreamedBatches(Stream(ONE_PEAK), 3, np.random.default_rng(0), torch.device("cpu"))
    batches.take()
    state = batches.state()
    wanted = batches.take()[0][0]
    batches.restore(state)
    assert torch.equal(batches.take()[0][0], wanted)


def test_limits_of_the_split_hold_for_maps():
    few = TrainingConfig(steps=2, batch_size=4, train_windows=8, device="cpu")
    nets, _ = learned(config=few)
    net = {"map-cnn": build_map_model("map-cnn", SMALL["map-cnn"])}
    data = DATA[ONE_PEAK.digest]
    train_models(net, data.train[:8], data.val, QUICK_TWO, np.random.default_rng(0))
    assert equal(net["map-cnn"], nets["map-cnn"])


QUICK_TWO = TrainingConfig(steps=2, batch_size=4, device="cpu")


@pytest.mark.parametrize(
    ("train", "val", "complaint"),
    [
        (DATA[ONE_PEAK.digest].train, VAL, "one of the two splits holds windows and the other maps"),
        (TRAIN, DATA[ONE_PEAK.digest].val, "one of the two splits holds windows and the other maps"),
        (DATA[ONE_PEAK.digest].train, DATA[SEVERAL.digest].val, "training maps are symmetric and validation maps dir"),
        (DATA[ONE_PEAK.digest].train[:0], DATA[ONE_PEAK.digest].val, "there are no training maps"),
        (build(map_recipe(peaks=0)).test, DATA[ONE_PEAK.digest].val, "none of 3 training maps has a peak"),
        (
            Maps.from_values(np.full((4, 4), np.inf), structure="symmetric", peaks=[[0, 0, 1]]),
            DATA[ONE_PEAK.digest].val,
            "infinite values",
        ),
        (
            DATA[ONE_PEAK.digest].train,
            Maps.from_values(np.full((4, 4), np.nan), structure="symmetric", peaks=[[0, 0, 1]]),
            "has a peak that is observed",
        ),
    ],
)
def test_wrong_maps_are_refused_in_one_line(train, val, complaint):
    with pytest.raises(InputError, match=complaint):
        train_models({"map-cnn": build_map_model("map-cnn")}, train, val, QUICK, np.random.default_rng(0))


@pytest.mark.slow
def test_the_map_cnn_comes_close_to_the_best_rule_where_the_order_is_known():
    """A clear bump in maps of 16 nodes: within a quarter of the way from the largest entry to the posterior rule."""
    recipe = map_recipe(splits={"train": 2, "val": 200, "test": 2}, n=16, structure="directed", plant=BUMP)
    config = TrainingConfig(steps=400, batch_size=32, evaluate_every=100, learning_rate=5e-3, device="cpu", stream=True)
    net = {"map-cnn": build_map_model("map-cnn", {"width": 12, "dilations": [1, 2]})}
    data = build(recipe)
    result = train_models(net, Stream(recipe), data.val, config, np.random.default_rng(0))["map-cnn"]
    from gnnmax.data.maps.rules import MAP_RULES

    codes = torch.from_numpy(place_codes(data.val))
    best, blind = (
        PlaceObjective(None).metrics(torch.from_numpy(MAP_RULES[name](data.val)), codes)["accuracy"]
        for name in ("posterior", "argmax")
    )
    assert result.accuracy > best - 0.25 * (best - blind)


def test_maps_that_workers_draw_ahead_give_the_same_weights():
    ahead, _ = learned(config=msgspec.structs.replace(STREAMED, stream_workers=1))
    assert equal(ahead["map-cnn"], learned(config=STREAMED)[0]["map-cnn"])
    with pytest.raises(InputError, match="stream_workers draw examples of a stream, and there is none"):
        learned(config=msgspec.structs.replace(QUICK, stream_workers=1))


@pytest.mark.parametrize("name", list(SMALL))
def test_half_precision_trains_and_the_scores_stay_in_full_precision(name):
    config = msgspec.structs.replace(QUICK, precision="bfloat16", steps=2)
    nets, results = learned((name,), config=config)
    assert math.isfinite(results[name].loss) and not equal(nets[name], learned((name,), config=QUICK)[0][name])
    assert all(weight.dtype == torch.float32 for weight in nets[name].parameters())
