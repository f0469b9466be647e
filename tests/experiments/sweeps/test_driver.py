"""Sweeps: killed processes, shards, changed plans and damaged files lead to the table of the undisturbed run."""

import datetime
import functools
import json
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import gnnmax
from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.driver import estimate_sweep, run_sweep
from gnnmax.experiments.sweeps.expansion import expanded
from gnnmax.experiments.sweeps.ledger import Ledger
from gnnmax.experiments.sweeps.merging import merge_sweeps
from gnnmax.experiments.sweeps.plan import load_plan
from gnnmax.experiments.sweeps.table import read_sweep
from gnnmax.training.config import parse_training
from tests.support.sweeps import PLAN, LosingExecutor


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of the undisturbed serial run."""
    folder = tmp_path_factory.mktemp("sweeps") / "whole"
    assert run_sweep(PLAN, folder).complete
    return folder


def files(folder):
    return {path.name: path.read_bytes() for path in (folder / "units").iterdir()}


def test_a_sweep_measures_every_unit_once_and_writes_nothing_else(whole):
    table = read_sweep(whole)
    assert len(table) == len(files(whole)) == 8
    assert {row["state"] for row in table.rows} == {"done"}
    assert run_sweep(PLAN, whole).measured == 0
    assert {path.name for path in whole.iterdir()} == {"sweep.json", "times.jsonl", "units"}


def test_a_unit_has_the_metrics_that_compare_finds(whole, tmp_path):
    training = parse_training(PLAN["training"] | {"learning_rate": 0.1}, "x")
    results = gnnmax.compare("tiny", PLAN["models"], tmp_path / "run", seeds=[0], training=training)
    for row in read_sweep(whole).rows:
        if row["training.learning_rate"] == 0.1 and row["recipe.subgraphs.0.order"] == "natural":
            assert row["accuracy"] == results.tests[0].verdicts[row["net"]].accuracy
            assert row["auroc"] == results.tests[0].verdicts[row["net"]].auroc


def test_shards_that_run_apart_one_of_them_twice_merge_to_the_same_bytes(whole, tmp_path):
    for shard in ("3/3", "1/3", "2/3"):
        run_sweep(PLAN, tmp_path / shard[0], shard=shard)
    run_sweep(PLAN, tmp_path / "again", shard="2/3")
    table = merge_sweeps([tmp_path / name for name in ("2", "again", "1", "3")], tmp_path / "all")
    assert table == read_sweep(whole)
    assert files(tmp_path / "all") == files(whole)


def test_a_sweep_that_is_interrupted_again_and_again_ends_as_the_undisturbed_one(whole, tmp_path):
    def interrupt(before, done, total):
        if done > before:
            raise KeyboardInterrupt(total)

    for before in range(8):
        with pytest.raises(KeyboardInterrupt, match="8"):
            run_sweep(PLAN, tmp_path / "sweep", on_progress=functools.partial(interrupt, before))
    assert run_sweep(PLAN, tmp_path / "sweep").measured == 0
    assert files(tmp_path / "sweep") == files(whole)


def test_lost_workers_change_nothing(whole, tmp_path):
    rng = random.Random(0)
    losses = []

    def deadly(_digests):
        losses.append(rng.random() < 0.3 and sum(losses) < 3)
        return losses[-1]

    found = run_sweep(PLAN, tmp_path / "sweep", workers=2, executor=lambda: LosingExecutor(deadly))
    assert sum(losses) and found.complete
    assert files(tmp_path / "sweep") == files(whole)


def test_a_unit_that_always_ends_its_worker_fails_alone_and_is_tried_again(whole, tmp_path):
    fatal = sorted(files(whole))[0].removesuffix(".json")
    found = run_sweep(PLAN, tmp_path / "sweep", workers=2, executor=lambda: LosingExecutor(lambda own: fatal in own))
    assert not found.complete
    (failed,) = found.failed
    assert failed.key.digest == fatal
    assert "the worker process ended 3 times" in failed.reason
    assert run_sweep(PLAN, tmp_path / "sweep").complete
    assert files(tmp_path / "sweep") == files(whole)


def test_a_unit_that_cannot_be_trained_says_why_and_the_others_finish(tmp_path):
    plan = PLAN | {"grid": {"training.train_windows": [8, 9_999]}}
    found = run_sweep(plan, tmp_path / "sweep")
    assert [row["state"] for row in found.table.rows].count("done") == 2
    assert all("train_windows is 9999" in result.reason for result in found.failed)
    assert len(found.failed) == 2


def test_a_changed_plan_adds_what_is_new_and_says_what_no_longer_belongs(whole, tmp_path):
    run_sweep(PLAN, tmp_path / "sweep")
    grid = {"recipe.subgraphs.0.order": ["natural"], "training.learning_rate": [0.01, 0.1, 0.2]}
    found = run_sweep(PLAN | {"grid": grid}, tmp_path / "sweep")
    assert found.measured == 2
    assert found.notes == [
        "the plan has changed: 2 units are new",
        "4 results no longer belong to the plan: they stay, and the table leaves them out",
    ]
    assert len(found.table) == 6


@pytest.mark.parametrize(
    "alter",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content.replace(b'"accuracy":', b'"accuracy":1'),
        lambda content: content.replace(b'"format":1', b'"format":2'),
        lambda content: content.replace(b'"seed":0', b'"seed":1'),
    ],
)
def test_a_damaged_unit_is_refused_by_readers_and_measured_again_by_the_same_call(whole, tmp_path, alter):
    plan = PLAN | {"grid": {}, "models": {"cnn": {"width": 2}}}
    run_sweep(plan, tmp_path / "sweep")
    (path,) = (tmp_path / "sweep" / "units").iterdir()
    before = path.read_bytes()
    path.write_bytes(alter(before))
    assert path.read_bytes() != before
    with pytest.raises(InputError, match=r"the unit .* is damaged"):
        read_sweep(tmp_path / "sweep")
    found = run_sweep(plan, tmp_path / "sweep")
    assert len(found.notes) == 1
    assert "measured again: the unit" in found.notes[0]
    assert path.read_bytes() == before


def test_a_ledger_of_another_version_is_refused(tmp_path):
    run_sweep(PLAN | {"grid": {}}, tmp_path / "sweep")
    mark = tmp_path / "sweep" / "sweep.json"
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"format": 2}))
    with pytest.raises(InputError, match="has the format 2, and this gnnmax writes 1"):
        run_sweep(PLAN, tmp_path / "sweep")


def test_merging_refuses_two_results_of_one_unit_and_other_plans(whole, tmp_path):
    plan = PLAN | {"grid": {}, "models": {"cnn": {"width": 2}}}
    run_sweep(plan, tmp_path / "a")
    run_sweep(plan, tmp_path / "b")
    (path,) = (tmp_path / "b" / "units").iterdir()
    result = Ledger.load(tmp_path / "b").read(path.stem)
    path.unlink()
    changed = type(result)(**{name: getattr(result, name) for name in result.__struct_fields__} | {"best_step": 7})
    Ledger.load(tmp_path / "b").write(changed)
    with pytest.raises(InputError, match="two results of one unit differ"):
        merge_sweeps([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    with pytest.raises(InputError, match="have other plans"):
        merge_sweeps([tmp_path / "a", whole], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_estimate_counts_and_uses_the_times_that_are_known(whole, tmp_path):
    assert estimate_sweep(PLAN, tmp_path / "none").seconds is None
    found = estimate_sweep(PLAN | {"seeds": 2}, whole)
    assert (found.units, found.data_sets, found.finished, found.timed) == (16, 2, 8, 8)
    assert found.seconds > 0


def test_no_unit_begins_after_the_time_is_up(tmp_path):
    found = run_sweep(PLAN, tmp_path / "sweep", max_hours=1e-9)
    assert (found.measured, found.missing, found.complete) == (0, 8, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grdi": {}}, "the unknown field 'grdi': did you mean grid"),
        ({"grid": {"recpe.k": [3]}}, "did you mean recipe"),
        ({"grid": {"recipe.kk": [3]}}, "unknown field `kk`"),
        ({"grid": {"training.stesp": [3]}}, "did you mean steps"),
        ({"grid": {"models.cnn.wdth": [3]}}, "did you mean width"),
        ({"grid": {"recipe.k": []}}, "the axis recipe.k is empty"),
        ({"grid": {"recipe.k": [4]}}, "the plan at recipe.k = 4: .*k must be odd"),
        ({"grid": {"training.steps": [1, 1]}}, "the value 1 twice"),
        ({"grid": {"training.steps": {"from": 5, "to": 2, "count": 2}}}, "from must be less than to"),
        ({"worlds": 3}, "random axes need a number of worlds"),
        ({"models": ["cnm"]}, "did you mean cnn"),
        ({"models": {"mine": {"model": "net.py:Net"}}}, "there is no file .*net.py"),
        ({"models": ["cnn", "cnn"]}, "each net of the plan once"),
        ({"models": {"wide": {"model": ["cnn"]}}}, "the name of a net as text"),
        ({"models": [3]}, "the net 3 has no name in the plan"),
        ({"grid": {"training.learning_rate": [float("nan")]}}, "holds the number nan: give a finite one"),
        ({"grid": {"training.steps": [True]}}, "Expected `int`, got `bool`"),
        ({"grid": {"training.steps": {"from": 1, "to": 10**400, "count": 3}}}, "an integer of 1329 bits"),
        ({"grid": {"training.steps": {"from": True, "to": 8, "count": 3}}}, "the axis training.steps: Expected"),
        ({"grid": {"training.steps": {"from": 1, "to": 8, "count": 10**9}}}, "count"),
        ({"grid": {"training.steps": [datetime.date(2026, 1, 1)]}}, "holds a date: give text, numbers"),
        ({"grid": {1: [3]}}, "the key 1: names of fields are text"),
        ({"recipe": functools.reduce(lambda inner, _: {"a": inner}, range(99), {})}, "8 tables and lists inside"),
        ({"seeds": True}, "got `bool`"),
        ({"seeds": 1000, "grid": {"training.steps": list(range(1, 200))}}, "at most 100,000 are allowed"),
        ({"seeds": [1, 1]}, "each seed is given once"),
        ({"compare": ["cnn", "nn"]}, "unknown net to compare"),
        ({"training": {"match": "seconds", "seconds": 1.0}}, "must not depend on the machine"),
    ],
)
def test_a_wrong_plan_is_refused_before_anything_is_written(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        run_sweep(PLAN | change, tmp_path / "sweep")
    assert not list(tmp_path.iterdir())


def test_random_worlds_keep_their_values_when_worlds_and_axes_are_added():
    axis, other = "recipe.hosts.0.probability", "training.learning_rate"
    random = {axis: {"from": 0.4, "to": 0.9}}
    few = expanded(load_plan(PLAN | {"grid": {}, "random": random, "worlds": 2})).points
    many = expanded(
        load_plan(
            PLAN | {"grid": {}, "random": random | {other: {"from": 0.001, "to": 0.1, "scale": "log"}}, "worlds": 4}
        )
    ).points
    drawn = [{point.world: point.values[axis] for point in points} for points in (few, many)]
    assert drawn[0].items() <= drawn[1].items()
    assert len(set(drawn[1].values())) == 4
    assert {point.unit.recipe.seed for point in many} == {0, 1, 2, 3}


def test_two_drivers_on_one_ledger_both_finish_with_the_same_table(whole, tmp_path):
    with ThreadPoolExecutor(2) as drivers:
        calls = [drivers.submit(run_sweep, PLAN, tmp_path / "sweep") for _ in range(2)]
    assert [call.result().table for call in calls] == 2 * [read_sweep(whole)]
    assert files(tmp_path / "sweep") == files(whole)
    assert {path.name for path in (tmp_path / "sweep").iterdir()} == {"sweep.json", "times.jsonl", "units"}


@pytest.mark.parametrize("error", [FileExistsError, FileNotFoundError])
def test_a_folder_that_another_driver_removes_in_the_same_instant_is_made_again(whole, tmp_path, monkeypatch, error):
    (result, *_) = read_sweep(whole).results.values()
    (tmp_path / "units").mkdir()
    mkdir, failed = Path.mkdir, []

    def once(path, *arguments, **options):
        if path.name == "pending" and not failed:
            failed.append(path)
            raise error(17, "removed in this instant", str(path))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", once)
    Ledger(tmp_path).write(result)
    assert failed and Ledger(tmp_path).read(result.key.digest) == result


def test_drivers_that_write_and_tidy_at_the_same_time_lose_nothing(whole, tmp_path):
    results = list(read_sweep(whole).results.values())
    folders = [tmp_path / f"{number}" / "units" for number in range(30)]

    def drive(order):
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            for result in order:
                Ledger(folder.parent).write(result)
                Ledger(folder.parent).tidy()

    with ThreadPoolExecutor(4) as drivers:
        for call in [drivers.submit(drive, results[::step]) for step in (1, -1, 1, -1)]:
            call.result()
    for folder in folders:
        assert files(folder.parent) == files(whole)
        assert [path.name for path in folder.parent.iterdir()] == ["units"]
