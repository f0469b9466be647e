"""Comparison: one run folder, equal metrics for equal seeds, and no files after a wrong call."""

import contextlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gnnmax.auditing.battery import audit
from gnnmax.data.generation import build
from gnnmax.data.importing import import_windows
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.store import open_dataset, write_dataset
from gnnmax.errors import InputError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.rerun import reproduce_run
from gnnmax.experiments.results import encode_results, read_results
from gnnmax.experiments.run_config import RUN_FORMAT
from gnnmax.experiments.run_folder import load_run
from gnnmax.experiments.seed_run import ComparisonSpec, _run_seed_in_worker
from gnnmax.models.architecture import named_architectures
from gnnmax.models.registry import MODELS
from gnnmax.testing import sample_windows
from gnnmax.training.config import TrainingConfig
from gnnmax.training.learner import TrainingError
from tests.support.faults import failing
from tests.support.run_results import figures

SMALL = load_recipe("tiles-3").replace(splits={"train": 4, "val": 2, "test": 3})
BUDGET = TrainingConfig(steps=6, evaluate_every=3, device="cpu")


def run(out: Path, **changes):
    call = {"models": ["cnn", "gnn"], "seeds": (0, 1), "training": BUDGET, **changes}
    return compare(call.pop("data", SMALL), call.pop("models"), out, **call)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "small"
    return out, run(out)


def test_two_runs_of_the_same_seeds_give_equal_metrics_for_any_number_of_workers(finished, tmp_path):
    assert figures(run(tmp_path / "again", workers=2)) == figures(finished[1])


@pytest.mark.parametrize("stored", [False, True])
def test_a_data_set_gives_the_metrics_of_its_recipe_in_one_process_or_two(finished, tmp_path, stored):
    data = build(SMALL)
    given = open_dataset(data.save(tmp_path / "data")) if stored else data
    assert figures(run(tmp_path / "run", data=given, workers=2)) == figures(finished[1])
    asked = json.loads((tmp_path / "run" / "config.json").read_text())
    assert asked["data"] == str(tmp_path / "data") if stored else asked["data"]["held"] == SMALL.name


def test_imported_windows_and_windows_alone_are_compared_on_and_reproduced_from_their_folder(tmp_path):
    windows = sample_windows(3, 80, rng=np.random.default_rng(0))
    data = import_windows(windows, name="mine")
    call = {"models": ["cnn"], "seeds": (0,)}
    results = run(tmp_path / "run", data=open_dataset(data.save(tmp_path / "mine")), **call)
    assert results.recipe == data.recipe.to_dict() and results.card.digest == data.recipe.digest
    assert all(check.holds for check in reproduce_run(tmp_path / "run"))
    alone = run(tmp_path / "alone", data=windows, **call)
    (found,), (expected,) = alone.tests, results.tests
    assert found.verdicts["cnn"].to_dict() == expected.verdicts["cnn"].to_dict()
    with pytest.raises(InputError, match="in memory only"):
        reproduce_run(tmp_path / "alone")
    with pytest.raises(InputError, match="no endless stream"):
        run(tmp_path / "stream", data=data, training=TrainingConfig(steps=1, stream=True), **call)


@pytest.fixture
def builds(monkeypatch):
    """The names of the recipes that were drawn."""
    drawn = []

    def counted(recipe, **options):
        drawn.append(recipe.name)
        return build(recipe, **options)

    monkeypatch.setattr("gnnmax.data.store.build", counted)
    return drawn


def test_each_data_set_is_built_once_for_any_number_of_seeds(tmp_path, builds):
    run(tmp_path / "run", models=["gnn"], seeds=(0, 1, 2), also=["real-karate"])
    assert builds == ["tiles-3", "real-karate"]


def test_a_worker_process_builds_each_data_set_once_and_forgets_those_of_the_last_comparison(tmp_path, builds):
    def worked(name, sources):
        spec = ComparisonSpec(sources, named_architectures(["gnn"]), BUDGET, tmp_path / name)
        (tmp_path / name / "metrics").mkdir(parents=True)
        return [_run_seed_in_worker(spec, seed).scores["gnn"] for seed in (0, 1, 2)]

    first = worked("one", (SMALL, load_recipe("real-karate")))
    assert builds == ["tiles-3", "real-karate"]
    assert not np.array_equal(first[0]["tiles-3"], first[1]["tiles-3"])
    worked("two", (SMALL,))
    assert builds == ["tiles-3", "real-karate"]
    worked("three", (SMALL, load_recipe("real-karate")))
    assert builds == ["tiles-3", "real-karate", "real-karate"]


def test_worker_processes_map_a_stored_data_set_and_give_the_results_of_one_process(finished, tmp_path, builds):
    stored = write_dataset(SMALL, tmp_path / "data")
    assert figures(run(tmp_path / "run", data=stored, workers=2)) == figures(finished[1])
    assert builds == []


@pytest.mark.parametrize(
    ("layout", "complaint"),
    [
        (None, "made by gnnmax 0.1: start again with --force"),
        (RUN_FORMAT - 1, "made by gnnmax 0.1: start again with --force"),
        (RUN_FORMAT + 1, "made by a newer gnnmax: upgrade"),
    ],
)
def test_a_run_of_another_version_is_not_resumed_and_is_not_called_damaged(finished, tmp_path, layout, complaint):
    copy = shutil.copytree(finished[0], tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    config.pop("format")
    (copy / "config.json").write_text(json.dumps(config if layout is None else {**config, "format": layout}))
    for call in (lambda: run(copy, resume=True), lambda: reproduce_run(copy)):
        with pytest.raises(InputError, match=complaint) as caught:
            call()
        assert "damaged" not in str(caught.value)


def test_another_seed_gives_other_metrics(finished, tmp_path):
    other = figures(run(tmp_path / "other", seeds=(2, 3)))
    assert other["tests"][0]["verdicts"]["cnn"] != figures(finished[1])["tests"][0]["verdicts"]["cnn"]


def test_the_run_folder_holds_what_the_docstring_says_and_nothing_else(finished):
    out, _ = finished
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    weights = {
        f"{m}/seed-{s}/{f}" for m in ("cnn", "gnn") for s in (0, 1) for f in ("model.json", "weights.safetensors")
    }
    loose = {"config.json", "environment.json", "log.txt", "results.json"}
    assert found == loose | weights | {"metrics/seed-0.jsonl", "metrics/seed-1.jsonl"}


def test_results_read_back_are_the_results_returned(finished):
    out, results = finished
    assert encode_results(read_results(out)) == encode_results(results)


def test_metrics_hold_every_evaluation_of_every_model(finished):
    out, _ = finished
    records = [json.loads(line) for line in (out / "metrics" / "seed-0.jsonl").read_text().splitlines()]
    evaluations = {(record["model"], record["step"]) for record in records if record["event"] == "evaluation"}
    assert evaluations == {(model, step) for model in ("cnn", "gnn") for step in (3, 6)}


def test_loaded_models_score_as_they_were_evaluated(finished):
    out, results = finished
    windows = build(SMALL).test
    for name, seeds in load_run(out).items():
        for model, accuracy in zip(seeds, results.tests[0].verdicts[name].by_seed["accuracy"], strict=True):
            assert np.mean((model(windows) > 0) == windows.label) == accuracy


def test_every_net_is_audited_as_it_is_kept(finished):
    out, results = finished
    windows = build(SMALL).test
    for record in results.models:
        for model, training in zip(load_run(out)[record.name], record.runs, strict=True):
            report = audit(model, windows, rng=np.random.default_rng(training.seed), most=300, shrink=False)
            assert training.audit.to_dict() == report.to_dict()
            assert record.declared == MODELS[record.name].group.invariances
    cnn, gnn = (record.runs[0].audit.findings["relabelling"].verdict for record in results.models)
    assert (cnn, gnn) == ("neither", "invariant")


def test_a_folder_in_use_is_refused_and_kept_and_force_replaces_a_run_only(finished, tmp_path):
    out, _ = finished
    before = (out / "results.json").read_bytes()
    with pytest.raises(InputError, match="in use"):
        run(out)
    assert (out / "results.json").read_bytes() == before
    (tmp_path / "thesis.tex").write_text("mine")
    (tmp_path / "config.json").write_text('{"architectures": ["BertModel"]}')
    with pytest.raises(InputError, match="is not a run of gnnmax"):
        run(tmp_path, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("error", [KeyboardInterrupt("stopped"), OSError(28, "stopped"), TrainingError("stopped")])
def test_a_run_that_force_is_to_replace_stays_until_the_new_one_is_whole(finished, tmp_path, error):
    out = shutil.copytree(finished[0], tmp_path / "run")
    before = content(out)

    def fail(_record):
        raise error

    with pytest.raises(type(error), match="stopped"):
        run(out, seeds=(7,), force=True, on_progress=fail)
    assert content(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"], "no litter"
    run(out, seeds=(7,), force=True)
    assert read_results(out).seeds == [7]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_force_keeps_a_run_that_holds_a_file_of_another(finished, tmp_path):
    out = shutil.copytree(finished[0], tmp_path / "run")
    (out / "notes.txt").write_text("precious")
    with pytest.raises(InputError, match=r"it also holds notes\.txt"):
        run(out, force=True)
    assert (out / "notes.txt").read_text() == "precious"


def test_a_run_folder_is_never_there_without_its_config(tmp_path, monkeypatch):
    for turn in range(1, 30):
        out = tmp_path / str(turn) / "run"
        with monkeypatch.context() as patch:
            calls = failing(patch, os, "fsync", turn)
            with contextlib.suppress(OSError):
                run(out, seeds=(0,), models=["question"])
        assert not out.exists() or (out / "config.json").is_file()
        if len(calls) < turn:
            return
    pytest.fail("more calls than that")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"models": ["cnm"]}, "unknown model 'cnm': did you mean cnn"),
        ({"models": "cnn"}, "sequence of names"),
        ({"models": []}, "at least one model"),
        ({"models": ["cnn", "cnn"]}, "each once"),
        ({"models": {"cnn": {"width": -1}}}, "config of model cnn"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (1, 1)}, "seeds"),
        ({"seeds": (0, 9 * 10**18)}, r"a seed must be an integer between 0 and 2\*\*62, not 9000000000000000000"),
        ({"seeds": (-1,)}, "a seed must be an integer between 0 and"),
        ({"workers": 0}, "workers"),
        ({"data": "spike-nine"}, "unknown recipe"),
        ({"data": "real-karate"}, "train"),
        ({"data": SMALL.replace(kinds={"centred": 1.0})}, "one class"),
        ({"models": ["question"], "also": ["real-karate"]}, "side 3"),
        ({"also": [SMALL]}, "same name"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_written(tmp_path, changes, complaint):
    with pytest.raises(InputError, match=complaint):
        run(tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


def test_models_of_any_side_are_tested_on_windows_of_another(tmp_path):
    results = run(tmp_path / "out", models=["gnn"], seeds=(0,), also=["real-karate"])
    assert [test.k for test in results.tests] == [3, 9]


def test_a_run_with_a_model_missing_is_refused(finished, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(finished[0], copy)
    shutil.rmtree(copy / "cnn" / "seed-1")
    with pytest.raises(InputError, match="different numbers of seeds"):
        load_run(copy)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"format": 6}', b'{"format": 0}'])
def test_damaged_results_are_refused(tmp_path, damage):
    (tmp_path / "results.json").write_bytes(damage)
    with pytest.raises(InputError, match=r"is damaged: .*; run compare again"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        (4, r"results.json was made by gnnmax 0.1 \(results format 4\): run compare again"),
        (99, r"results.json was made by a newer gnnmax \(results format 99\): upgrade"),
    ],
)
def test_results_of_another_format_are_refused_and_not_called_damaged(tmp_path, finished, made, complaint):
    stored = json.loads((finished[0] / "results.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps(stored | {"format": made}))
    with pytest.raises(InputError, match=complaint) as refusal:
        read_results(tmp_path)
    assert "damaged" not in str(refusal.value)


def test_curves_for_tensorboard_are_written(tmp_path):
    run(tmp_path / "run", models=["cnn"], seeds=(0,), tensorboard=True)
    curves = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    curves.Reload()
    assert [event.step for event in curves.Scalars("validation loss/cnn, seed 0")] == [3, 6]


def test_curves_without_the_extra_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    from gnnmax.training import tensorboard as curves

    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="tensorboard"):
        run(tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run").exists()
