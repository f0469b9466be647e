"""Altered sets of maps: refused in one line, or read as what they were, or as something equally legal."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load, save

from gnnmax.data.maps.verification import _agrees
from gnnmax.data.store import MANIFEST, open_dataset, write_dataset
from tests.support.altered_json import Tried, altered_trees, unlawful
from tests.support.maps import BLOCK, map_recipe
from tests.support.mutations import mutants
from tests.support.special_files import SPECIAL, no_hang, put_special

pytestmark = pytest.mark.altered

RECIPES = {
    "symmetric": map_recipe(splits={"test": 3}),
    "bipartite": map_recipe(splits={"test": 3}, n=12, structure="bipartite", columns=14, peaks=[0, 3], separation=2),
    "blocks": map_recipe(splits={"test": 3}, plant=BLOCK),
}
SHARD = "test-00000.safetensors"
WORD = {"recipe.name": lambda name: len(name) <= 60, "recipe.summary": lambda text: len(text) <= 200}


@pytest.fixture(scope="module", params=RECIPES)
def original(request, tmp_path_factory):
    return write_dataset(RECIPES[request.param], tmp_path_factory.mktemp("maps") / "maps")


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "maps")


def opened(folder):
    """Everything that is read from a set of maps."""
    data = open_dataset(folder)
    return data.recipe, data["test"]


def test_altered_manifests_of_maps(folder, mutant_count):
    content = (folder / MANIFEST).read_bytes()
    recipe, maps = opened(folder)
    tried = Tried()
    for altered in (mutants(content, mutant_count // 6), altered_trees(json.loads(content), mutant_count // 6)):
        for mutant in altered:
            (folder / MANIFEST).write_bytes(mutant)
            found = tried(opened, folder)
            if found is not None:
                assert unlawful({"recipe": recipe.to_dict()}, {"recipe": found[0].to_dict()}, WORD) == [], mutant
                arrays = found[1].arrays()
                assert all(np.array_equal(a, arrays[name], equal_nan=True) for name, a in maps.arrays().items())
    tried.check()


def altered_arrays(content, count):
    """Yield copies of a shard in which an entry of an array is extreme, or two are exchanged."""
    rng, arrays = np.random.default_rng(0), load(content)
    while count:
        copies = {name: array.copy() for name, array in arrays.items()}
        array = copies[rng.choice(sorted(name for name in copies if copies[name].size))].reshape(-1)
        first, second = rng.integers(array.size, size=2)
        if array.dtype.kind == "f":
            array[first] = rng.choice([np.nan, np.inf, -np.inf, 0, 1e30, array[second], -array[first]])
        elif array.dtype.kind == "b":
            array[first] = not array[first]
        else:
            extremes = (np.iinfo(array.dtype).min, np.iinfo(array.dtype).max)
            array[first] = [*extremes, 0, 1, 2, array[second]][rng.integers(6)]
        altered = save(copies)
        if altered != content:
            count -= 1
            yield altered


def test_altered_shards_of_maps_that_are_signed(folder, mutant_count):
    content, manifest = (folder / SHARD).read_bytes(), json.loads((folder / MANIFEST).read_bytes())
    tried = Tried()
    for altered in (mutants, altered_arrays):
        for mutant in altered(content, mutant_count // 6):
            (folder / SHARD).write_bytes(mutant)
            manifest["splits"]["test"][0].update(sha256=hashlib.sha256(mutant).hexdigest(), bytes=len(mutant))
            (folder / MANIFEST).write_text(json.dumps(manifest))
            found = tried(opened, folder)
            if found is not None:
                recipe, maps = found
                assert _agrees(maps, recipe.of("test").map).holds
                assert maps.graph.tolist() == list(recipe.span("test"))
                assert not np.isinf(maps.values).any()
    tried.check(least=0.2)


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", [MANIFEST, SHARD])
def test_a_special_file_in_a_set_of_maps_is_one_line(folder, name, kind):
    put_special(folder / name, kind)
    with no_hang(), pytest.raises(ValueError, match=r"manifest|shard|no data set"):
        opened(folder)
