"""Arrays of the real zarr and dask are searched by their slices, with the answer of the array in memory."""

from __future__ import annotations

import threading
from importlib import import_module

import numpy as np
import pytest

from gnnmax import RULES, InputError, find_maxima, order_test, score_everywhere
from gnnmax.detection.array_storage import PlainSlices
from gnnmax.detection.matrix_files import read_matrix
from tests.support.skips import skip_outside_ci
from tests.support.slices import Slices

RNG = np.random.default_rng(0)
MATRIX = RNG.random((150, 200), dtype=np.float32)
MATRIX[5, 7] = np.nan
SYMMETRIC = RNG.integers(50, size=(120, 120))
SYMMETRIC = SYMMETRIC + SYMMETRIC.T


@pytest.fixture(scope="module")
def zarr():
    """The library."""
    try:
        return import_module("zarr")
    except ImportError:
        skip_outside_ci("zarr is not installed")


@pytest.fixture(scope="module")
def dask():
    """Its module of arrays."""
    try:
        return import_module("dask.array")
    except ImportError:
        skip_outside_ci("dask is not installed")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("matrix", [MATRIX, SYMMETRIC], ids=["real", "symmetric counts"])
def test_an_array_of_zarr_is_searched_as_the_array(matrix, version, zarr, tmp_path):
    path = tmp_path / "m.zarr"
    stored = zarr.create_array(str(path), data=matrix, chunks=(32, 50), zarr_format=version)
    options = {"ties": "all", "centroid": True, "merge": 2}
    for found in (find_maxima(stored, 5, **options), find_maxima(read_matrix(path), 5, **options)):
        expected = find_maxima(matrix, 5, **options)
        assert list(found) == list(expected) and found.members.tolist() == expected.members.tolist()
        np.testing.assert_array_equal(found.centroid, expected.centroid)


def test_shards_are_read_too(zarr, tmp_path):
    stored = zarr.create_array(str(tmp_path / "s.zarr"), data=MATRIX, chunks=(16, 25), shards=(64, 100))
    assert list(find_maxima(stored, 5)) == list(find_maxima(MATRIX, 5))


def test_matrices_of_a_zarr_are_listed_at_every_depth(zarr, tmp_path):
    path = tmp_path / "g.zarr"
    group = zarr.open_group(str(path), mode="w")
    group.create_array("deep/m", data=MATRIX)
    group.create_array("line", data=MATRIX[0])
    assert list(find_maxima(read_matrix(f"{path}::deep/m"), 5)) == list(find_maxima(MATRIX, 5))
    for place in ("", "::other", "::deep", "::line"):
        with pytest.raises(InputError, match=r"has no matrix .*: choose one of .*g\.zarr::deep/m$"):
            read_matrix(f"{path}{place}")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(InputError, match=r"empty\.zarr is not a matrix of zarr: "):
        read_matrix(tmp_path / "empty.zarr")


def test_a_damaged_chunk_of_zarr_is_refused(zarr, tmp_path):
    zarr.create_array(str(tmp_path / "m.zarr"), data=MATRIX, chunks=(150, 200))
    (chunk,) = (file for file in (tmp_path / "m.zarr" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(chunk.read_bytes()[:100])
    with pytest.raises(InputError, match=r"m\.zarr is damaged: "):
        find_maxima(read_matrix(tmp_path / "m.zarr"), 5)


def test_an_array_of_dask_is_searched_as_the_array(dask):
    lazy = dask.from_array(MATRIX, chunks=(64, 77))
    assert list(find_maxima(lazy * 2, 5)) == list(find_maxima(MATRIX * 2, 5))
    counts = dask.from_array(SYMMETRIC, chunks=(50, 50))
    assert list(find_maxima(counts, mode="graph")) == list(find_maxima(SYMMETRIC, mode="graph"))
    assert order_test(counts, draws=9).p == order_test(SYMMETRIC, draws=9).p
    scores = (score_everywhere(RULES["argmax"], matrix, 5) for matrix in (lazy, MATRIX))
    np.testing.assert_array_equal(*scores)


def test_masked_chunks_of_dask_keep_their_mask(dask):
    lazy = dask.ma.masked_greater(dask.from_array(MATRIX, chunks=(64, 200)), 0.9)
    assert list(find_maxima(lazy, 5)) == list(find_maxima(np.ma.masked_greater(MATRIX, 0.9), 5))
    with pytest.raises(InputError, match="masked int64, which has no NaN"):
        find_maxima(dask.ma.masked_greater(dask.from_array(SYMMETRIC, chunks=50), 90), 5)


def test_chunks_of_dask_are_computed_in_this_thread_unless_a_scheduler_was_chosen(dask):
    threads = set()

    def seen(chunk):
        threads.add(threading.get_ident())
        return chunk

    lazy = dask.from_array(MATRIX, chunks=(64, 77)).map_blocks(seen, dtype=MATRIX.dtype, meta=MATRIX[:0, :0])
    find_maxima(lazy, 5)
    assert threads == {threading.get_ident()}
    with import_module("dask").config.set(scheduler="threads"):
        find_maxima(lazy, 5)
    assert len(threads) > 1


def test_sides_that_dask_does_not_know_are_refused(dask):
    lazy = dask.from_array(MATRIX, chunks=50)
    with pytest.raises(InputError, match=r"sides that are not known yet, \(nan, 200\): compute them first"):
        find_maxima(lazy[lazy[:, 0] > 0.5], 5)


class Masked(Slices):
    """Slices that are masked, as those of dask may be."""

    def __getitem__(self, key):
        return np.ma.masked_greater(super().__getitem__(key), 60)


def test_masked_slices_of_any_array_are_missing_or_refused():
    values = RNG.integers(100, size=(30, 40))
    real = values.astype(float)
    assert list(find_maxima(Masked(real), 5)) == list(find_maxima(np.ma.masked_greater(real, 60), 5))
    with pytest.raises(InputError, match="convert it to float64, or give the mask as missing"):
        find_maxima(Masked(values), 5)
    assert list(find_maxima(Masked(values // 2), 5)) == list(find_maxima(values // 2, 5))  # nothing is masked


def test_unknown_sides_are_refused_whatever_the_library():
    unknown = Slices(MATRIX)
    unknown.shape = (float("nan"), 200)
    with pytest.raises(InputError, match="sides that are not known yet"):
        PlainSlices(unknown)
