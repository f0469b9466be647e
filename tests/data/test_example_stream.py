"""Examples of a stream are the same whether they are drawn in this process or ahead by workers."""

import itertools

import numpy as np
import pytest

from gnnmax.data.example_stream import stream_examples
from gnnmax.data.recipe_files import load_recipe
from tests.support.maps import map_recipe


@pytest.mark.parametrize("recipe", [map_recipe(order="shuffled"), load_recipe("tiny")], ids=["maps", "windows"])
def test_workers_draw_the_batches_of_one_process_in_its_order(recipe):
    split = next(iter(recipe.splits))
    alone = itertools.islice(stream_examples(recipe, split, batch=3, start=5), 4)
    ahead = stream_examples(recipe, split, batch=3, start=5, workers=1)
    for wanted, found in zip(alone, ahead, strict=False):
        np.testing.assert_array_equal(found.values, wanted.values)
        np.testing.assert_array_equal(found.graph, wanted.graph)
    ahead.close()
