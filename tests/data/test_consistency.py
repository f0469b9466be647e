"""Consistency of stored windows: all that is drawn is accepted, and windows that contradict their recipe are not."""

import dataclasses

import numpy as np
import pytest

from gnnmax.data.consistency import SplitChecker, StoredPart, check_part, windows_of_split
from gnnmax.data.generation import build
from gnnmax.data.hosts.spatial import Similarity
from gnnmax.data.importing import import_windows
from gnnmax.data.recipe_files import load_recipe, recipe_names
from gnnmax.errors import InputError
from gnnmax.task.windows import FIELDS
from tests.support.recipes import recipe_of

SHIPPED = {name: load_recipe(name) for name in recipe_names()}
TINY, NOISE, KARATE = SHIPPED["tiny"], SHIPPED["noise-9-levels"], SHIPPED["real-karate"]


def small(recipe):
    """The same recipe with few hosts a split."""
    return recipe if recipe.hosts[0].fixed else recipe.replace(splits=dict.fromkeys(recipe.splits, 2))


MORE = {
    "directed": recipe_of(Similarity(nodes=30, neighbours=9, directed=True), overlap="tied"),
    "matched": TINY.replace(pairing="matched"),
    "ladder": TINY.replace(
        pairing="ladder",
        kinds=None,
        windows_per_graph=50,
        hosts=[{"type": "erdos_renyi", "nodes": 24, "probability": 1}],
    ),
    "tied": KARATE.replace(overlap="tied"),
    "untied": KARATE.replace(overlap="untied", cuts=["contiguous"]),
    "matched levels": NOISE.replace(pairing="matched", splits={"test": 3}, shifts={}),
    "observed noise": NOISE.replace(label="observed", splits={"test": 3}, shifts={}),
    "huge": NOISE.replace(
        splits={"test": 2},
        shifts={},
        weights=[{"type": "lognormal", "sigma": 1.0}],
        plant={"type": "noise", "law": "lognormal", "amplitude": 70.0},
    ),
    "flipped": TINY.replace(label="planted", label_noise=0.3),
    "shuffled line": SHIPPED["bump-9-shuffled"].replace(pairing="matched", splits={"test": 2}),
    "several orders": SHIPPED["bump-9-natural"].replace(
        subgraphs=[{"order": "natural"}, {"order": "shuffled"}], splits={"test": 3}
    ),
}


def parts_of(recipe, split, windows, cuts=()):
    """The windows of a split as parts of any sizes."""
    own, graphs = recipe.of(split), recipe.span(split)
    last = graphs.start - 1
    for start, end in zip((0, *cuts), (*cuts, len(windows)), strict=True):
        yield StoredPart(windows[start:end], own, graphs, start, last, is_last=end == len(windows))
        last = int(windows.graph[end - 1])


@pytest.mark.parametrize("name", [*SHIPPED, *MORE])
def test_everything_that_is_drawn_is_accepted_as_a_whole_and_in_parts(name):
    recipe = MORE[name] if name in MORE else small(SHIPPED[name])
    data = build(recipe)
    for split, windows in data.splits.items():
        least, most = windows_of_split(recipe.of(split))
        assert least <= len(windows) <= (most or len(windows))
        for cuts in ((), (1, len(windows) // 2)):
            for part in parts_of(recipe, split, windows, cuts):
                check_part(part)


def changed(name, change):
    """A change of one array, as windows."""

    def apply(windows):
        array = windows.arrays()[name].copy()
        change(array)
        return dataclasses.replace(windows, **{name: array})

    return apply


def put(name, place, value):
    return changed(name, lambda array: array.__setitem__(place, value))


def swap(name, first, second):
    return changed(name, lambda array: array.__setitem__([first, second], array[[second, first]]))


def swap_kinds(name):
    """Exchange a field of the first centred and the first shifted window."""
    return lambda w: swap(name, *(int(np.flatnonzero(w.kind == kind)[0]) for kind in ("centred", "shifted")))(w)


def put_in(name, kind, value):
    """Change a field of the first window of a kind."""
    return lambda w: put(name, int(np.flatnonzero(w.kind == kind)[0]), value)(w)


CHANGES = [
    (TINY, put("kind_code", 0, 200), "kind_code must lie between 0 and 5"),
    (TINY, put("offset", (0, 1), 30_000), "offset must lie between -2 and 2"),
    (TINY, put("values", (1, 0, 0), np.nan), "window 1: values must lie"),
    (TINY, put("values", (1, 0, 0), np.inf), "window 1: values must lie"),
    (TINY, put("margin", 0, np.nan), "margin must lie"),
    (TINY, put("margin", 0, 99), "margin must lie"),
    (TINY, put("graph", 3, 5), "window 3: hosts are not in the order"),
    (TINY, put("graph", 0, -1), "hosts are not in the order"),
    (TINY, swap("graph", 0, 15), "hosts are not in the order"),
    (TINY, put("rows", (0, 0), -1), "rows must lie between 0 and 23"),
    (TINY, put("columns", (0, 0), 24), "columns must lie between 0 and 23"),
    (TINY, lambda w: put("rows", (2, 0), w.columns[2, 1])(w), "window 2: nodes of rows and columns must be different"),
    (TINY, changed("observed", lambda a: np.logical_not(a, out=a)), "observed must say"),
    (TINY, changed("margin", lambda a: np.negative(a, out=a)), "margin must have the sign"),
    (TINY, swap_kinds("planted"), "planted label must be"),
    (TINY, swap_kinds("kind_code"), "the kind does not fit"),
    (TINY, put_in("kind_code", "shifted", 4), "the kind does not fit the recipe"),
    (TINY, put_in("kind_code", "shifted", 2), "host 0: kind"),
    (TINY, put_in("offset", "shifted", (0, 0)), "the offset must point"),
    (TINY, put_in("offset", "centred", (1, 0)), "the offset must point"),
    (TINY.replace(contexts=True), put("row_context", (0, 1, 1), 1), "contexts must have an empty diagonal"),
    (TINY.replace(contexts=True), put("column_context", (0, 0, 1), 7), "be symmetric"),
    (NOISE, put("amplitude", 0, 1.75), "amplitude must be a level"),
    (NOISE, changed("amplitude", lambda a: a.fill(1.0)), "host 0: amplitude 1.0 occurs in 120 of 120"),
    (NOISE, put_in("offset", "centred", (4, 4)), "the offset must point"),
    (NOISE, put_in("offset", "shifted", (0, 0)), "the offset must point"),
    (NOISE, put("rows", (0, 0), 1), "nodes of rows and columns"),
    (KARATE, put("planted", 5, True), "planted label must be"),
    (KARATE, put("kind_code", 0, 4), "the kind does not fit"),
    (KARATE, put("graph", -1, 1), "hosts are not in the order"),
    (KARATE, put("graph", 0, -1), "hosts are not in the order"),
]


@pytest.mark.parametrize(("recipe", "change", "complaint"), CHANGES)
def test_windows_that_contradict_their_recipe_or_each_other_are_refused(recipe, change, complaint):
    recipe = recipe.replace(splits={"test": 1 if recipe is KARATE else 2}, shifts={})
    windows = change(build(recipe).test)
    (part,) = parts_of(recipe, "test", windows)
    with pytest.raises(InputError, match=complaint):
        check_part(part)


def imported(**more):
    """Windows with entries that were not observed, of graphs in no order, as a data set of one split."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 5, 5))
    values[3, 0, 1] = np.nan
    return import_windows(values, graph=[7, -2, 7] * 10, shares={"test": 1.0}, **more)


def checked(data, windows):
    checker = SplitChecker(data.recipe, "test")
    checker.check(windows[:4], is_last=False)
    checker.check(windows[4:], is_last=True)


def test_imported_windows_are_accepted_in_parts():
    for data in (imported(), imported(labels=[True, False] * 15), import_windows(build(NOISE).test, shares=[1.0])):
        checked(data, data.test)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (put("kind_code", 9, 200), "window 5: kind_code must lie between 0 and 5"),
        (put("offset", (9, 1), 3), "offset must lie between -2 and 2"),
        (changed("observed", lambda a: np.logical_not(a, out=a)), "observed must say"),
        (changed("offset", lambda a: np.negative(a, out=a)), "the offset must point"),
        (changed("margin", lambda a: np.negative(a, out=a)), "the margin must have the sign"),
        (put("margin", 9, np.inf), "the margin must have the sign"),
        (put("graph", 9, 8), "of 3 graphs, and 2 are stated"),
        (changed("graph", lambda a: a.fill(7)), "of 1 graphs, and 2 are stated"),
    ],
)
def test_imported_windows_that_contradict_each_other_are_refused(change, complaint):
    data = imported()
    with pytest.raises(InputError, match=complaint):
        checked(data, change(data.test))


def test_every_field_has_limits_that_the_checks_know():
    named = {limit.lstrip("-") for field in FIELDS.values() for limit in field.limits if isinstance(limit, str)}
    assert named == {"half", "lead", "first graph", "last graph", "last node"}
