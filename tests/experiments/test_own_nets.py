"""A net of one's own in a run: from a file or in code, by workers, resumed, audited, shown and evaluated again."""

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gnnmax import build, compare, load_model, load_recipe, train
from gnnmax.cli.main import main
from gnnmax.data.dataset import DataSet
from gnnmax.data.store import open_dataset, write_dataset
from gnnmax.errors import InputError
from gnnmax.experiments.results import read_results
from gnnmax.experiments.run_folder import load_run
from gnnmax.experiments.run_records import Metrics
from gnnmax.report.page import render_page
from gnnmax.training.config import TrainingConfig
from gnnmax.training.learner import TrainingError
from tests.support.interrupts import wait_until
from tests.support.own_nets import Mine
from tests.support.run_results import figures

SMALL = load_recipe("tiles-3").replace(splits={"train": 4, "val": 2, "test": 3})
BUDGET = TrainingConfig(steps=6, evaluate_every=3, device="cpu")
FLAGS = ["--steps", "6", "--evaluate-every", "3", "--device", "cpu"]

GINE = """
import torch
from torch import nn
from torch_geometric.nn import GINEConv

class MyNet(nn.Module):
    inputs = "graph"
    any_k = True

    def __init__(self, k, width: int = 4):
        super().__init__()
        self.start = nn.Linear(3, width)
        self.conv = GINEConv(nn.Linear(width, width), edge_dim=1, aggr="max")
        self.head = nn.Linear(width, 1)

    def forward(self, batch):
        x = self.conv(self.start(batch.x), batch.edge_index, batch.edge_weight[:, None])
        return self.head(nn.functional.dropout(x[batch.root_index].sum(0), 0.2, self.training)).squeeze(-1)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_dataset(SMALL, tmp_path_factory.mktemp("data") / "tiles")


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    file = tmp_path_factory.mktemp("my nets") / "net.py"
    file.write_text(GINE)
    return file


@pytest.fixture(scope="module")
def finished(data, net, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "own"
    models = {"gnn-wide": ("gnn", {"width": 20}), "gnn": None, "mine": f"{net}:MyNet"}
    return out, compare(data, models, out, seeds=(0, 1), training=BUDGET)


def test_a_run_records_the_reference_and_the_digest_and_the_page_shows_them(finished, net):
    out, results = finished
    wide, gnn, mine = results.models
    assert (wide.reference, wide.group, wide.ceiling) == ("gnn", gnn.group, 1.0)
    assert wide.runs[0].parameters > gnn.runs[0].parameters
    assert (mine.reference, mine.group, mine.ceiling, mine.declared) == (f"{net}:MyNet", "not declared", None, ())
    card = json.loads((out / "mine" / "seed-1" / "model.json").read_text())
    assert (card["name"], card["model"], card["source_sha256"]) == ("mine", f"{net}:MyNet", mine.sha256)
    page = render_page(read_results(out))
    assert "symmetry not declared<br>ceiling unknown" in page
    assert mine.sha256 in page and "gnn-wide is <code>gnn</code>" in page
    assert mine.runs[0].audit["relabelling"].verdict == "invariant", "found by the audit"


def test_a_folder_alone_runs_no_code(finished, data, net, capsys):
    out, _ = finished
    for call in (["evaluate"], ["audit", "--most", "20"]):
        assert main([*call, "--run", str(out), "--data", str(data)]) == 2
        said = capsys.readouterr().err
        assert f"to run that code, give --models mine={net}:MyNet" in said and said.count("\n") == 1
    assert main(["report", str(out), "--reproduce"]) == 2
    assert f"give --models mine={net}:MyNet" in capsys.readouterr().err
    assert load_model(out / "gnn-wide").name == "gnn-wide"


def test_a_run_is_evaluated_audited_and_searched_with_the_code_of_the_call(finished, data, net, capsys, tmp_path):
    out, results = finished
    given = ["--run", str(out), "--data", str(data), "--models", f"gnn,mine={net}:MyNet"]
    assert main(["evaluate", *given, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert sorted(shown["nets"]) == ["gnn", "gnn-wide", "mine"]
    assert shown["verdicts"]["mine"]["accuracy"] == results.tests[0].verdicts["mine"].accuracy
    assert main(["audit", *given, "--most", "20", "--layers", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mine (seed 0)"]["declared"] == []
    np.save(tmp_path / "m.npy", np.random.default_rng(0).normal(size=(9, 9)))
    found = ["detect", str(tmp_path / "m.npy"), "--k", "3", "--models", f"{out / 'mine'}={net}:MyNet", "--json"]
    assert main(found) == 0


@pytest.mark.parametrize(
    ("models", "complaint"),
    [
        ("typo={net}:MyNet", "unknown model of .* 'typo'; known: "),
        ("gnn={net}:MyNet", "gnn is a net of gnnmax, gnn, and takes no other code"),
        ("mine={net}:Other", "defines no Other; it defines: "),
        ("mine=gnn", "mine was trained with the code .*MyNet, not with gnn"),
        ("mine={net}:MyNet,mine={net}:MyNet", "name each model once"),
        ("mine", "unknown model 'mine'"),
        ("gnn-wide=gnn", "to run that code, give --models mine="),
    ],
)  # fmt: skip
def test_code_that_does_not_fit_the_run_is_refused(finished, data, net, models, complaint, capsys):
    given = ["--models", f"mine={net}:MyNet,{models.format(net=net)}" if "typo" in models else models.format(net=net)]
    assert main(["evaluate", "--run", str(finished[0]), "--data", str(data), *given]) == 2
    assert re.search(complaint, capsys.readouterr().err)


def test_code_that_was_changed_since_the_training_is_refused_unless_allowed(finished, net, tmp_path, capsys, data):
    changed = tmp_path / "net.py"
    changed.write_text(f"{GINE}\n# a comment\n")
    with pytest.raises(InputError, match=r"was changed since its training \(SHA-256 [0-9a-f]+ then, [0-9a-f]+ now"):
        load_model(finished[0] / "mine", net=f"{changed}:MyNet")
    same = load_model(finished[0] / "mine", net=f"{changed}:MyNet", allow_changed=True)
    w = build(SMALL).test
    assert np.array_equal(same(w), load_model(finished[0] / "mine", net=f"{net}:MyNet")(w))
    call = ["evaluate", "--run", str(finished[0]), "--data", str(data), "--models", f"mine={changed}:MyNet"]
    assert main(call) == 2 and main([*call, "--allow-changed"]) == 0


def test_a_run_is_reproduced_with_its_code(finished, net, capsys):
    assert main(["report", str(finished[0]), "--reproduce", "--models", f"mine={net}:MyNet"]) == 0
    assert "ok     mine: its code is the same" in capsys.readouterr().out


@pytest.fixture(scope="module")
def held():
    whole = build(SMALL)
    return DataSet(SMALL, {split: whole.split(split) for split in whole.splits})


def test_a_factory_and_a_data_set_in_memory_may_be_sent_to_workers(held, data, tmp_path):
    def factory(k):
        return nn.Sequential(nn.Flatten(), nn.Linear(k * k, 1), nn.Flatten(0))

    factory.inputs = "values"
    call = {"seeds": (0, 1), "training": BUDGET}
    one = compare(data, {"mine": factory}, tmp_path / "one", **call)
    two = compare(held, {"mine": factory}, tmp_path / "two", workers=2, **call)
    assert figures(one) == figures(two)
    factory.lock = threading.Lock()
    with pytest.raises(InputError, match="cannot be sent to worker processes"):
        compare(data, {"mine": factory}, tmp_path / "lock", workers=2, **call)
    assert not (tmp_path / "lock").exists()


def test_a_data_set_in_memory_or_opened_may_be_compared(held, data, finished, net, tmp_path):
    for name, given in (("held", held), ("opened", open_dataset(data))):
        out = tmp_path / name
        results = compare(given, {"mine": f"{net}:MyNet"}, out, seeds=(0, 1), training=BUDGET)
        expected = finished[1].tests[0].verdicts["mine"].accuracy
        assert results.tests[0].verdicts["mine"].accuracy == expected
        assert compare(given, {"mine": f"{net}:MyNet"}, out, seeds=(0, 1), training=BUDGET, resume=True)
    assert json.loads((tmp_path / "held" / "config.json").read_text())["data"]["held"] == "tiles-3"
    assert main(["report", str(tmp_path / "held"), "--reproduce", "--models", f"mine={net}:MyNet"]) == 2
    fewer = DataSet(SMALL, {**held.splits, "train": held.train[:100]})
    with pytest.raises(InputError, match="was started with data"):
        compare(fewer, {"mine": f"{net}:MyNet"}, tmp_path / "held", seeds=(0, 1), training=BUDGET, resume=True)


def test_train_returns_a_scorer_with_and_without_a_folder(data, finished, net, tmp_path):
    model = train(data, f"mine={net}:MyNet", training=BUDGET)
    w = build(SMALL).test
    assert np.array_equal(model(w), load_model(finished[0] / "mine" / "seed-0", net=f"{net}:MyNet")(w))
    assert train(data, Mine, tmp_path / "run", training=BUDGET).name == "Mine"
    assert [path.name for path in sorted((tmp_path / "run" / "Mine").iterdir())] == ["seed-0"]
    with pytest.raises(InputError, match="train takes one net, not cnn, gnn"):
        train(data, {"cnn": None, "gnn": None})
    with pytest.raises(InputError, match="needs a run folder that stays"):
        train(data, "cnn", resume=True)


def scoring(score, inputs="values"):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, *given):
            return score(self.weight, *given)

    def factory(k):
        return Net()

    factory.inputs = inputs
    return factory


def storing(change):
    def factory(k):
        net = Mine(k)
        change(net)
        return net

    factory.inputs = "values"
    return factory


COUNTED = []


def counted(weight, values):
    COUNTED.append(0)
    return weight + values[:, 0, 0] * len(COUNTED)


@pytest.mark.parametrize(
    ("factory", "complaint"),
    [
        (scoring(lambda weight, v: (weight + v[:, 0, 0]).detach()), "cannot be trained: RuntimeError: element 0"),
        (scoring(lambda weight, v: weight + random.random() * v[:, 0, 0]), "another loss for"),
        (storing(lambda net: net.register_buffer("extra", torch.eye(2).to_sparse())), "weights of .* cannot be stored"),
        (scoring(counted), "has another loss for the same weights"),
        (scoring(lambda weight, v, rows, columns: weight + rows[:, 0, 0], "contexts"), "needs the contexts of windows"),
    ],
)  # fmt: skip
def test_a_net_that_cannot_be_trained_is_refused_before_anything_is_written(data, tmp_path, factory, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        compare(data, {"gnn": None, "mine": factory}, tmp_path / "run", seeds=(0,), training=BUDGET)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_other_weights_for_the_same_seed_are_refused(data, tmp_path):
    def factory(k):
        net = Mine(k)
        net.layers[1].weight.data *= random.random()
        return net

    factory.inputs = "values"
    with pytest.raises(InputError, match="has other weights for the same seed"):
        compare(data, {"mine": factory}, tmp_path / "run", seeds=(0,), training=BUDGET)


DIVERGING = f"""{GINE}
class Doomed(MyNet):
    def __init__(self, k):
        super().__init__(k)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, batch):
        self.calls += self.training
        return super().forward(batch) * (torch.nan if self.calls > 4 else 1)
"""


@pytest.fixture(scope="module")
def diverged(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("diverged")
    (folder / "net.py").write_text(DIVERGING)
    call = ["compare", "--data", str(data), "--models", f"gnn,bad={folder}/net.py:Doomed", "--seeds", "2"]
    return folder / "run", [*call, "--out", str(folder / "run"), *FLAGS], folder / "net.py"


def test_a_net_that_diverges_stands_as_diverged_beside_those_that_finish(diverged, data, capsys, finished):
    out, call, _file = diverged
    assert main(call) == 1
    shown = capsys.readouterr()
    assert "diverged at step 5 of" in shown.out and "bad diverged from seed 1: the loss of bad is nan" in shown.err
    results = read_results(out)
    assert results.tests[0].nets == ["gnn"]
    assert results.tests[0].diverged == {"bad": "diverged at step 5 of seed 0, 5 of seed 1"}
    assert [(each.seed, each.step) for each in results.models[1].diverged] == [(0, 5), (1, 5)]
    gnn = finished[1].tests[0].verdicts["gnn"].accuracy
    assert results.tests[0].verdicts["gnn"].accuracy == gnn
    page = render_page(results)
    assert "bad diverged" in page and "diverged at step 5 of seed 0" in page
    assert main([*call, "--resume"]) == 1
    assert main(["report", str(out)]) == 0
    assert list(load_run(out)) == ["gnn"]
    capsys.readouterr()
    assert main(["evaluate", "--run", str(out), "--data", str(data)]) == 0
    assert "diverged at step 5" in capsys.readouterr().out
    assert main(["evaluate", "--run", str(out / "bad"), "--data", str(data)]) == 2
    assert "bad diverged at step 5" in capsys.readouterr().err
    again = shutil.copytree(out, out.parent / "again")
    assert main([*call[:-8], "--out", str(again), "--force", *FLAGS]) == 1, "a run with such a net may be replaced"


def test_a_run_of_nets_that_all_diverge_has_the_rules_and_a_page(diverged, data, tmp_path, capsys):
    _, _, file = diverged
    call = ["train", "--data", str(data), "--model", f"bad={file}:Doomed", "--out", str(tmp_path / "run"), *FLAGS]
    assert main(call) == 1
    assert "diverged at step 5 of seed 0" in capsys.readouterr().out.replace("\n", " ")
    assert main(["report", str(tmp_path / "run")]) == 0
    assert "no net finished its training" in (tmp_path / "run" / "report.html").read_text()
    with pytest.raises(TrainingError, match="the loss of bad is nan at step 5"):
        train(data, f"bad={file}:Doomed", training=BUDGET)


def test_a_config_file_gives_sizes_to_nets_of_the_call_and_other_configs_of_a_net(data, net, tmp_path, capsys):
    file = tmp_path / "sizes.toml"
    file.write_text('[models.mine]\nwidth = 7\n[models.gnn-narrow]\nmodel = "gnn"\nwidth = 3\n')
    call = ["compare", "--data", str(data), "--seeds", "1", "--config", str(file), *FLAGS]
    assert main([*call, "--models", f"gnn-narrow,mine={net}:MyNet", "--out", str(tmp_path / "run")]) == 0
    asked = json.loads((tmp_path / "run" / "config.json").read_text())["models"]
    assert {name: (model["model"], model["config"]["width"]) for name, model in asked.items()} == {
        "gnn-narrow": ("gnn", 3),
        "mine": (f"{net}:MyNet", 7),
    }
    mine, code = f"mine={net}:MyNet", f'[models.other]\nmodel = "{net}:MyNet"'
    for text, models, complaint in (
        ("[models.mine]\nwidth = 'x'", mine, "config of model"),
        ("[models.other]\nwidth = 3", mine, "unknown model 'other'"),
        (code, mine, "unknown model"),
        (code, "other", "unknown model"),
        ("[models.mine]\nmodel = 'gnn'", mine, "unknown field `model`"),
    ):
        file.write_text(text)
        assert main([*call, "--models", models, "--out", str(tmp_path / "no")]) == 2
        assert complaint in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def free(path: Path) -> bool:
    """Whether no process trains the seed of these metrics; workers outlive a killed run by a moment."""
    try:
        with Metrics(path):
            return True
    except InputError:
        return False


def tree(folder: Path) -> dict[str, bytes]:
    """Weights, and metrics without the clock, by path."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.safetensors")}
    for path in folder.rglob("*.jsonl"):
        records = [{**json.loads(line), "seconds": 0} for line in path.read_text().splitlines()]
        found[str(path.relative_to(folder))] = json.dumps(records).encode()
    return found


def test_a_run_that_was_killed_ends_with_the_weights_of_one_that_was_not(data, net, tmp_path):
    words = ["--models", f"gnn,mine={net}:MyNet", "--seeds", "2", "--steps", "90", "--evaluate-every", "30"]
    words += ["--batch-size", "32", "--checkpoint-every", "10", "--device", "cpu", "--tensorboard"]
    call = [sys.executable, "-m", "gnnmax", "compare", "--data", str(data), *words]
    assert main([*call[3:], "--out", str(tmp_path / "whole")]) == 0
    out = tmp_path / "killed"
    again = [*call, "--out", str(out), "--resume", "--workers", "2"]

    def written() -> int:
        return sum(path.read_bytes().count(b"\n") for path in out.glob("metrics/seed-*.jsonl"))

    process = subprocess.Popen(again, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: written() >= 7, process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the premise: it was killed before its end"
    while not all(free(path) for path in out.glob("metrics/seed-*.jsonl")):
        time.sleep(0.005)
    assert main(again[3:]) == 0
    assert tree(out) == tree(tmp_path / "whole")
    assert curves(out) == curves(tmp_path / "whole")
    assert not (out / "checkpoints").exists()


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
