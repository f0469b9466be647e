"""Matrix Market files: the same matrices as scipy reads, and one line for files on which scipy ends the process."""

import io

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from gnnmax.errors import InputError
from gnnmax.io.graph_files import text_blocks
from gnnmax.io.graph_files.matrix_market import read_mtx
from tests.support.graph_content import saved

HEAD = "%%MatrixMarket matrix coordinate {} {}\n"


def dense(matrix):
    return matrix.toarray() if scipy.sparse.issparse(matrix) else matrix


def matrix_of(symmetry, dtype):
    matrix = np.random.default_rng(0).integers(1, 90, (7, 7)) * (np.random.default_rng(1).random((7, 7)) < 0.6)
    if symmetry == "symmetric":
        matrix = np.maximum(matrix, matrix.T)
    elif symmetry == "skew-symmetric":
        matrix = np.triu(matrix, 1) - np.triu(matrix, 1).T
    elif np.dtype(dtype).kind != "u":
        matrix = matrix - 30 * (matrix > 40)
    return matrix.astype(dtype) / (8 if dtype is float else 1)


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize(
    ("symmetry", "dtype"),
    [(s, d) for s in ("general", "symmetric", "skew-symmetric") for d in (float, np.int64, np.uint64)
     if (s, d) != ("skew-symmetric", np.uint64)],
)  # fmt: skip
def test_every_layout_field_and_symmetry_is_read_as_scipy_reads_it(symmetry, dtype, sparse, monkeypatch):
    matrix = matrix_of(symmetry, dtype)
    given = scipy.sparse.coo_array(matrix) if sparse else matrix
    content = saved(scipy.io.mmwrite, given, symmetry=symmetry, comment="a comment\nof two lines")
    expected = scipy.io.mmread(io.BytesIO(content))
    for block in (2**21, 40):
        monkeypatch.setattr(text_blocks, "BLOCK", block)
        found = read_mtx(content)
        assert dense(found).dtype == expected.dtype and scipy.sparse.issparse(found) == sparse
        np.testing.assert_array_equal(dense(found), matrix)


@pytest.mark.parametrize(
    "content",
    [
        "%%matrixmarket MATRIX Coordinate Real General\r\n% c\r\n\r\n2 2 2\r\n1 2 5\r\n\r\n2 1 1e0\r\n\r\n",
        "%%MatrixMarket matrix coordinate double general\n2 2 2\n 1\t2   5.0  \n2 1 +1",
    ],
)
def test_blanks_case_and_ends_of_lines_do_not_matter(content):
    assert read_mtx(content.encode()).toarray().tolist() == [[0, 5], [1, 0]]


def test_a_pattern_is_ones_and_a_file_without_entries_is_empty():
    assert read_mtx((HEAD.format("pattern", "symmetric") + "2 2 1\n2 1\n").encode()).toarray().tolist() == [
        [0, 1],
        [1, 0],
    ]
    assert read_mtx((HEAD.format("real", "general") + "3 2 0\n").encode()).shape == (3, 2)
    assert read_mtx(b"%%MatrixMarket matrix array integer general\n0 0\n").shape == (0, 0)


@pytest.mark.parametrize(
    ("field", "rest", "said"),
    [
        ("real", "2 2 2\n2 1 inf\n1 2 1e999", "^line 4: expected row, column and value, not '1 2 1e999'"),
        ("real", "2 2 1\n1 2 2E", "^line 3: expected row, column and value, not '1 2 2E'"),
        ("real", "2 2 2\n1 2 2.5\n2 1 1.7\0\0\n", "^line 4: expected row, column and value"),
        ("real", "2 2 2\n1 2\n2 1 1 1\n", "^line 3: expected row, column and value, not '1 2'"),
        ("real", "2 2 1\n1 2 1_0\n", "^line 3: expected"),
        ("real", "2 2 1\n\n1 2 \u0661\n", "^line 4: expected"),
        ("integer", "2 2 1\n1 2 1.5\n", "^line 3: expected"),
        ("integer", "2 2 1\n1 2 9223372036854775808\n", "^line 3: expected"),
        ("unsigned-integer", "2 2 1\n1 2 -1\n", "^line 3: expected"),
        ("pattern", "2 2 1\n1 2 3\n", "^line 3: expected row and column, not '1 2 3'"),
        ("real", "2 2 1\n0 2 1\n", "^an entry lies outside 2 x 2"),
        ("real", "2 2 1\n1 3 1\n", "^an entry lies outside 2 x 2"),
        ("real", "2 2 2\n1 2 1\n", "^states 2 entries"),
        ("real", "2 2 1\n1 2 1\n2 1 1\n", "^states 1 entries and has 2"),
        ("real", "2 2\n1 2 1\n", "^line 2: expected 3 sizes"),
        ("real", "2 2 -1\n", "^line 2: expected 3 sizes"),
        ("real", "% no sizes\n", "ends before the line of sizes"),
        ("complex", "1 1 1\n1 1 1 1\n", "must be real numbers"),
        ("word", "1 1 1\n1 1 1\n", "must be real numbers"),
    ],
)
def test_a_wrong_file_is_refused_with_the_number_of_the_line(field, rest, said):
    with pytest.raises(InputError, match=said):
        read_mtx((HEAD.format(field, "general") + rest).encode())


@pytest.mark.parametrize("first", ["", "%%MatrixMarket", "%%MatrixMarket matrix coordinate real\n", "MatrixMarket\n"])
def test_another_first_line_is_no_matrix_market_file(first):
    with pytest.raises(InputError, match="not a Matrix Market file"):
        read_mtx(first.encode())
    with pytest.raises(InputError, match="states a symmetric matrix of 2 x 3"):
        read_mtx((HEAD.format("real", "symmetric") + "2 3 0\n").encode())
