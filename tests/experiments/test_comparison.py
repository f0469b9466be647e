"""Side by side: one run folder, equal figures for equal seeds, nothing written for a wrong call."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gnnmax.auditing.battery import audit
from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import FindingRecord, encode_results, read_results
from gnnmax.experiments.run_folder import load_run
from gnnmax.models.registry import MODELS
from gnnmax.training.config import TrainingConfig

SMALL = load_recipe("tiles-3").replace(splits={"train": 4, "val": 2, "test": 3})
BUDGET = TrainingConfig(steps=6, evaluate_every=3, device="cpu")


def run(out: Path, **changes):
    call = {"models": ["cnn", "gnn"], "seeds": (0, 1), "training": BUDGET, **changes}
    return compare(call.pop("data", SMALL), call.pop("models"), out, **call)


def figures(results) -> dict:
    """Everything but the clock."""
    plain = msgspec.to_builtins(results)
    plain.pop("environment")
    for model in plain["models"]:
        for training in model["runs"]:
            training.pop("seconds")
            for record in training["history"]:
                record.pop("seconds")
    return plain


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "small"
    return out, run(out)


def test_two_runs_of_the_same_seeds_give_equal_figures_for_any_number_of_workers(finished, tmp_path):
    assert figures(run(tmp_path / "again", workers=2)) == figures(finished[1])


def test_another_seed_gives_other_figures(finished, tmp_path):
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
            assert msgspec.to_builtins(training.audit) == {
                **report.to_dict(),
                "findings": {
                    name: {field: getattr(finding, field) for field in FindingRecord.__struct_fields__}
                    for name, finding in report.items()
                },
            }
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
    with pytest.raises(InputError, match="holds other files"):
        run(tmp_path, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"models": ["cnm"]}, "unknown model 'cnm'; known: "),
        ({"models": "cnn"}, "sequence of names"),
        ({"models": []}, "at least one model"),
        ({"models": ["cnn", "cnn"]}, "each once"),
        ({"models": {"cnn": {"width": -1}}}, "config of model cnn"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (1, 1)}, "seeds"),
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
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished[0], copy)
    shutil.rmtree(copy / "cnn" / "seed-1")
    with pytest.raises(InputError, match="equally many seeds"):
        load_run(copy)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"format": 5}', b'{"format": 0}'])
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


def test_curves_for_tensorboard_are_written_where_the_extra_is_installed(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(tmp_path / "run", models=["cnn"], seeds=(0,), tensorboard=True)
    curves = reader.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    curves.Reload()
    assert [event.step for event in curves.Scalars("validation loss/cnn, seed 0")] == [3, 6]


def test_curves_without_the_extra_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    from gnnmax.training import tensorboard as curves

    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="tensorboard"):
        run(tmp_path / "run", tensorboard=True)
    assert not (tmp_path / "run").exists()
