"""Building: the same bytes for any number of workers, and the accuracies that theory gives."""

import codecs
import math
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from threading import Event
from typing import get_args

import numpy as np
import pytest

from gnnmax import InputError, build, load_recipe
from gnnmax.data import generation as drawing
from gnnmax.data.generation import generate_graph, generate_graphs, generate_windows
from gnnmax.data.random_streams import Purpose, stream
from gnnmax.data.recipe_files import recipe_names
from gnnmax.task.rules import RULES

TINY = load_recipe("tiny")
MANY = TINY.replace(splits={"train": 19, "val": 3, "test": 5}, contexts=True)


def bytes_of(windows):
    return {name: array.tobytes() for name, array in windows.arrays().items()}


def test_bytes_are_the_same_for_any_number_of_workers_and_any_chunks(monkeypatch):
    alone = {split: bytes_of(windows) for split, windows in build(MANY).splits.items()}
    for workers in (2, 3):
        assert {split: bytes_of(windows) for split, windows in build(MANY, workers=workers).splits.items()} == alone
    monkeypatch.setattr(drawing, "CHUNK", 3)
    assert {split: bytes_of(windows) for split, windows in build(MANY).splits.items()} == alone


@pytest.mark.parametrize("seed", range(5))
def test_whichever_work_is_done_first_the_bytes_are_the_same(monkeypatch, seed):
    import loky

    alone = [bytes_of(windows) for windows in build(MANY).splits.values()]
    monkeypatch.setattr(drawing, "CHUNK", 2)
    rng, done = np.random.default_rng(seed), []

    first = np.cumsum([0, 10, 2, 3])  # chunks of the three splits
    orders = [rng.permutation(range(start, end)).tolist() for start, end in pairwise(first)]
    before = {after: earlier for order in orders for earlier, after in pairwise(order)}
    ends, places = [Event() for _ in range(first[-1])], count()

    def work(place, function, chunk):
        if place in before:
            ends[before[place]].wait()
        found = function(chunk)
        done.append(place)
        ends[place].set()
        return found

    class Shuffled(ThreadPoolExecutor):
        """Ends its work in a random order."""

        def submit(self, *task):
            return super().submit(work, next(places), *task)

    with Shuffled(32) as executor:
        monkeypatch.setattr(loky, "get_reusable_executor", lambda **options: executor)
        assert [bytes_of(windows) for windows in build(MANY, workers=32).splits.values()] == alone
    assert done[:10] != sorted(done[:10])  # the ten chunks of the first split


def test_no_more_workers_are_started_than_there_is_work(monkeypatch):
    started = []

    def pool(workers, *, timeout):
        started.append(workers)
        return ThreadPoolExecutor(workers)

    monkeypatch.setattr("gnnmax.io.ordered_map.own_pool", pool)
    list(generate_windows(MANY, range(19), workers=1_000))
    assert set(started) == {3}


@pytest.mark.parametrize("workers", [0, -1, 1_001, 1.0, "2", None])
def test_a_number_of_workers_that_is_none_is_refused(workers):
    with pytest.raises(InputError, match="workers"):
        build(TINY, workers=workers)


@pytest.mark.parametrize("name", recipe_names())
def test_a_host_drawn_alone_is_the_host_drawn_among_others(name):
    recipe = load_recipe(name)
    if recipe.windows_per_graph is None:
        pytest.skip("there is one such host")
    graph = min(7, recipe.graphs - 1)
    alone = generate_graph(recipe, graph)
    among = generate_graphs(recipe.to_dict(), sorted({graph, max(graph - 1, 0)}))
    if among.k == alone.k:
        assert bytes_of(among[among.graph == graph]) == bytes_of(alone)


def test_more_hosts_leave_those_before_them_as_they_are():
    few, more = (build(TINY.replace(splits={"train": count})).train for count in (2, 5))
    assert bytes_of(few) == bytes_of(more[: len(few)])


def test_every_seed_purpose_host_and_attempt_has_a_stream_of_its_own():
    keys = [(s, p, g, a) for s in (0, 1) for p in get_args(Purpose) for g in (0, 1, 2**31) for a in (0, 1)]
    draws = {stream(*key).bytes(16) for key in keys}
    assert len(draws) == len(keys)
    assert draws == {stream(*key).bytes(16) for key in reversed(keys)}


def test_another_plant_leaves_hosts_and_cuts_as_they_are():
    changed = TINY.replace(**{"plant.margin": [0.5, 0.9]})
    first, second = generate_graph(TINY, 0), generate_graph(changed, 0)
    assert (first.values != second.values).any()
    np.testing.assert_array_equal(first.rows, second.rows)  # another plant, the same cuts
    np.testing.assert_array_equal(first.values != 0, second.values != 0)  # of the same host


def test_seeds_and_hosts_differ():
    windows = build(MANY.replace(cuts=["contiguous"])).train
    assert (windows.values != build(MANY.replace(cuts=["contiguous"], seed=1)).train.values).any()
    hosts = [windows[windows.graph == graph] for graph in range(3)]
    assert len({host.values.tobytes() for host in hosts}) == 3


def test_no_host_is_in_two_splits():
    graphs = [set(windows.graph.tolist()) for windows in build(MANY).splits.values()]
    assert sum(map(len, graphs)) == len(set.union(*graphs)) == MANY.graphs


def test_nothing_touches_the_global_generator():
    import random

    before = np.random.get_state()[1].tobytes(), random.getstate()  # noqa: NPY002  # the very thing that must not be touched
    build(TINY)
    assert (np.random.get_state()[1].tobytes(), random.getstate()) == before  # noqa: NPY002


def test_progress_rises_to_the_number_of_all_hosts():
    seen = []
    build(MANY, on_progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (27, 27)


def test_what_is_no_recipe_is_refused():
    for other in (3, None, ["tiny"]):
        with pytest.raises(InputError, match="load_recipe"):
            build(other)


def test_a_recipe_is_built_from_its_name_its_file_and_its_plain_form(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes(codecs.BOM_UTF8 + TINY.to_toml().encode())
    for form in (file, str(file), TINY.to_dict()):
        assert build(form).recipe == TINY
    assert build("tiny").recipe == load_recipe("tiny")


def error_of(right, graph):
    """Standard error of a share, with hosts as clusters."""
    sums = np.bincount(np.unique(graph, return_inverse=True)[1], weights=right - right.mean())
    return math.sqrt(np.sum(sums**2)) / len(right)


@pytest.mark.parametrize(
    ("name", "rule", "stated"),
    [
        ("noise-9-mu3", "bayes", 0.94922),
        ("noise-9-mu2", "bayes", 0.84988),
        ("noise-9-mu3", "argmax", 0.8491),
        ("noise-9-mu2", "argmax", 0.6709),
    ],
)
def test_rules_reach_what_the_science_states_on_noise(name, rule, stated):
    windows = build(load_recipe(name).replace(splits={"test": 200})).test
    right = (RULES[rule](windows) > 0) == windows.label
    assert abs(right.mean() - stated) < 3 * error_of(right, windows.graph)
    # The same rule on the other amplitude is not there.
    other = {"noise-9-mu3": "noise-9-mu2", "noise-9-mu2": "noise-9-mu3"}[name]
    windows = build(load_recipe(other).replace(splits={"test": 200})).test
    right = (RULES[rule](windows) > 0) == windows.label
    assert abs(right.mean() - stated) > 10 * error_of(right, windows.graph)


def test_groups_say_of_every_window_what_its_host_was_made_of():
    recipe = load_recipe("tiny")
    data = build(recipe)
    for split in recipe.splits:
        groups = data.groups(split)
        first = recipe.span(split).start
        for index, graph in enumerate(data.split(split).graph.tolist()):
            made = recipe.of(split).combination(graph - first)
            assert groups["family"][index] == made.host.__struct_config__.tag
            assert "cut" not in groups or groups["cut"][index] == made.cut
