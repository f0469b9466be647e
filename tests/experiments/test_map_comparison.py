"""Comparison on maps: one folder, equal metrics for equal seeds, resumed bit for bit; a wrong call leaves nothing."""

import json

import msgspec
import numpy as np
import pytest

from gnnmax.data.generation import build
from gnnmax.data.maps.places import peak_distances
from gnnmax.data.store import write_dataset
from gnnmax.errors import InputError
from gnnmax.evaluation.peaks.peak_evaluator import evaluate_peaks
from gnnmax.experiments import seed_run
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.map_kind import net_calls
from gnnmax.experiments.map_scoreboard import calls_of, evaluate_map_split, log_shares
from gnnmax.experiments.rerun import reproduce_run
from gnnmax.experiments.results import encode_results, parse_results, read_results
from gnnmax.experiments.run_folder import load_run
from gnnmax.experiments.single_training import train
from gnnmax.models.maps.convolution import MapCnn
from gnnmax.models.maps.trained import TrainedMapModel
from gnnmax.task.maps import Maps
from gnnmax.training.config import TrainingConfig
from gnnmax.training.learner import TrainingError
from tests.support.map_nets import SMALL
from tests.support.maps import BLOCKS, BUMP, LINE, few_maps_for_ceilings, map_recipe
from tests.support.run_results import figures

SPLITS = {"train": 12, "val": 8, "test": 8, "far": 5}
LINES = map_recipe(splits=SPLITS, n=16, plant=BUMP, diagonal=5, background=LINE, order="shuffled")
SEVERAL = map_recipe(
    splits={"train": 12, "val": 8, "test": 8}, n=12, structure="bipartite", columns=14, peaks=[0, 3], separation=2
)
BUDGET = TrainingConfig(steps=4, batch_size=4, evaluate_every=2, checkpoint_every=1, device="cpu")
NETS = {"map-cnn": SMALL["map-cnn"], "narrow": ("map-gnn", SMALL["map-gnn"])}


@pytest.fixture(autouse=True, scope="module")
def few():
    patch = pytest.MonkeyPatch()
    few_maps_for_ceilings(patch)
    yield
    patch.undo()


def run(out, **changes):
    call = {"models": NETS, "seeds": (0, 1), "training": BUDGET, **changes}
    return compare(call.pop("data", LINES), call.pop("models"), out, **call)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, few):
    out = tmp_path_factory.mktemp("runs") / "maps"
    return out, run(out)


def test_nets_and_rules_stand_in_one_table_with_intervals_ceilings_and_slices(finished):
    out, results = finished
    assert [test.name for test in results.tests] == ["x", "x/far"]
    test = results.tests[0]
    assert list(test.verdicts)[:3] == ["map-cnn", "narrow", "argmax"] and test.nets == ["map-cnn", "narrow"]
    for verdict in test.verdicts.values():
        assert {"found_exactly", "found_within", "recall_at_fdr", "f1"} <= verdict.intervals.keys()
        assert verdict.ceilings.keys() == {"found_exactly", "found_within"}
        assert {"amplitude", "diagonal"} <= verdict.slices.keys() and verdict.recall == verdict.found_within
    assert all(len(values) == 2 for values in test.verdicts["narrow"].by_seed.values())
    assert all({pair.first, pair.second} & {"map-cnn", "narrow"} for pair in test.differences)
    assert test.knowing == ["matched_filter", "posterior"] and len(test.gallery) == 6
    assert results.prior is None and {run.seed for run in results.models[0].runs} == {0, 1}
    assert all(found == "equivariant" for found in (results.models[1].runs[0].audit["relabelling"],))
    assert encode_results(read_results(out)) == encode_results(results)


def test_stored_calls_give_the_metrics_of_the_results(finished):
    out, results = finished
    maps = build(LINES).test
    truth = np.loadtxt(out / "truth-x.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(truth[:, :3], maps.peaks.places)
    for seed in (0, 1):
        stored = np.loadtxt(out / "narrow" / f"seed-{seed}" / "calls-x.csv", delimiter=",", skiprows=1)
        model = load_run(out)["narrow"][seed]
        assert isinstance(model, TrainedMapModel)
        calls = net_calls(model, build(LINES), "test")
        np.testing.assert_array_equal(stored[:, :3], calls.places)
        best = calls.places[np.unique(calls.map, return_index=True)[1]]
        far = peak_distances(maps, type(calls).of(best))
        assert results.tests[0].verdicts["narrow"].by_seed["found_within"][seed] == np.mean(far <= 1)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_two_runs_give_equal_metrics_for_any_number_of_workers_and_from_a_stored_data_set(finished, tmp_path, workers):
    write_dataset(LINES, tmp_path / "data")
    again = run(tmp_path / "again", workers=workers, data=tmp_path / "data")
    assert figures(again)["tests"] == figures(finished[1])["tests"]


def test_a_run_is_reproduced_from_its_folder(finished):
    checks = reproduce_run(finished[0])
    assert all(check.holds for check in checks) and len(checks) > 20


def test_a_killed_run_resumes_to_the_same_results(finished, tmp_path, monkeypatch):
    class KilledError(Exception):
        pass

    whole = seed_run.Checkpoint.write
    left = [3]

    def killing(self, snapshot):
        whole(self, snapshot)
        left[0] -= 1
        if not left[0]:
            raise KilledError("killed")

    monkeypatch.setattr(seed_run.Checkpoint, "write", killing)
    with pytest.raises(KilledError, match="killed"):
        run(tmp_path / "run")
    assert figures(run(tmp_path / "run", resume=True)) == figures(finished[1])
    with pytest.raises(InputError, match="started with"):
        run(tmp_path / "run", resume=True, training=msgspec.structs.replace(BUDGET, steps=5))


def test_maps_of_none_or_several_peaks_are_compared_by_recall_and_the_prior_is_recorded(tmp_path):
    results = run(tmp_path / "run", data=SEVERAL, models={"map-cnn": SMALL["map-cnn"]}, seeds=(0,))
    (test,) = results.tests
    assert 0 < results.prior < 0.1 and test.verdicts["map-cnn"].ceilings.keys() == {"recall"}
    assert "neighbours" not in test.verdicts and test.peaks == len(build(SEVERAL).test.peaks)
    streamed = msgspec.structs.replace(BUDGET, stream=True)
    run(tmp_path / "streamed", data=SEVERAL, models={"map-cnn": SMALL["map-cnn"]}, seeds=(0,), training=streamed)


def test_one_net_is_trained_and_returned(tmp_path):
    net = train(LINES, {"map-cnn": SMALL["map-cnn"]}, training=BUDGET)
    assert isinstance(net, TrainedMapModel) and net.card.recipe == "x"
    assert net.score(build(LINES).test).shape == (8, 16, 16)


def test_a_net_that_diverges_has_no_metrics_and_the_others_keep_theirs(tmp_path, monkeypatch):
    monkeypatch.setattr(MapCnn, "forward", lambda self, values: values * next(self.parameters()).sum() * np.inf)
    results = run(tmp_path / "run", seeds=(0,))
    assert results.diverged == {"map-cnn": "diverged at step 1 of seed 0"} and results.tests[0].nets == ["narrow"]
    assert parse_results(encode_results(results)).diverged == results.diverged
    with pytest.raises(TrainingError, match=r"is (nan|inf) at step 1"):
        train(LINES, {"map-cnn": SMALL["map-cnn"]}, training=BUDGET)


def test_calls_of_a_perfect_scorer_find_all_peaks_and_those_of_a_rule_do_not_know_more_than_it():
    data = build(SEVERAL)
    maps = data.test
    perfect = np.zeros(maps.values.shape)
    perfect[tuple(maps.peaks.places.T)] = 1.0
    found = evaluate_map_split(data, {"perfect": [calls_of(perfect, maps, separation=3)]}, trained=False)
    verdict = found.verdicts["perfect"]
    assert (verdict.recall, verdict.precision, verdict.f1, verdict.recall_at_fdr) == (1.0, 1.0, 1.0, 1.0)
    assert verdict.gaps["recall"] <= 0
    alone = evaluate_peaks(maps.along_host(), maps.along_host(), maps=len(maps))
    assert alone.recall == 1.0


def test_log_shares_are_probabilities_over_the_places_of_a_map():
    maps = build(LINES).test
    scores = np.where(np.eye(16, dtype=bool), -np.inf, np.random.default_rng(0).normal(size=maps.values.shape))
    scores = np.triu(scores, 1) + np.triu(scores, 1).swapaxes(1, 2) + np.where(np.eye(16), -np.inf, 0.0)
    shares = np.exp(log_shares(scores, maps))
    np.testing.assert_allclose(np.triu(shares, 1).sum(axis=(1, 2)), 1.0)
    directed = Maps.from_values(np.zeros((1, 3, 3)), structure="directed")
    np.testing.assert_allclose(np.exp(log_shares(directed.values, directed)).sum(), 1.0)


WRONG = {
    "nets on windows": ({"models": ["cnn"]}, "reads windows, and the data set holds maps: give sliding-cnn, which"),
    "a mixture": ({"models": ["map-cnn", "gnn"]}, "or one of map-cnn, map-unet, map-gnn"),
    "an own net": (
        {"models": ["mine=tests/support/own_nets.py:Mine"]},
        "Mine reads windows, and the data set holds maps",
    ),
    "an unknown net": ({"models": ["map-cmm"]}, "unknown net on maps 'map-cmm': did you mean map-cnn"),
    "nets on maps for windows": (
        {"data": "tiny", "models": ["map-cnn"]},
        "map-cnn reads maps, and the data set",
    ),
    "windows beside maps": ({"also": ["tiny"]}, "some of the data sets hold maps and others windows"),
    "bipartite maps": ({"data": SEVERAL}, "reads the weights among nodes, and the maps of x are bipartite"),
    "no training split": ({"data": LINES.replace(splits={"test": 3}, shifts={})}, "split"),
    "no peaks": ({"data": LINES.replace(**{"map.peaks": 0})}, "the maps of x have no peak"),
    "blocks": (
        {"data": map_recipe(splits={"train": 2, "val": 2, "test": 2}, **BLOCKS["block"])},
        "hide a block, and nets on maps look for peaks",
    ),
    "a rule's name": ({"models": {"argmax": ("map-cnn", {})}}, "has the name of a rule"),
    "the name of a rule of maps": ({"models": {"neighbours": ("map-cnn", {})}}, "has the name of a rule of maps"),
    "a config of another net": ({"models": {"map-cnn": {"levels": 2}}}, "unknown field"),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_a_wrong_call_is_refused_in_one_line_and_writes_nothing(tmp_path, what):
    changes, complaint = WRONG[what]
    with pytest.raises(InputError, match=complaint):
        run(tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda plain: plain["tests"][0].update(nets=["map-cnn"]), "has other nets than the run"),
        (lambda plain: plain["tests"][0].update(maps=3), "is of other maps"),
        (lambda plain: plain["models"][0].update(reference="gnn"), "cannot be called map-cnn"),
        (lambda plain: plain["models"][0]["runs"].pop(), "other seeds than the run"),
        (lambda plain: plain["models"][0]["runs"][0].update(best_step=3), "best step"),
        (lambda plain: plain["card"].update(digest="0" * 64), "digest of the card"),
        (lambda plain: plain.update(tests=[]), "tests"),
        (lambda plain: plain["tests"][0]["verdicts"]["argmax"]["metrics"].update(recall=1.5), "out of its range"),
    ],
)
def test_altered_results_are_refused(finished, change, complaint):
    plain = json.loads(encode_results(finished[1]))
    change(plain)
    with pytest.raises(InputError, match=complaint):
        parse_results(json.dumps(plain).encode())
