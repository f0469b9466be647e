"""A net on maps of one's own in a run: trained, resumed, audited, evaluated, shown, reproduced and searched by."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gnnmax.cli.main import main
from gnnmax.errors import InputError
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import read_results
from gnnmax.experiments.run_folder import load_run
from gnnmax.experiments.run_merging import merge_runs
from gnnmax.experiments.single_training import train
from gnnmax.training.config import TrainingConfig
from tests.support.map_nets import SMALL
from tests.support.maps import BUMP, LINE, few_maps_for_ceilings, map_recipe
from tests.support.own_map_nets import SOURCE, scoring
from tests.support.refusals import refused

RAGGED = map_recipe(splits={"train": 8, "val": 6, "test": 6}, n=[13, 16], plant=BUMP, diagonal=5, background=LINE)
BUDGET = TrainingConfig(steps=4, batch_size=4, evaluate_every=2, checkpoint_every=1, device="cpu")
FLAGS = ["--steps", "4", "--evaluate-every", "2", "--batch-size", "4", "--checkpoint-every", "1", "--device", "cpu"]


@pytest.fixture(autouse=True, scope="module")
def few():
    patch = pytest.MonkeyPatch()
    few_maps_for_ceilings(patch)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    file = tmp_path_factory.mktemp("my nets") / "net.py"
    file.write_text(SOURCE)
    return f"{file}:NearNodes"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    file = tmp_path_factory.mktemp("recipes") / "ragged.toml"
    file.write_text(RAGGED.to_toml())
    return str(file)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, net, recipe, few):
    out = tmp_path_factory.mktemp("runs") / "own"
    sizes = out.parent / "sizes.toml"
    sizes.write_text(
        f"[models.mine]\nheads = 3\n[models.narrow]\nmodel = 'map-cnn'\nwidth = {SMALL['map-cnn']['width']}"
    )
    call = ["compare", "--data", recipe, "--models", f"narrow,mine={net}", "--seeds", "2", "--config", str(sizes)]
    assert main([*call, "--out", str(out), *FLAGS]) == 0
    return out


def test_a_run_records_the_code_and_its_declared_symmetry_and_the_page_shows_them(finished, net):
    _, mine = read_results(finished).models
    assert (mine.reference, mine.equivariant, mine.cannot) == (net, ("relabelling",), "")
    assert mine.runs[0].audit["relabelling"].verdict == "equivariant"
    card = json.loads((finished / "mine" / "seed-1" / "model.json").read_text())
    assert (card["model"], card["k"], card["config"]) == (net, None, {"heads": 3})
    assert len(mine.sha256) == 64 and card["source_sha256"] == mine.sha256
    assert main(["report", str(finished)]) == 0
    page = (finished / "report.html").read_text()
    assert f"A net of your own, {net}. SHA-256 <code>{mine.sha256}</code>" in page


def test_a_folder_alone_runs_no_code_and_the_call_names_it(finished, net, recipe, capsys):
    for command in (["evaluate"], ["audit", "--most", "2"]):
        call = [*command, "--run", str(finished), "--data", recipe]
        assert f"to run that code, give --models mine={net}" in refused(call, capsys)
        assert "defines no Other; it defines: NearNodes" in refused(
            [*call, "--models", f"mine={net}"[:-9] + "Other"], capsys
        )
        assert main([*call, "--models", f"mine={net}", "--json"]) == 0
        assert "mine" in capsys.readouterr().out
    assert f"give --models mine={net}" in refused(["report", str(finished), "--reproduce"], capsys)


def test_a_run_is_reproduced_and_merged_and_searched_by_with_its_code(finished, net, recipe, capsys, tmp_path):
    assert main(["report", str(finished), "--reproduce", "--models", f"mine={net}"]) == 0
    assert "ok     mine: its code is the same" in capsys.readouterr().out
    merged = merge_runs([finished], tmp_path / "merged", models={"mine": net})
    verdicts = read_results(finished).tests[0].verdicts
    assert merged.tests[0].verdicts["mine"].metrics == verdicts["mine"].metrics
    np.save(tmp_path / "m.npy", np.random.default_rng(0).normal(size=(20, 20)))
    by = ["detect", str(tmp_path / "m.npy"), "--k", "3", "--json", "--by"]
    assert main([*by, f"{finished / 'mine'}={net}"]) == 0
    assert f"to run that code, give --models mine={net}" in refused([*by, str(finished / "mine")], capsys)


def test_a_changed_file_is_refused_unless_it_is_allowed(finished, net, tmp_path):
    (tmp_path / "net.py").write_text(f"{SOURCE}\n# a comment\n")
    changed = f"{tmp_path / 'net.py'}:NearNodes"
    with pytest.raises(InputError, match="was changed since its training"):
        load_run(finished, "cpu", models={"mine": changed})
    assert len(load_run(finished, "cpu", models={"mine": changed}, allow_changed=True)["mine"]) == 2


def test_a_stopped_run_resumes_to_the_same_weights(finished, net, recipe, tmp_path, monkeypatch):
    stopped = tmp_path / "run"

    def stop(record):
        if record["event"] == "evaluation":
            raise KeyboardInterrupt("stopped")

    models = {"mine": (net, {"heads": 3})}
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        compare(recipe, models, stopped, seeds=(0,), training=BUDGET, on_progress=stop)
    results = compare(recipe, models, stopped, seeds=(0,), training=BUDGET, resume=True)
    weights = [path / "mine" / "seed-0" / "weights.safetensors" for path in (stopped, finished)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert results.models[0].runs[0].steps == 4


def along_rows(factor, values):
    return factor * values.nan_to_num().cumsum(1)


def by_number(factor, values):
    return factor * values.nan_to_num() * torch.arange(values.shape[2])


@pytest.mark.parametrize(
    ("factory", "complaint"),
    [
        (scoring(along_rows, equivariant=("relabelling",)), "declares relabelling, and its scores of x do not"),
        (scoring(by_number, equivariant=("translation",)), "declares translation, and its scores"),
        (scoring(lambda f, v: f * (v - v.mean())), "returns NaN for [0-9,]+ observed entries"),
        (scoring(lambda f, v: (f * v).sqrt().nan_to_num()), "gradient of 'factor' in the net .* is NaN: replace"),
        (scoring(lambda f, v: (f * v.nan_to_num()).detach()), "cannot be trained: RuntimeError"),
    ],
)  # fmt: skip
def test_a_net_that_cannot_be_trained_or_lacks_what_it_declares_is_refused_before_anything_is_written(
    factory, complaint, tmp_path
):
    with pytest.raises(InputError, match=complaint) as caught:
        compare(RAGGED, {"map-cnn": SMALL["map-cnn"], "mine": factory}, tmp_path / "run", seeds=(0,), training=BUDGET)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_net_that_needs_nodes_is_refused_for_bipartite_maps(tmp_path):
    factory = scoring(lambda f, v: f * v.nan_to_num(), needs_nodes=True)
    two = map_recipe(splits={"train": 4, "val": 4, "test": 4}, structure="bipartite", columns=14)
    with pytest.raises(InputError, match="net factory reads the weights among nodes, and the maps of x are bipartite"):
        compare(two, [factory], tmp_path / "run", training=BUDGET)


def test_train_returns_a_scorer_of_maps(net):
    model = train(RAGGED, f"mine={net}", training=BUDGET)
    assert model.score_matrix(np.eye(5), structure="symmetric").shape == (5, 5)
    assert Path(model.card.model.rpartition(":")[0]).name == "net.py"
