"""Recipes: refusals of invalid and hostile input, and the fields that determine a digest."""

import json
import os
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnnmax import InputError, load_recipe
from gnnmax.data.recipe import Recipe, parse_recipe
from gnnmax.data.recipe_files import recipe_names

TINY = load_recipe("tiny")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "content",
    [
        b"k = " + b"[" * 5_000 + b"]" * 5_000,
        b"k = " + b"{a=" * 5_000 + b"1" + b"}" * 5_000,
        b"[" + b".".join([b"a"] * 5_000) + b"]",
        b"seed = " + b"9" * 5_000,
        b"seed = 99999999999999999999",
        b"k = 1e999",
        b"k = nan",
        bytes(range(256)) * 4,
        b"\xff\xfe\x00k",
        b"k = 5\nk = 5",
        b"name = 'x\ny'",
        b"",
        b"#" * 1_000_001,
        b"frobnicate = 1",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_a_hostile_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"recipe.*{re.escape(str(path))}") as caught:
        load_recipe(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_file_of_exactly_the_largest_size_is_read(tmp_path):
    path = tmp_path / "recipe.toml"
    for size, message in ((1_000_000, "missing required field"), (1_000_001, "larger than 1 MB")):
        path.write_bytes(b"#" * size)
        with pytest.raises(InputError, match=message):
            load_recipe(path)


def test_what_is_no_regular_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")  # reading one waits for ever
    (tmp_path / "zeros.toml").symlink_to("/dev/zero")  # reading it fills the memory
    (tmp_path / "folder.toml").mkdir()
    for name in ("pipe", "zeros", "folder"):
        with pytest.raises(InputError, match="regular file"):
            load_recipe(tmp_path / f"{name}.toml")
    for name in ("missing.toml", "x" * 5_000 + ".toml", "../tiny", ""):
        with pytest.raises(InputError, match=r"recipe (file )?.{0,2}" + re.escape(name[:9])):
            load_recipe(name)
    with pytest.raises(InputError, match="holds a NUL character"):
        load_recipe("tiny\0.toml")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "tiny\n"}, "matching regex"),
        ({"splits": {"train\n": 1}}, "matching regex"),
        ({"splits": {"recipe": 1}}, "cannot be named 'recipe'"),
        ({"splits": {"test": 1, "bayes": 1}}, "cannot be named 'bayes'"),
        ({"splits": {f"s{i}": 1 for i in range(21)}}, "length"),
        ({"splits": {"test": 10_000_000}, "windows_per_graph": 1_000_000}, "1,000,000,000 windows"),
        ({"plant.margin": [0.1, 5.5]}, "does not exist at k = 5"),
        ({"plant.margin": [float("nan"), 1.0]}, "> 0.0"),
        ({"plant.margin": [0.1]}, "length 2"),
        ({"weights.0.high": float("inf")}, "<= 1e"),
        ({"weights.0.low": float("nan")}, ">= -1e"),
        ({"weights.²": 1}, "no index"),
        ({"weights.-1": 1}, "no index"),
        ({"seed.x": 1}, "leads nowhere"),
        ({"": 1}, "unknown field"),
        ({"seed": True}, "got `bool`"),
        ({"seed": -1}, ">= 0"),
        ({"contexts": 1}, "got `int`"),
        ({"k": 257}, "<= 255"),
        ({"hosts": []}, "length"),
        ({"cuts": []}, "cuts"),
        ({"kinds": None}, "kinds and windows_per_graph"),
        ({"hosts": [{"type": "complete"}, {"type": "erdos_renyi", "nodes": 24, "probability": 0.5}]}, "do not mix"),
    ],
)
def test_a_field_that_does_not_fit_is_refused(changes, complaint):
    with pytest.raises(InputError, match=complaint):
        TINY.replace(**changes)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.sampled_from(sorted(TINY.to_dict())), JUNK)
def test_any_value_in_any_field_is_a_recipe_or_an_input_error(field, junk):
    plain = {**json.loads(json.dumps(TINY.to_dict())), field: junk}
    try:
        recipe = parse_recipe(plain, "x")
    except InputError as error:
        assert str(error).startswith("recipe x: ")
    else:
        assert len(recipe.digest) == 64


@given(JUNK)
def test_anything_at_all_is_an_input_error(junk):
    with pytest.raises(InputError, match=r"^recipe x: "):
        parse_recipe(junk, "x")


OTHER = {
    "seed": 1,
    "k": 3,
    "label": "planted",
    "contexts": True,
    "windows_per_graph": 4,
    "splits": {"train": 2, "val": 2, "test": 3},
    "shifts": {"test": {"k": 3}},
    "hosts": [{"type": "erdos_renyi", "nodes": 24, "probability": 0.6}],
    "weights": [{"type": "exponential"}],
    "subgraphs": [{"order": "shuffled"}],
    "cuts": ["neighbours"],
    "plant": {"type": "spike", "margin": [0.1, 1.0]},
    "kinds": {"centred": 0.5, "shifted": 0.5},
    "pairing": "matched",
    "label_noise": 0.1,
    "overlap": "tied",
}
ALONG = {"label_noise": {"label": "planted"}, "overlap": {"hosts.0.directed": True}}
"""What a field does not go without."""


def test_every_field_decides_the_digest_but_the_names():
    changed = {field: TINY.replace(**{field: value}, **ALONG.get(field, {})).digest for field, value in OTHER.items()}
    for field, along in ALONG.items():
        assert changed[field] != TINY.replace(**along).digest
    assert set(OTHER) | {"name", "summary"} == {field.name for field in msgspec.structs.fields(Recipe)}
    assert len({TINY.digest, *changed.values()}) == len(OTHER) + 1
    assert TINY.replace(name="another", summary="another").digest == TINY.digest


def test_the_digest_does_not_depend_on_the_order_of_fields_or_on_what_is_left_at_its_default():
    plain = json.loads(json.dumps(TINY.to_dict()))
    assert parse_recipe(dict(reversed(plain.items())), "x").digest == TINY.digest
    assert TINY.replace(contexts=False, seed=0).digest == TINY.digest
    assert TINY.replace(seed=0) == TINY


def test_digests_of_shipped_recipes_stay_until_the_generation_is_counted_up():
    recipes = {name: load_recipe(name).digest[:8] for name in ("spike-9", "noise-9-mu2", "sizes")}
    assert recipes == {"spike-9": "19ecd0f8", "noise-9-mu2": "8660a283", "sizes": "9c05a547"}
    planted = TINY.replace(label="planted")
    assert planted.digest == planted.replace(label_noise=0.0).digest != planted.replace(label_noise=0.1).digest


def test_replacing_reaches_into_nested_fields_and_leaves_the_old_recipe_as_it_is():
    changed = TINY.replace(**{"plant.margin": [0.2, 0.3], "hosts.0.nodes": 30, "splits.extra": 4})
    assert (changed.plant.margin, changed.hosts[0].nodes, changed.splits["extra"]) == ((0.2, 0.3), 30, 4)
    assert (TINY.plant.margin, TINY.hosts[0].nodes) == ((0.05, 1.0), 24)
    with pytest.raises(AttributeError, match="immutable"):
        TINY.seed = 3


@pytest.mark.parametrize("name", recipe_names())
def test_every_host_has_one_split_and_every_split_all_ingredients_equally(name):
    recipe = load_recipe(name)
    spans = [recipe.span(split) for split in recipe.splits]
    assert [graph for span in spans for graph in span] == list(range(recipe.graphs))
    for split, span in zip(recipe.splits, spans, strict=True):
        own = recipe.of(split)
        assert recipe.split_of(span[0]) == recipe.split_of(span[-1]) == split
        if len(span) < 200:
            continue
        for part, wanted in (("host", own.hosts), ("law", own.weights), ("cut", own.cuts)):
            counts = [sum(getattr(recipe.ingredients(g), part) == one for g in span[:200]) for one in wanted]
            assert not counts or max(counts) - min(counts) <= 200 // len(wanted)
    with pytest.raises(InputError, match="unknown split"):
        recipe.of("nowhere")


def test_shipped_recipes_are_those_of_the_folder_and_named_as_their_files():
    files = {path.stem for path in (ROOT / "datasets" / "recipes").glob("*.toml")}
    assert files == set(recipe_names())
    for name in files:
        assert load_recipe(name).name == name
