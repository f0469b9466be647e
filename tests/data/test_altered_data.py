"""Altered data sets and recipes: refused in one line, or read as what they were, or as something equally legal."""

import hashlib
import json
import random

import numpy as np
import pytest
from safetensors.numpy import load, save

from gnnmax.cli.main import main
from gnnmax.data import verification
from gnnmax.data.generation import build
from gnnmax.data.recipe import parse_recipe
from gnnmax.data.recipe_files import load_recipe
from gnnmax.data.store import MANIFEST, open_dataset, write_dataset
from gnnmax.errors import InputError
from gnnmax.io.tensor_files import read_header
from tests.support.altered_json import Tried, altered_trees, unlawful
from tests.support.mutations import mutants
from tests.support.special_files import SPECIAL, no_hang, put_special

pytestmark = pytest.mark.altered

RECIPES = {
    "spike": load_recipe("tiny").replace(contexts=True, splits={"test": 2}),
    "noise": load_recipe("noise-3-mu3").replace(splits={"test": 2}, windows_per_graph=8),
    "natural": load_recipe("real-florentine"),
}
SHARD = "test-00000.safetensors"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("altered")
    return {name: write_dataset(recipe, folder / name) for name, recipe in RECIPES.items()}


@pytest.fixture(params=RECIPES)
def folder(request, folders):
    """A data set whose files are put back afterwards."""
    folder = folders[request.param]
    before = {path: path.read_bytes() for path in folder.iterdir()}
    yield folder
    for path, content in before.items():
        put_back(path, content)


def put_back(path, content):
    put_special(path, "empty")
    path.write_bytes(content)


def opened(folder):
    """Everything that is read from a data set."""
    data = open_dataset(folder)
    return data.recipe, data.test


WORD = {"recipe.name": lambda name: len(name) <= 60, "recipe.summary": lambda text: len(text) <= 200}


def test_altered_manifests(folder, mutant_count):
    content = (folder / MANIFEST).read_bytes()
    recipe, windows = opened(folder)
    tried = Tried()
    for altered in (mutants(content, mutant_count // 6), altered_trees(json.loads(content), mutant_count // 6)):
        for mutant in altered:
            (folder / MANIFEST).write_bytes(mutant)
            found = tried(opened, folder)
            if found is not None:
                assert unlawful({"recipe": recipe.to_dict()}, {"recipe": found[0].to_dict()}, WORD) == [], mutant
                assert all(np.array_equal(a, found[1].arrays()[name]) for name, a in windows.arrays().items())
    tried.check()


def sign(folder, content):
    """Write the shard, and put its digest and its size into the manifest."""
    (folder / SHARD).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["splits"]["test"][0].update(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    (folder / MANIFEST).write_text(json.dumps(manifest))


CLAIMS = [getattr(verification, name) for name in ("_planted", "_offsets", "_nodes", "_contexts")]


def check_independently(recipe, windows):
    """Check accepted windows by the verifier, which shares no code with the reader."""
    own, shapes = recipe.of("test"), {field.name: field.shape(len(windows), recipe.k) for field in recipe.fields}
    assert {name: array.shape for name, array in windows.arrays().items()} == shapes
    assert verification._observed(windows).all()
    for holds in CLAIMS:
        assert holds(own, windows).all(), holds
    assert verification._shares(own, windows).holds
    assert sorted(set(windows.graph.tolist())) == list(recipe.span("test"))
    assert np.isfinite(windows.values).all() and np.isfinite(windows.margin).all()
    assert ((windows.margin > 0) == windows.observed).all()


def altered_arrays(content, count, *, seed=0):
    """Yield copies of a shard with a few entries of an array changed, or two of them exchanged."""
    rng = random.Random(seed)
    arrays = load(content)
    while count:
        copies = {name: array.copy() for name, array in arrays.items()}
        array = copies[rng.choice(sorted(copies))].reshape(-1)
        first, second = rng.randrange(array.size), rng.randrange(array.size)
        if array.dtype.kind == "f":
            array[first] = rng.choice((np.nan, np.inf, -np.inf, -1, 0, 1e30, array[second], -array[first]))
        elif array.dtype.kind == "b":
            array[first] = not array[first]
        else:
            low, high = np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
            array[first] = rng.choice((low, high, 0, 1, 2, 3, 4, 5, 200, array[second]))
        altered = save(copies)
        if altered != content:
            count -= 1
            yield altered


def altered_headers(content, count, *, seed=0):
    """Yield copies of a safetensors file with another header."""
    header, start = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]), read_header(content)[1]
    for text in altered_trees(header, count, seed=seed):
        yield len(text).to_bytes(8, "little") + text + content[start:]


def test_altered_shards_that_are_signed(folder, mutant_count):
    content = (folder / SHARD).read_bytes()
    tried = Tried()
    for altered in (mutants, altered_arrays, altered_headers):
        for mutant in altered(content, mutant_count // 9):
            sign(folder, mutant)
            found = tried(opened, folder)
            if found is not None:
                check_independently(*found)
    tried.check()


def test_altered_shards_that_are_not_signed_are_all_refused(folder, mutant_count):
    tried = Tried()
    for mutant in mutants((folder / SHARD).read_bytes(), min(mutant_count // 3, 500)):
        (folder / SHARD).write_bytes(mutant)
        assert tried(opened, folder) is None
    tried.check(least=1)


def test_the_same_shard_written_in_another_way_is_read(folder):
    content = (folder / SHARD).read_bytes()
    header, start = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]), read_header(content)[1]
    text = json.dumps(dict(reversed(header.items()))).encode() + b"   "
    sign(folder, len(text).to_bytes(8, "little") + text + content[start:])
    check_independently(*opened(folder))


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", [MANIFEST, SHARD])
def test_a_special_file_in_a_data_set_is_one_line(folder, name, kind, capsys):
    put_special(folder / name, kind)
    with no_hang(), pytest.raises(InputError, match=r"manifest|shard|no data set"):
        opened(folder)
    with no_hang(20):
        assert main(["info", str(folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_altered_recipe_files(tmp_path, mutant_count):
    file = tmp_path / "x.toml"
    original = load_recipe("families").replace(splits={"train": 2, "val": 1, "other-families": 1})
    text = (verification.Path(__file__).parents[2] / "datasets" / "recipes" / "families.toml").read_bytes()
    tried = Tried()
    for mutant in mutants(text, mutant_count):
        file.write_bytes(mutant)
        found = tried(load_recipe, file)
        if found is not None:
            assert parse_recipe(found.to_dict(), "x") == found, "it is a legal recipe"
    tried.check(least=0.1)
    for kind in SPECIAL:
        put_special(file, kind)
        with no_hang(), pytest.raises(InputError, match=r"the recipe file|missing required field"):
            load_recipe(file)
    assert len(build(original).train)


def test_a_dropped_shard_and_another_number_of_windows_are_refused_when_the_data_set_is_opened(folder):
    content = json.loads((folder / MANIFEST).read_bytes())
    stated = content["splits"]["test"][0]["windows"]
    for windows in (stated - 1, stated + 1, 2 * stated, 0, 10**12):
        content["splits"]["test"][0]["windows"] = windows
        (folder / MANIFEST).write_text(json.dumps(content))
        with pytest.raises(InputError, match=r"states|cannot hold|has \w+ as"):
            opened(folder)
    content["splits"]["test"] = []
    (folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(InputError, match="states 0 windows of test"):
        open_dataset(folder)
