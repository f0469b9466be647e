"""Streams of maps: one sequence, whatever the batches, starts and shards, and no map of the data set."""

from itertools import islice

import numpy as np
import pytest

from gnnmax import InputError, Maps, build
from gnnmax.data.maps.stream import stream_maps
from tests.support.maps import TABLES, map_recipe

RECIPE = map_recipe(splits={"train": 4, "test": 2}, **TABLES["line, shuffled"])


def taken(count, **options):
    return Maps.concatenate(list(islice(stream_maps(RECIPE, "train", **options), count)))


def test_batches_starts_and_shards_are_parts_of_one_sequence():
    whole = taken(12, batch=1)
    parts = [taken(3, batch=4), Maps.concatenate([taken(1, batch=5), taken(1, batch=7, start=5)])]
    halves = [taken(2, batch=3, shard=(index, 2)) for index in (0, 1)]
    order = np.argsort(np.concatenate([half.graph for half in halves]))
    parts.append(Maps.concatenate(halves)[order])
    for part in parts:
        for name, array in whole.arrays().items():
            assert np.array_equal(part.arrays()[name], array, equal_nan=True)


def test_no_map_of_a_stream_is_in_the_data_set_or_in_the_stream_of_another_split():
    data = build(RECIPE)
    streamed = [taken(4, batch=1).values, next(stream_maps(RECIPE, "test", 4)).values]
    everything = [*streamed[0], *streamed[1], *data.train.values, *data.test.values]
    assert len({np.sort(matrix, axis=None).tobytes() for matrix in everything}) == len(everything)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stream_maps(RECIPE, "tset"), "did you mean test"),
        (lambda: stream_maps(RECIPE, "test", 0), "batch must be"),
        (lambda: stream_maps(RECIPE, "test", shard=(2, 2)), "shard must be"),
        (lambda: stream_maps("tiny", "test"), "windows where maps are expected"),
    ],
)
def test_one_line_says_what_is_wrong(call, message):
    with pytest.raises(InputError, match=message):
        call()
