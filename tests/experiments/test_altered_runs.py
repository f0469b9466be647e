"""Altered runs, models and training configs: refused in one line, or read as what they were, or as equally legal."""

import contextlib
import hashlib
import json
import math
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load as parse_tensors

from gnnmax.cli.main import main
from gnnmax.data.generation import build
from gnnmax.data.recipe import parse_recipe
from gnnmax.data.recipe_files import load_recipe
from gnnmax.errors import InputError
from gnnmax.evaluation.metrics import METRICS
from gnnmax.experiments.comparison import compare
from gnnmax.experiments.results import encode_results, read_results
from gnnmax.experiments.run_config import check_same_call, read_config
from gnnmax.experiments.run_records import checkpoint_file, metrics_file, rewind
from gnnmax.models.model_folders import load_model
from gnnmax.models.registry import build_model
from gnnmax.training.batches import StoredBatches
from gnnmax.training.checkpoint import Checkpoint, Snapshot
from gnnmax.training.config import TrainingConfig, parse_training
from gnnmax.training.config_files import load_config
from gnnmax.training.distributed import SINGLE_PROCESS
from gnnmax.training.learner import Learner
from gnnmax.training.loop import _resume, _state
from gnnmax.training.objectives import WindowObjective
from gnnmax.training.precision import check_precision
from tests.support.altered_json import Tried, altered_trees, unlawful
from tests.support.mutations import mutants
from tests.support.special_files import SPECIAL, no_hang, put_special

pytestmark = pytest.mark.altered

SMALL = load_recipe("tiles-3").replace(splits={"train": 2, "val": 2, "test": 2}, windows_per_graph=32)
BUDGET = TrainingConfig(steps=8, evaluate_every=2, checkpoint_every=2, batch_size=16, device="cpu")
MODELS = {"cnn": {"width": 4, "blocks": 1}, "gnn": {"width": 4, "rounds": 1}}


class StoppedError(Exception):
    """A stand-in for a kill."""


def stop(record):
    if record["step"] == 7 or (record["step"] == 6 and record["event"] == "evaluation" and record["model"] == "gnn"):
        raise StoppedError


def call(out, **changes):
    return compare(SMALL, MODELS, out, seeds=(0, 1), training=BUDGET, **changes)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A finished run, and one that was stopped between two checkpoints."""
    folder = tmp_path_factory.mktemp("runs")
    call(folder / "finished")
    with contextlib.suppress(StoppedError):
        call(folder / "stopped", on_progress=stop)
    return folder


@pytest.fixture
def runs(originals, tmp_path):
    return shutil.copytree(originals, tmp_path / "runs")


def share(value):
    return isinstance(value, float | int) and not isinstance(value, bool) and 0 <= value <= 1


def number(value):
    return value is None or (isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value))


def amount(value):
    return value is None or (number(value) and value >= 0)


def text(value):
    return isinstance(value, str)


def anything(_value):
    return True


def in_range(name):
    low, high = METRICS[name].range
    return lambda value: number(value) and (value is None or low - 1e-6 <= value <= high + 1e-6)


VERDICT = "tests.*.verdicts.*"
LEGAL_RESULTS = {
    "command": text,
    "environment.versions": anything,
    "environment.versions.*": anything,
    "environment.cores": lambda value: value is None or (isinstance(value, int) and value >= 1),
    **dict.fromkeys(("environment.system", "environment.machine", "environment.started"), text),
    "recipe.summary": text,
    "training": lambda value: isinstance(value, dict),
    "training.*": anything,
    **dict.fromkeys(("card.summary", "card.natural.basis", "card.*.sees", "card.*.name", "card.*.*.name"), text),
    "card.*.basis": lambda value: value in ("exact", "estimate", "none"),
    "card.*.stated": lambda value: value is None or share(value),
    "card.*.accuracy": share,
    "card.*.standard_error": amount,
    "card.rules": lambda value: isinstance(value, list),
    "card.probes": lambda value: isinstance(value, list),
    "card.ceiling": lambda value: value is None or share(value),
    "card.splits": lambda value: value.keys() == SMALL.splits.keys(),
    "card.splits.*": number,
    "card.splits.*.kinds": lambda value: len(value) == 6,
    "card.splits.*.kinds.*": share,
    "card.natural.*": anything,
    "card.properties.*": anything,
    "card.duplicates": amount,
    "models.*.summary": text,
    "models.*.group": text,
    "models.*.reference": lambda value: value in ("", *MODELS),
    "models.*.source": text,
    "models.*.ceiling": share,
    "models.*.declared": lambda value: isinstance(value, list),
    "models.*.declared.*": text,
    "rules.*.summary": text,
    "rules": lambda value: {"argmax", "nms", "margin"} <= {rule["name"] for rule in value},
    "rules.*.name": text,
    **dict.fromkeys(("models.*.runs.*.parameters", "models.*.runs.*.steps", "models.*.runs.*.seconds"), amount),
    "models.*.runs.*.history": lambda value: len(value) > 0,
    "models.*.runs.*.history.*.loss": amount,
    "models.*.runs.*.history.*.step": amount,
    "models.*.runs.*.history.*.seconds": amount,
    "models.*.runs.*.history.*.accuracy": share,
    "models.*.runs.*.audit.constant": lambda value: isinstance(value, bool),
    "models.*.runs.*.audit.blank_called": lambda value: value is None or isinstance(value, bool),
    "models.*.runs.*.audit.conclusion": text,
    "models.*.runs.*.audit.findings.*": anything,
    "tests.*.summary": text,
    "tests.*.name": text,
    "tests.*.ceiling": lambda value: value is None or share(value),
    "tests.*.centred": share,
    "tests.*.verdicts": lambda value: {"argmax", "nms", *MODELS} <= value.keys(),
    f"{VERDICT}.threshold": number,
    f"{VERDICT}.warnings*": anything,
    f"{VERDICT}.confidence": share,
    **{f"{VERDICT}.{name}": in_range(name) for name in METRICS},
    **{f"{VERDICT}.by_seed.{name}.*": in_range(name) for name in METRICS},
    **{f"{VERDICT}.by_seed.{name}": lambda value: len(value) in (1, 2) for name in METRICS},
    **{f"{VERDICT}.intervals.{name}": lambda value: value[0] <= value[1] for name in METRICS},
    **{f"{VERDICT}.intervals.{name}.*": in_range(name) for name in METRICS},
    **{f"{VERDICT}.localisation.{name}": in_range(name) for name in METRICS},
    **{f"{VERDICT}.localisation.intervals.{name}*": anything for name in METRICS},
    f"{VERDICT}.localisation": lambda value: value is None,
    f"{VERDICT}.localisation.graphs": amount,
    **dict.fromkeys((f"{VERDICT}.bayes_accuracy", f"{VERDICT}.ceiling"), lambda value: value is None or share(value)),
    f"{VERDICT}.scale": lambda value: value in ("logits", "probabilities"),
    **dict.fromkeys((f"{VERDICT}.reliability.stated.*", f"{VERDICT}.reliability.observed.*"), share),
    **dict.fromkeys((f"{VERDICT}.reliability.stated", f"{VERDICT}.reliability.observed"), lambda v: len(v) == 15),
    f"{VERDICT}.reliability.count": lambda value: len(value) == 15,
    f"{VERDICT}.reliability.count.*": amount,
    f"{VERDICT}.slices.*": anything,
    f"{VERDICT}.offsets.*": anything,
    "tests.*.pairs.*": number,
    "tests.*.curves.*": anything,
    "tests.*.gallery": lambda value: isinstance(value, list),
    "tests.*.mistakes.*": anything,
    "tests.*.gallery.*": anything,
}
"""Paths of results.json whose values may be altered and still be legal by themselves, with the legal values."""


def figures(results):
    """Results as a tree; recipe and training with their defaults filled in."""
    plain = json.loads(encode_results(results))
    training = parse_training(plain["training"], "training")
    plain.update(recipe=parse_recipe(plain["recipe"], "x").to_dict(), training=msgspec.to_builtins(training))
    return json.loads(json.dumps(plain))


def test_altered_results(runs, mutant_count):
    folder, file = runs / "finished", runs / "finished" / "results.json"
    content, original = file.read_bytes(), figures(read_results(folder))
    tried = Tried()
    for altered in (mutants(content, mutant_count // 2), altered_trees(json.loads(content), mutant_count // 2)):
        for mutant in altered:
            file.write_bytes(mutant)
            found = tried(read_results, folder)
            if found is not None:
                assert unlawful(original, figures(found), LEGAL_RESULTS) == []
    tried.check(least=0.3)


@pytest.mark.parametrize(
    ("value", "said"), [(0.5, "natural prevalences differ"), (0.01, "not that of windows of the si")]
)
def test_the_scorers_of_a_test_set_have_one_natural_prevalence(runs, value, said):
    file = runs / "finished" / "results.json"
    plain = json.loads(file.read_bytes())
    verdicts = plain["tests"][0]["verdicts"].values()
    for verdict in verdicts if value < 0.1 else [next(iter(verdicts))]:
        verdict["natural_prevalence"] = value
    file.write_text(json.dumps(plain))
    with pytest.raises(InputError, match=said):
        read_results(runs / "finished")


def test_altered_records_of_the_call(runs, mutant_count):
    folder, file = runs / "stopped", runs / "stopped" / "config.json"
    content, config = file.read_bytes(), read_config(folder)
    tried = Tried()

    def same_call(folder):
        check_same_call(folder, config)
        return read_config(folder)

    for altered in (mutants(content, mutant_count // 2), altered_trees(json.loads(content), mutant_count // 2)):
        for mutant in altered:
            file.write_bytes(mutant)
            found = tried(same_call, folder)
            if found is not None:
                plain = (msgspec.to_builtins(each, str_keys=True) for each in (config, found))
                assert unlawful(*(json.loads(json.dumps(each)) for each in plain), {"command": text}) == []
            with contextlib.suppress(ValueError):
                tried(read_config, folder)
    tried.check()


def test_altered_metrics(runs, mutant_count):
    folder = runs / "stopped"
    file = metrics_file(folder, 0)
    content = file.read_bytes()
    rewind(folder, 0)
    kept = [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]
    assert 0 < len(kept) < len(content.splitlines()), "the premise: something is rewound"

    def rewound(mutant):
        file.write_bytes(mutant)
        rewind(folder, 0)
        return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]

    tried = Tried()
    lines = content.splitlines()

    def altered_lines(count):
        for number, mutant in enumerate(altered_trees(json.loads(lines[1]), count)):
            place = number % len(lines)
            yield b"\n".join([*lines[:place], mutant, *lines[place:]]) + b"\n"

    for mutant in (*mutants(content, mutant_count // 2), *altered_lines(mutant_count // 2)):
        found = tried(rewound, mutant)
        if found is not None:
            evaluations = [
                sorted(json.dumps(r) for r in records if r["event"] == "evaluation") for records in (kept, found)
            ]
            assert evaluations[0] == evaluations[1]
            assert {r["model"] for r in found} == set(MODELS)
    tried.check(least=0.3)


def test_a_cut_last_line_is_rewound_and_a_bad_one_in_the_middle_is_named(runs):
    folder = runs / "stopped"
    file = metrics_file(folder, 0)
    content = file.read_bytes()
    rewind(folder, 0)
    expected = file.read_bytes()
    for end in (b'{"event": "ste', b"\x00\x00", b"{}\n", b'{"event": "step", "model": "cnn", "step": 1'):
        file.write_bytes(content + end)
        rewind(folder, 0)
        assert file.read_bytes() == expected
    lines = content.splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], lines[1][:20] + b"\n", *lines[2:]]))
    with pytest.raises(ValueError, match=r"metrics/seed-0\.jsonl, line 2, is damaged: .*; start again with --force"):
        rewind(folder, 0)
    file.write_bytes(b"".join(line for line in lines if b'"gnn"' not in line or b"evaluation" not in line))
    with pytest.raises(ValueError, match="the evaluation of 'gnn' at step 2 is not that of the checkpoint"):
        rewind(folder, 0)


DATA = build(SMALL)


def parts():
    """Batches and learners, as at the start of the training of the stopped run."""
    batches = StoredBatches(DATA.train, 16, np.random.default_rng(0), torch.device("cpu"))
    options = {
        "config": BUDGET,
        "objective": WindowObjective(),
        "on_record": lambda _: None,
        "seed": 0,
        "processes": SINGLE_PROCESS,
    }
    options["clock"] = lambda: 0.0
    return batches, [Learner(name, build_model(name, 3, config), **options) for name, config in MODELS.items()]


LEGAL_STATE = {
    "batches.generator.*": anything,
    "model *.plain.seconds": amount,
    "model *.plain.recent*": anything,
    "model *.plain.history.*.accuracy": share,
    "model *.plain.history.*.seconds": amount,
    "model *.plain.history.*.loss": amount,
    "model *.plain.history.*": amount,
    "model *.plain.history": lambda value: isinstance(value, list),
    "model *.plain.best": amount,
    "model *.plain.diverged": text,
}


def resumed(path):
    batches, learners = parts()
    step = _resume(Checkpoint(path), batches, learners)
    return _state(step, batches, learners)


def sign_state(path, state, tensors):
    """Write a checkpoint with fitting digests; return the file of its tensors."""
    for old in path.parent.glob(f"{path.stem}.*.safetensors"):
        old.unlink()
    digests = [hashlib.sha256(content).hexdigest() for content in (tensors, state)]
    (path.parent / f"{path.stem}.{digests[0]}.safetensors").write_bytes(tensors)
    head = json.dumps({"format": 1, "tensors": digests[0], "digest": digests[1]})[:-1].encode()
    path.write_bytes(head + b', "state": ' + state + b"}")


def test_altered_checkpoints(runs, mutant_count):
    path = checkpoint_file(runs / "stopped", 0)
    content, original = path.read_bytes(), resumed(path)
    file = next(path.parent.glob(f"{path.stem}.*.safetensors"))
    tensors, tried = file.read_bytes(), Tried()
    for mutant in mutants(content, mutant_count // 4):
        path.write_bytes(mutant)
        found = tried(resumed, path)
        assert found is None or found.plain == original.plain
    path.write_bytes(content)
    for mutant in mutants(tensors, mutant_count // 4):
        file.write_bytes(mutant)
        assert tried(resumed, path) is None, "the digest is another"
    tried.check(least=0.9)


def test_altered_checkpoints_that_are_signed(runs, mutant_count):
    path = checkpoint_file(runs / "stopped", 0)
    original, entry = resumed(path), json.loads(path.read_bytes())
    tensors, tried = next(path.parent.glob(f"{path.stem}.*.safetensors")).read_bytes(), Tried()
    state = json.dumps(entry["state"]).encode()
    for mutant in altered_trees(entry["state"], mutant_count // 4):
        sign_state(path, mutant, tensors)
        found = tried(resumed, path)
        if found is not None:
            assert unlawful(*(json.loads(json.dumps(each.plain)) for each in (original, found)), LEGAL_STATE) == []
            assert same_shapes(original, found)
        tried(rewind, runs / "stopped", 0)
    for mutant in mutants(tensors, mutant_count // 4, seed=1):
        sign_state(path, state, mutant)
        found = tried(resumed, path)
        if found is not None:
            assert found.plain == original.plain and same_shapes(original, found)
            assert all(bool(t.isfinite().all()) for t in found.tensors.values())
            assert set(parse_tensors(mutant)) == set(original.tensors)
    tried.check(least=0.3)


def same_shapes(first: Snapshot, second: Snapshot) -> bool:
    described = [{name: (t.shape, t.dtype) for name, t in each.tensors.items()} for each in (first, second)]
    return described[0] == described[1]


LEGAL_CARD = {
    "versions": anything,
    "versions.*": anything,
    "recipe": text,
    "recipe_digest": text,
    "source_sha256": text,
    "name": text,
    "model": lambda value: value == "",  # then the net is that of its name
    "validation_loss": amount,
    "seed": amount,
    "k": lambda value: value % 2 == 1,
    "config": lambda value: isinstance(value, dict),
    "config.*": anything,
}


def test_altered_models(runs, mutant_count):
    folder = runs / "finished" / "gnn" / "seed-0"
    card, weights = (folder / "model.json").read_bytes(), (folder / "weights.safetensors").read_bytes()
    original, tried = load_model(folder, device="cpu"), Tried()
    plain = msgspec.to_builtins(original.card)
    for altered in (mutants(card, mutant_count // 4), altered_trees(json.loads(card), mutant_count // 4)):
        for mutant in altered:
            (folder / "model.json").write_bytes(mutant)
            found = tried(load_model, folder, "cpu")
            if found is not None:
                assert unlawful(plain, msgspec.to_builtins(found.card), LEGAL_CARD) == [], mutant
                assert all(map(torch.equal, found.module.state_dict().values(), original.module.state_dict().values()))
    for mutant in mutants(weights, mutant_count // 2):
        (folder / "weights.safetensors").write_bytes(mutant)
        signed = {**json.loads(card), "weights_sha256": hashlib.sha256(mutant).hexdigest()}
        (folder / "model.json").write_text(json.dumps(signed))
        found = tried(load_model, folder, "cpu")
        if found is not None:
            there = parse_tensors(mutant)
            assert {name: t.shape for name, t in there.items()} == {
                name: t.shape for name, t in original.module.state_dict().items()
            }
            assert all(bool(t.isfinite().all()) for t in found.module.state_dict().values())
    tried.check(least=0.3)


def test_altered_training_configs(tmp_path, mutant_count):
    file, tried = tmp_path / "x.toml", Tried()
    shipped = Path(check_precision.__code__.co_filename).parent / "configs" / "standard.toml"
    for mutant in mutants(shipped.read_bytes(), mutant_count):
        file.write_bytes(mutant)
        found = tried(load_config, file)
        if found is not None:
            assert msgspec.convert(msgspec.to_builtins(found.training), TrainingConfig) == found.training
    tried.check(least=0.1)
    for kind in set(SPECIAL) - {"empty"}:  # an empty file takes every default
        put_special(file, kind)
        with no_hang(), pytest.raises(ValueError, match="cannot read the config file"):
            load_config(file)


def refused(arguments, capsys):
    """Whether a command ends with status 2 and one line."""
    with no_hang(30):
        status = main(list(map(str, arguments)))
    printed = capsys.readouterr().err
    assert status in (0, 2), printed
    assert "Traceback" not in printed
    if status == 2:
        assert printed.count("\n") == 1 and printed.startswith("gnnmax: "), printed
    return status == 2


READERS = {
    "results.json": lambda run: ["report", run / "finished", "--markdown"],
    "config.json": lambda run: ["report", run / "finished", "--reproduce"],
    "gnn/seed-0/model.json": lambda run: ["audit", "--run", run / "finished", "--data", "tiny", "--most", "9"],
    "gnn/seed-0/weights.safetensors": lambda run: ["evaluate", "--run", run / "finished", "--data", "tiny"],
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", READERS)
def test_a_special_file_in_a_finished_run_is_one_line(runs, name, kind, capsys):
    put_special(runs / "finished" / name, kind)
    assert refused(READERS[name](runs), capsys)


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["config.json", "results.json", "metrics", "state", "tensors"])
def test_a_special_file_in_a_stopped_run_is_one_line(runs, name, kind):
    folder = runs / "stopped"
    state = checkpoint_file(folder, 0)
    tensors = next(state.parent.glob("seed-0.*.safetensors"))
    put_special({"metrics": metrics_file(folder, 0), "state": state, "tensors": tensors}.get(name, folder / name), kind)
    with no_hang(30), pytest.raises(ValueError, match=r"cannot (read|write)|is damaged|in use") as caught:
        call(folder, resume=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in READERS if name.endswith("json")])
def test_commands_end_in_one_line_on_altered_runs(runs, name, capsys):
    file = runs / "finished" / name
    content = file.read_bytes()
    for mutant in altered_trees(json.loads(content), 3, seed=7):
        file.write_bytes(mutant)
        if name != "config.json" or refused(["report", runs / "finished", "--markdown"], capsys):
            refused(READERS[name](runs), capsys)


def test_an_altered_run_that_is_not_refused_is_shown(runs, capsys):
    """Results that are accepted can be rendered whole: nothing else about them is assumed."""
    file = runs / "finished" / "results.json"
    shown = 0
    for mutant in altered_trees(json.loads(file.read_bytes()), 400, seed=3):
        file.write_bytes(mutant)
        with contextlib.suppress(ValueError):
            read_results(runs / "finished")
            assert not refused(["report", runs / "finished", "--heat-maps", runs / "x.svg", "--force"], capsys), mutant
            shown += 1
        if shown == 1:
            return
    pytest.fail("nothing was accepted")
