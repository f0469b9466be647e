"""Arrays that hand out slices are read page by page: once, aligned with their chunks, never as a whole."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import InputError, find_maxima
from gnnmax.detection import array_storage as module
from gnnmax.detection import matrix as source_module


class Slices:
    """An array behind slices that counts what it hands out."""

    def __init__(self, values, chunks=None):
        self._values, self.shape, self.dtype, self.chunks = values, values.shape, values.dtype, chunks
        self.handed_out, self.largest, self.read = 0, 0, []

    def __getitem__(self, key):
        rows, columns = key
        assert isinstance(rows, slice) and isinstance(columns, slice)
        part = self._values[key]
        self.handed_out += part.size
        self.largest = max(self.largest, part.nbytes)
        self.read.append((rows.start, rows.stop))
        return part


CHUNKS = st.sampled_from([None, (1, 3), (4, 5), (100, 100), ((3, 3, 2), (7, 4))])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 20), m=st.integers(5, 20), chunks=CHUNKS,
       k=st.sampled_from([(3, 3), (5, 3), (1, 5)]), ties=st.sampled_from(["strict", "plateau"]),
       page=st.sampled_from([8, 200, 2**23]), steps=st.sampled_from([(), ("rank",), ("degree",)]))  # fmt: skip
def test_slices_are_searched_as_the_array(seed, n, m, chunks, k, ties, page, steps):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(5, size=(n, m)).astype(float)
    matrix[rng.random((n, m)) < 0.1] = np.nan if not steps else 1.0
    matrix[0, 0] = 3.0
    options = {"ties": ties, "steps": steps, "missing": rng.random((n, m)) < 0.1}
    options["missing"][0, 0] = False
    expected = list(find_maxima(matrix, k, **options))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PAGE", page)
        patch.setattr(module, "LEAST_ROWS", 2)
        patch.setattr(source_module, "TILE", (3, 4))
        assert list(find_maxima(Slices(matrix, chunks), k, **options)) == expected


def test_each_row_is_handed_out_once_in_whole_chunks():
    matrix = np.random.default_rng(0).random((600, 1100))
    slices = Slices(matrix, (250, 300))
    assert list(find_maxima(slices, 9, directed=True)) == list(find_maxima(matrix, 9))
    searched = slices.read[-3:]
    assert searched == [(0, 250), (250, 500), (500, 600)]


def test_pages_are_small_beside_the_matrix(monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2**18)
    slices = Slices(np.random.default_rng(0).random((1500, 2000)), (100, 100))
    find_maxima(slices, 9, directed=True)
    assert slices.largest < 2**19 and slices.handed_out < 1.6 * 1500 * 2000


def test_a_data_set_of_h5py_is_searched_without_reading_it_whole(tmp_path):
    matrix = np.random.default_rng(0).random((300, 400), dtype=np.float32)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        stored = file.create_dataset("m", data=matrix, chunks=(64, 100), compression="gzip")
        assert list(find_maxima(stored, 5)) == list(find_maxima(matrix, 5))
        with pytest.raises(InputError, match="rows and columns, not shape"):
            find_maxima(file.create_dataset("line", data=matrix[0]), 5)
