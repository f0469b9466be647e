"""Arrays in numpy's format: what numpy reads, and files that state something else than they hold."""

import io

import numpy as np
import pytest

from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.search import find_maxima
from gnnmax.errors import InputError
from gnnmax.io.graph_files.arrays import read_npy
from tests.support.graph_content import saved

MATRIX = np.random.default_rng(0).integers(0, 99, (5, 7))


@pytest.mark.parametrize("dtype", ["<f2", ">f4", ">i8", "<u1", ">f8", np.longdouble])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_and_order_is_read_and_searched(dtype, order, tmp_path):
    array = np.asarray(MATRIX, dtype=dtype, order=order)
    np.save(tmp_path / "m.npy", array)
    np.testing.assert_array_equal(read_npy((tmp_path / "m.npy").read_bytes()), array)
    mapped = read_matrix(tmp_path / "m.npy")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, array)
    for mode in ("ordered", "graph"):
        assert list(find_maxima(mapped, k=3, mode=mode)) == list(find_maxima(MATRIX.astype(float), k=3, mode=mode))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_header_is_read(version):
    content = saved(np.lib.format.write_array, MATRIX, version=version)
    np.testing.assert_array_equal(read_npy(content), MATRIX)


def test_a_header_of_python_2_is_read_without_a_warning():
    content = saved(np.save, MATRIX).replace(b"(5, 7), }", b"(5L, 7),}")
    np.testing.assert_array_equal(read_npy(content), MATRIX)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"NUMPY\x01", b"NUMPY\x09", "not a .npy file"),
        (b"(5, 7)", b"(5,-7)", "states an array of shape"),
        (b"(5, 7)", b"(5, 8)", "states 320 bytes of numbers and has 280"),
        (b"'<i8'", b"'|O8'", "pickled objects|not a .npy file"),
        (b"'<i8'", b"'|V0'", "states an array of shape"),
        (b"False", b"0    ", "not a .npy file"),
        (b"(5, 7)", b"5 * 7 ", "not a .npy file"),
    ],
)
def test_an_impossible_header_is_refused(old, new, said, tmp_path):
    content = saved(np.save, MATRIX).replace(old, new)
    with pytest.raises(InputError, match=said):
        read_npy(content)
    (tmp_path / "m.npy").write_bytes(content)
    with pytest.raises(InputError, match=f"cannot read the matrix .*({said})"):
        read_matrix(tmp_path / "m.npy")


def test_a_second_array_after_the_first_is_refused(tmp_path):
    file = io.BytesIO()
    np.save(file, MATRIX)
    np.save(file, MATRIX)
    (tmp_path / "m.npy").write_bytes(file.getvalue())
    with pytest.raises(InputError, match="states 280 bytes of numbers and has 688: it holds more than it states"):
        read_matrix(tmp_path / "m.npy")


def test_a_matrix_without_entries_is_refused_by_its_shape(tmp_path):
    np.save(tmp_path / "m.npy", np.empty((0, 5)))
    with pytest.raises(InputError, match=r"not shape \(0, 5\)"):
        find_maxima(read_matrix(tmp_path / "m.npy"), k=3)
