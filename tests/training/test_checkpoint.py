"""A killed training resumes to the same weights and metrics, bit for bit, as one that was not killed."""

import hashlib
import json
import os
import re
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

from gnnmax.cli.main import main
from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.experiments import run_records
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.run_records import Metrics, metrics_file, rewind
from gnnmax.models.registry import build_model
from gnnmax.models.seeding import seeded
from gnnmax.task.windows import Windows
from gnnmax.training.batches import StoredBatches, StreamedBatches
from gnnmax.training.checkpoint import Checkpoint, Snapshot
from gnnmax.training.config import TrainingConfig
from gnnmax.training.loop import train_models
from gnnmax.training.objectives import Stream
from tests.support.interrupts import wait_until

SMALL = load_recipe("tiles-3").replace(splits={"train": 4, "val": 2, "test": 3})
BUDGET = TrainingConfig(steps=11, batch_size=48, evaluate_every=3, checkpoint_every=2, patience=3, device="cpu")
CPU = torch.device("cpu")


class KilledError(Exception):
    """A stand-in for a signal inside one process."""


class Mortal(Checkpoint):
    """A checkpoint whose process dies just before or just after the n-th write."""

    def __init__(self, path: Path, turn: int, *, after: bool) -> None:
        super().__init__(path)
        self.turn, self.after = turn, after

    def write(self, snapshot: Snapshot) -> None:
        self.turn -= 1
        if self.turn == 0 and not self.after:
            raise KilledError("killed")
        super().write(snapshot)
        if self.turn == 0:
            raise KilledError("killed")


def windows(seed: int, n: int = 200) -> Windows:
    values = np.random.default_rng(seed).normal(size=(n, 3, 3)).astype(np.float32)
    values[::2, 1, 1] = values[::2].max(axis=(1, 2)) + 1
    return Windows.from_values(values)


TRAIN, VAL = windows(0), windows(1)


def trained(names, checkpoint=None, train=TRAIN, config=BUDGET, bits=np.random.PCG64):
    models = {name: build_model(name, 3) for name in names}
    rng = np.random.Generator(bits(5))
    results = train_models(models, train, VAL, config, rng, checkpoint=checkpoint)
    return models, results


def bytes_of(models) -> dict:
    return {(n, k): t.numpy().tobytes() for n, model in models.items() for k, t in model.state_dict().items()}


def but_the_clock(results) -> dict:
    """Everything but the clock."""
    plain = {name: (r.steps, r.best_step, r.loss, r.accuracy) for name, r in results.items()}
    histories = [[{**record, "seconds": 0} for record in r.history] for r in results.values()]
    return {"plain": plain, "histories": histories}


@pytest.mark.parametrize(
    ("streamed", "bits"),
    [(False, np.random.PCG64), (False, np.random.Philox), (False, np.random.MT19937), (True, np.random.PCG64)],
)
def test_killed_at_any_checkpoint_the_weights_and_metrics_are_those_of_a_run_that_was_not(tmp_path, streamed, bits):
    call = {"train": Stream(SMALL), "config": TrainingConfig(**{**plain(BUDGET), "stream": True})} if streamed else {}
    whole, results = trained(["cnn", "gnn"], **call, bits=bits)
    for turn in (1, 3, 6):
        for after in (False, True):
            path = tmp_path / f"{turn}-{after}.json"
            with pytest.raises(KilledError, match="killed"):
                trained(["cnn", "gnn"], Mortal(path, turn, after=after), **call, bits=bits)
            resumed, again = trained(["cnn", "gnn"], Checkpoint(path), **call, bits=bits)
            assert bytes_of(resumed) == bytes_of(whole), (turn, after)
            assert but_the_clock(again) == but_the_clock(results)


class Tied(nn.Module):
    """A net with dropout, batch statistics and tied weights."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(9, 9), nn.Linear(9, 9)
        self.second.weight = self.first.weight
        self.norm, self.head = nn.BatchNorm1d(9), nn.Linear(9, 1)

    def forward(self, values, rows=None, columns=None):
        hidden = nn.functional.dropout(self.norm(self.first(values.flatten(1))), 0.5, self.training)
        return self.head(self.second(hidden)).squeeze(-1)


def test_dropout_and_tied_weights_resume_bit_for_bit(tmp_path):
    def learned(checkpoint=None):
        models = {"tied": seeded(Tied, 0)}
        train_models(models, TRAIN, VAL, BUDGET, np.random.default_rng(5), checkpoint=checkpoint)
        return bytes_of(models)

    whole = learned()
    with pytest.raises(KilledError, match="killed"):
        learned(Mortal(tmp_path / "c.json", 2, after=True))
    torch.rand(7)  # another state of the global generator
    assert learned(Checkpoint(tmp_path / "c.json")) == whole


class Doomed(nn.Module):
    """A net whose weights become NaN at its sixth step."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(9, 1)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, values, rows=None, columns=None):
        self.calls += self.training
        if self.calls > 5:
            self.calls.fill_(torch.inf)
        return self.layer(values.flatten(1)).squeeze(-1) * (torch.nan if self.calls > 5 else 1)


def test_a_resumed_training_keeps_a_divergence_and_does_not_meet_it_again(tmp_path):
    def learned(checkpoint=None):
        models = {"doomed": seeded(Doomed, 0), "cnn": build_model("cnn", 3)}
        return train_models(models, TRAIN, VAL, BUDGET, np.random.default_rng(5), checkpoint=checkpoint)

    whole = learned()
    assert whole["doomed"].steps == 6 and "doomed is nan at step 6" in whole["doomed"].diverged
    with pytest.raises(KilledError, match="killed"):
        learned(Mortal(tmp_path / "c.json", 4, after=True))
    resumed = learned(Checkpoint(tmp_path / "c.json"))
    assert but_the_clock(resumed) == but_the_clock(whole)
    assert resumed["doomed"].diverged == whole["doomed"].diverged


def plain(config: TrainingConfig) -> dict:
    return {name: getattr(config, name) for name in config.__struct_fields__}


@pytest.mark.parametrize("lost", ["moments", "batches", "weights", "best"])
def test_a_state_that_forgets_a_part_gives_other_weights(tmp_path, lost):
    class Forgetful(Checkpoint):
        def read(self):
            snapshot = super().read()
            if snapshot is None:
                return None
            fresh = StoredBatches(TRAIN, 48, np.random.default_rng(9), CPU).state()
            for key, tensor in snapshot.tensors.items():
                if f"/{lost}/" in key and not key.endswith("/step"):
                    tensor.zero_()
            if lost == "batches":
                snapshot.plain["batches"] = fresh.plain
            return snapshot

    config = TrainingConfig(**{**plain(BUDGET), "evaluate_every": 100 if lost != "best" else 1, "learning_rate": 0.3})
    whole, results = trained(["question"], config=config)
    with pytest.raises(KilledError, match="killed"):
        trained(["question"], Mortal(tmp_path / "c.json", 4, after=True), config=config)
    if lost == "best":
        assert results["question"].best_step <= 8, "the premise: the best weights are older than the checkpoint"
    resumed, _ = trained(["question"], Forgetful(tmp_path / "c.json"), config=config)
    assert bytes_of(resumed) != bytes_of(whole)


@pytest.mark.parametrize("source", ["stored", "streamed"])
def test_batches_resume_where_they_were_left(source):
    def begun():
        rng = np.random.default_rng(3)
        return (
            StoredBatches(TRAIN, 48, rng, CPU) if source == "stored" else StreamedBatches(Stream(SMALL), 48, rng, CPU)
        )

    batches = begun()
    for _ in range(5):
        batches.take()
    state = json.loads(json.dumps(batches.state().plain)), batches.state().tensors
    expected = [batches.take() for _ in range(6)]
    fresh = begun()
    fresh.restore(Snapshot(*state))
    for (inputs, labels), (again, same) in zip(expected, [fresh.take() for _ in range(6)], strict=True):
        assert torch.equal(inputs[0], again[0]) and torch.equal(labels, same)
    assert not torch.equal(begun().take()[0][0], expected[0][0][0])


@pytest.mark.parametrize("at", [0.02, 0.3, 0.6, 0.98])
@pytest.mark.parametrize("file", ["json", "safetensors"])
def test_a_checkpoint_with_one_bit_flipped_is_refused(tmp_path, at, file):
    checkpoint = Checkpoint(tmp_path / "seed-0.json")
    trained(["cnn"], checkpoint)
    path = next(tmp_path.glob(f"*.{file}"))
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        checkpoint.read()


def test_a_checkpoint_of_other_models_or_windows_is_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path / "seed-0.json")
    trained(["cnn"], checkpoint)
    with pytest.raises(InputError, match="of another training"):
        trained(["gnn"], checkpoint)
    with pytest.raises(InputError, match="of another training"):
        trained(["cnn"], checkpoint, train=TRAIN[:20])


def state_of(snapshot):
    return snapshot.plain["model cnn"]["plain"]


def tensor(name, change):
    return lambda snapshot: change(next(t for key, t in snapshot.tensors.items() if name in key))


CONTRADICTIONS = {
    "a step beyond its evaluations": lambda s: state_of(s).update(step=1),
    "a best step that is not the best": lambda s: state_of(s).update(best=5),
    "evaluations of another model": lambda s: [record.update(model="gnn") for record in state_of(s)["history"]],
    "evaluations out of order": lambda s: state_of(s)["history"].reverse(),
    "a negative loss": lambda s: state_of(s)["history"][0].update(loss=-1.0),
    "time that runs back": lambda s: state_of(s).update(seconds=-1.0),
    "a field too many": lambda s: state_of(s).update(more=1),
    "another step": lambda s: s.plain["step"].update(step=3),
    "a part too many": lambda s: s.plain.update(more={}),
    "weights that are not finite": tensor("/weights/", lambda t: t.fill_(torch.nan)),
    "best weights that are not finite": tensor("/best/", lambda t: t.fill_(torch.inf)),
    "negative second moments": tensor("exp_avg_sq", lambda t: t.fill_(-1)),
    "moments of another step": tensor("moments/0/step", lambda t: t.fill_(1)),
    "a moment missing": lambda s: s.tensors.pop("model cnn/moments/0/exp_avg"),
    "a moment too many": lambda s: s.tensors.update({"model cnn/moments/99/step": torch.ones(())}),
    "weights of another type": lambda s: s.tensors.update(
        {key: t.double() for key, t in s.tensors.items() if "/weights/" in key}
    ),
    "a window waiting twice": tensor("waiting", lambda t: t.fill_(3)),
    "a window that is not there": tensor("waiting", lambda t: t.add_(10**6)),
    "a generator that is none": lambda s: s.plain["batches"].update(generator={"state": 10**400}),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_checkpoint_that_contradicts_itself_is_refused_though_it_is_signed(tmp_path, what):
    checkpoint = Checkpoint(tmp_path / "seed-0.json")
    trained(["cnn"], checkpoint)
    snapshot = checkpoint.read()
    CONTRADICTIONS[what](snapshot)
    checkpoint.write(snapshot)
    with pytest.raises(InputError, match=r"is of another training: .*; start again with --force$"):
        trained(["cnn"], checkpoint)


def test_a_checkpoint_with_a_number_beyond_floats_is_refused_though_it_is_signed(tmp_path):
    path = tmp_path / "seed-0.json"
    checkpoint = Checkpoint(path)
    trained(["cnn"], checkpoint)
    head, state = path.read_bytes().split(b', "state": ', maxsplit=1)
    altered = re.sub(rb'"loss": [0-9.e-]+', b'"loss": 1e400', state.removesuffix(b"}\n"), count=1)
    digest = hashlib.sha256(altered).hexdigest()
    path.write_text(json.dumps({**json.loads(head + b"}"), "digest": digest})[:-1] + f', "state": {altered.decode()}}}')
    with pytest.raises(InputError, match="is damaged: Number out of range"):
        checkpoint.read()


@pytest.mark.parametrize("turn", [1, 2])
def test_a_write_that_fails_leaves_the_last_state(tmp_path, monkeypatch, turn):
    import gnnmax.training.checkpoint as checkpoints

    checkpoint = Checkpoint(tmp_path / "seed-0.json")
    checkpoint.write(Snapshot({"step": 1}, {"w": torch.ones(3)}))
    real, calls = checkpoints.write_file, []

    def failing(path, content):
        calls.append(path)
        if len(calls) == turn:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(checkpoints, "write_file", failing)
    with pytest.raises(OSError, match="No space"):
        checkpoint.write(Snapshot({"step": 2}, {"w": torch.zeros(3)}))
    found = checkpoint.read()
    assert found.plain == {"step": 1} and found.tensors["w"].tolist() == [1, 1, 1]
    monkeypatch.undo()
    checkpoint.write(Snapshot({"step": 3}, {"w": torch.full((3,), 2.0)}))
    assert checkpoint.read().plain == {"step": 3}
    assert len(list(tmp_path.iterdir())) == 2


def tree(folder: Path) -> dict[str, bytes]:
    """Weights, and metrics without the clock, by path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".safetensors":
            found[str(path.relative_to(folder))] = path.read_bytes()
        if path.suffix == ".jsonl":
            records = [{**json.loads(line), "seconds": 0} for line in path.read_text().splitlines()]
            found[str(path.relative_to(folder))] = json.dumps(records).encode()
    return found


WORDS = ["--models", "cnn,gnn", "--seeds", "2", "--steps", "160", "--evaluate-every", "40", "--batch-size", "32"]
TINY = [*WORDS, "--checkpoint-every", "10", "--device", "cpu"]


def call(data: str, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "gnnmax", "compare", "--data", data, "--out", str(out), *TINY, *more]


def written(out: Path) -> int:
    """Records of training so far."""
    return sum(path.read_bytes().count(b"\n") for path in out.glob("metrics/seed-*.jsonl"))


def free(path: Path) -> bool:
    """Whether no process trains the seed of these metrics; workers outlive a killed run by a moment."""
    try:
        with Metrics(path):
            return True
    except InputError:
        return False


@pytest.mark.parametrize(("workers", "kills"), [(1, 1), pytest.param(2, 1, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_ends_as_one_that_was_not(tmp_path, workers, kills):
    data = str(tmp_path / "tiles")
    sets = [f"--set=splits.{split}=2" for split in ("train", "val", "test")]
    assert main(["generate", "tiles-3", "--out", data, *sets]) == 0
    assert main(call(data, tmp_path / "whole")[3:]) == 0
    out, rng = tmp_path / "killed", np.random.default_rng(workers)
    again = call(data, out, "--resume", "--workers", str(workers))
    for _ in range(kills):
        records = written(out) + int(rng.integers(1, 5))  # of 32 in the whole run
        process = subprocess.Popen(again, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda records=records: written(out) >= records, process)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the premise: it was killed before its end"
        while not all(free(path) for path in out.glob("metrics/seed-*.jsonl")):
            time.sleep(0.005)
    assert main(again[3:]) == 0
    assert tree(out) == tree(tmp_path / "whole")
    assert not (out / "checkpoints").exists()


def test_resuming_takes_the_same_call_a_run_that_nobody_trains_and_reads_a_finished_one(tmp_path, monkeypatch):
    monkeypatch.setattr(run_records, "ORPHAN_SECONDS", 0.05)
    out, budget = tmp_path / "run", TrainingConfig(steps=4, device="cpu")

    def run(**changes):
        call = {"models": ["cnn"], "seeds": (0,), "training": budget, "resume": True, **changes}
        return compare(SMALL, call.pop("models"), out, **call)

    with pytest.raises(InputError, match="choose one of the two"):
        run(force=True)
    assert not out.exists()
    results = run()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert run().tests[0].verdicts["cnn"].accuracy == results.tests[0].verdicts["cnn"].accuracy
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    with pytest.raises(InputError, match=r"started with training\.steps = 4, not 5"):
        run(training=TrainingConfig(steps=5, device="cpu"))
    with pytest.raises(InputError, match=r"models\.gnn"):
        run(models=["cnn", "gnn"])
    with pytest.raises(InputError, match="in use"):
        run(resume=False)
    (out / "results.json").unlink()
    with Metrics(metrics_file(out, 0)), pytest.raises(InputError, match="another process works in"):
        run()
    assert run().tests[0].verdicts["cnn"].accuracy == results.tests[0].verdicts["cnn"].accuracy
    os.truncate(out / "config.json", 10)
    with pytest.raises(InputError, match="is damaged"):
        run()


def test_resuming_waits_for_the_workers_of_a_killed_run_to_end(tmp_path):
    (tmp_path / "metrics").mkdir()
    orphan = Metrics(metrics_file(tmp_path, 0))
    orphan.write({"event": "evaluation"})
    ending = threading.Timer(0.3, orphan.__exit__)
    ending.start()
    assert rewind(tmp_path, 0) == []
    ending.join()
    assert metrics_file(tmp_path, 0).read_bytes() == b""
