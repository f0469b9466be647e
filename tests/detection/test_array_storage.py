"""Arrays that hand out slices are read page by page: once, aligned with their chunks, never as a whole."""

import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import InputError, find_maxima
from gnnmax.detection import array_files
from gnnmax.detection import array_storage as module
from gnnmax.detection import matrix as source_module
from gnnmax.detection.matrix_files import read_matrix
from tests.support.slices import Slices

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


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """A file of HDF5 with a matrix, and the matrix."""
    path, matrix = tmp_path_factory.mktemp("arrays") / "m.h5", np.random.default_rng(0).random((40, 30))
    with h5py.File(path, "w") as file:
        file.create_dataset("deep/matrix", data=matrix, chunks=(8, 30), compression="gzip")
        file["line"], file["texts"] = matrix[0], np.array([[b"a", b"b"]])
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
        file.create_dataset("unwritten", (10**6, 10**6), "f8", chunks=(1000, 1000))
    return path, matrix


def test_a_matrix_in_a_file_of_hdf5_is_read_in_slices_by_a_process_of_its_own(arrays):
    path, matrix = arrays
    found = read_matrix(f"{path}::deep/matrix")
    assert (found.shape, found.dtype, found.chunks) == (matrix.shape, matrix.dtype, (8, 30))
    np.testing.assert_array_equal(found[3:7, 5:30], matrix[3:7, 5:30])
    assert list(find_maxima(found, 5)) == list(find_maxima(matrix, 5))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("", r"choose one of .*m\.h5::deep/matrix"),
        ("line", r"no matrix line: choose one of"),
        ("texts", "has the type"),
        ("elsewhere", "link to another file"),
        ("unwritten", "entries in 0 bytes"),
    ],
)
def test_what_is_no_matrix_in_a_file_is_refused(arrays, place, said):
    path, _ = arrays
    with pytest.raises(InputError, match=said):
        read_matrix(f"{path}::{place}")


def test_damage_is_refused_and_a_process_that_stops_is_too(arrays, tmp_path):
    (tmp_path / "m.h5").write_bytes(arrays[0].read_bytes()[:1000])
    with pytest.raises(InputError, match="not a file of HDF5, or a damaged one"):
        read_matrix(f"{tmp_path / 'm.h5'}::deep/matrix")
    found = read_matrix(f"{arrays[0]}::deep/matrix")
    found._process.kill()
    with pytest.raises(InputError, match="crashes on it, or does not come to an end"):
        found[0:5, 0:5]


def test_a_file_of_zarr_names_its_extra_where_the_library_is_missing(tmp_path, monkeypatch):
    (tmp_path / "m.zarr").mkdir()
    monkeypatch.setattr(array_files, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'gnnmax\[zarr\]'"):
        read_matrix(tmp_path / "m.zarr")
    with pytest.raises(InputError, match="No such file"):
        read_matrix(tmp_path / "nowhere.zarr")


def test_an_array_of_zarr_is_read_by_its_slices(tmp_path, monkeypatch):
    matrix = np.random.default_rng(0).random((30, 30))
    group = SimpleNamespace(members=lambda max_depth: [("m", Slices(matrix)), ("line", Slices(matrix[0]))])
    opened = {str(tmp_path / "m.zarr"): Slices(matrix, (7, 9)), str(tmp_path / "many.zarr"): group}
    for path in opened:
        Path(path).mkdir()
    monkeypatch.setattr(array_files, "find_spec", lambda name: True)
    monkeypatch.setitem(sys.modules, "zarr", SimpleNamespace(open=lambda path, mode: opened[path]))
    assert list(find_maxima(read_matrix(tmp_path / "m.zarr"), 5)) == list(find_maxima(matrix, 5))
    with pytest.raises(InputError, match=r"choose one of .*many\.zarr::m$"):
        read_matrix(tmp_path / "many.zarr")
