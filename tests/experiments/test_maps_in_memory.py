"""Maps of one's own in a comparison: split by graph, without a recipe, compared, resumed and never drawn again."""

import json
import pickle

import numpy as np
import pytest

from gnnmax import build, compare
from gnnmax.cli.main import main
from gnnmax.data.maps.importing import import_maps
from gnnmax.errors import InputError
from gnnmax.experiments.results import read_results
from gnnmax.experiments.single_training import train
from gnnmax.experiments.sources import load_source, source_for_workers
from gnnmax.report.hugging_face import write_dataset_card
from gnnmax.task.maps import Maps
from gnnmax.training.config import TrainingConfig
from tests.support.map_nets import SMALL
from tests.support.maps import map_recipe

BUDGET = TrainingConfig(steps=4, batch_size=4, evaluate_every=2, device="cpu")
NETS = {"map-cnn": SMALL["map-cnn"]}


def own(count=40, n=12, *, structure="directed", peaks=None):
    """Matrices of noise with one high entry each."""
    rng = np.random.default_rng(0)
    values, places = rng.normal(size=(count, n, n)), rng.integers(0, n, size=(count, 2))
    values[np.arange(count), *places.T] += 5
    return Maps.from_values(
        values, structure=structure, peaks=np.c_[np.arange(count), places] if peaks is None else peaks
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "own"
    return out, compare(own(), NETS, out, seeds=(0,), training=BUDGET)


def test_maps_are_split_by_graph_and_have_no_ceiling(finished, capsys):
    out, results = finished
    assert read_results(out).card.splits.keys() == {"train", "val", "test"}
    (test,) = results.tests
    assert (test.name, test.maps, test.order, test.ceilings, test.rows) == ("maps", 4, "given", [], (12, 12))
    assert test.verdicts["argmax"].metrics["found_exactly"] == 1.0, "the high entries are there"
    assert results.recipe["structure"] == "directed" and json.loads((out / "config.json").read_text())["data"]["held"]
    assert main(["report", str(out)]) == 0
    assert "4 directed maps of 12 rows, order given" in capsys.readouterr().out.replace("\n", " ")


def test_the_same_maps_resume_and_others_do_not(finished):
    out, results = finished
    again = compare(own(), NETS, out, seeds=(0,), training=BUDGET, resume=True)
    assert again.tests[0].verdicts["map-cnn"].metrics == results.tests[0].verdicts["map-cnn"].metrics
    with pytest.raises(InputError, match="was started with "):
        compare(own(50), NETS, out, seeds=(0,), training=BUDGET, resume=True)


def test_workers_get_a_copy_of_the_maps():
    maps = own()
    data = load_source(maps)
    sent = pickle.loads(pickle.dumps(source_for_workers(maps, data)))
    assert np.array_equal(sent.train.values, data.train.values) and sent.recipe == data.recipe


def test_maps_of_a_graph_stay_together():
    maps = own(12)
    grouped = import_maps(Maps.concatenate([maps, maps]), shares={"train": 0.5, "test": 0.5})
    assert not set(grouped.train.graph.tolist()) & set(grouped.test.graph.tolist())
    assert len(grouped.train) + len(grouped.test) == 24


def test_a_net_is_trained_on_maps_in_memory():
    assert train(own(), NETS, training=BUDGET).score(own(1)).shape == (1, 12, 12)


def test_a_run_on_maps_in_memory_is_not_repeated(finished, capsys):
    assert main(["report", str(finished[0]), "--reproduce"]) == 2
    assert "were in memory only" in capsys.readouterr().err


def test_maps_without_a_recipe_are_not_stored(tmp_path):
    data = import_maps(own(), name="mine")
    for store in (data.save, lambda path: write_dataset_card(data, path)):
        with pytest.raises(InputError, match=r"maps of your own have no recipe to store: keep the matrices"):
            store(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("maps", "changes", "complaint"),
    [
        (own()[:0], {}, "there are no maps: give at least one for each split"),
        (own(2), {}, "2 graphs cannot make 3 splits"),
        (own(peaks=np.zeros((0, 3), dtype=int)), {}, "the train split of maps has no peak: nothing can be learned"),
        (own(peaks=[[39, 1, 1]]), {}, r"of maps ha(s|ve) no peak: nothing can be "),
        (own(), {"training": TrainingConfig(steps=4, stream=True, device="cpu")}, "have no endless stream"),
        (own(), {"models": ["cnn"]}, "the net cnn reads windows, and the data set holds maps: give sliding-cnn"),
        (own(), {"also": ["tiny"]}, "some of the data sets hold maps and others windows"),
        (own(), {"also": [own()]}, "two of the data sets have the same name"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(maps, changes, complaint, tmp_path):
    call = {"models": NETS, "training": BUDGET, **changes}
    with pytest.raises(InputError, match=complaint) as caught:
        compare(maps, call.pop("models"), tmp_path / "run", seeds=(0,), **call)
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_drawn_maps_may_be_given_without_their_recipe(tmp_path):
    maps = build(map_recipe(12, structure="directed", peaks=[1, 2], separation=2, n=[9, 12])).test
    results = compare(maps, NETS, tmp_path / "run", seeds=(0,), training=BUDGET)
    assert results.tests[0].rows == (int(maps.size.min()), int(maps.size.max())) and results.prior is not None
