"""Files of scores, labels, graphs and weights: what people write, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from gnnmax import InputError
from gnnmax.evaluation.column_files import read_column


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("label", "1\n0\n1\n", [True, False, True]),
        ("label", "y_true\nTrue\nFalse\ntrue\n", [True, False, True]),
        ("label", "id,label\n7,1.0\n8,0.0\n9,1\n", [True, False, True]),
        ("graph", "graph\n3\n3\n-1\n", [3, 3, -1]),
        ("graph", "1_0\n10\n\u0661\u0660\n", ["1_0", "10", "\u0661\u0660"]),
        ("graph", "karate\nkarate\n5\n", ["karate", "karate", "5"]),
        ("graph", "\ufeffscore,graph\n0.5,a\n1,b\n2,a\n", ["a", "b", "a"]),
        ("weight", "0.5\n1\n2\n", [0.5, 1.0, 2.0]),
        ("score", "my net\n0.5\n1\n2\n", [0.5, 1.0, 2.0]),
    ],
)
def test_columns_are_read_as_their_kind(tmp_path, column, text, expected):
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    assert read_column(tmp_path / "x.csv", column).tolist() == expected


@pytest.mark.parametrize(
    ("column", "array"),
    [
        ("label", np.array([True, False])),
        ("label", np.array([1, 0], np.int8)),
        ("label", np.array([1.0, 0.0])),
        ("graph", np.array([2, 2])),
        ("graph", np.array(["a", "b"])),
        ("score", np.array([1, 0], np.float16)),
    ],
)
def test_arrays_are_read_from_both_formats_of_numpy(tmp_path, column, array):
    np.save(tmp_path / "x.npy", array)
    np.savez(tmp_path / "x.npz", array)
    for name in ("x.npy", "x.npz"):
        assert read_column(tmp_path / name, column).tolist() == array.tolist()


@pytest.mark.parametrize(
    ("column", "name", "content", "message"),
    [
        ("label", "y.csv", b"1\n2\n", "line 2 has '2' where 0 or 1, false or true was expected"),
        ("label", "y.csv", b"a,b\n1,0\n", "expected one column called label"),
        ("graph", "g.csv", b"a\n\n''\n,\n", "line 4 has 2 columns where 1"),
        ("score", "s.csv", b"score\n\n0.5\n\nx\n", "line 5 has 'x' where a number"),
        ("graph", "g.csv", b"graph,score\n,1\n", "line 2 has '' where a number or a name"),
        ("score", "s.npz", b"not a box", "not a .npz file"),
        ("score", "s.npy", np.array([0.0]).tobytes(), "not a .npy file"),
        ("label", "y.parquet", b"", "labels come in a file that ends in .npy, .npz, .csv"),
    ],
)
def test_a_file_of_something_else_is_refused_by_name_and_line(tmp_path, column, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_column(tmp_path / name, column)


@pytest.mark.parametrize(
    ("column", "array", "message"),
    [
        ("label", np.array([1, 3]), "has 3 at index 1 where 0 or 1"),
        ("label", np.zeros((2, 1)), r"zeros and ones of shape \(N,\), not float64 of shape \(2, 1\)"),
        ("graph", np.array([0.5]), "integers or names"),
        ("score", np.array([True]), "real numbers of shape"),
    ],
)
def test_an_array_of_something_else_is_refused(tmp_path, column, array, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(InputError, match=message):
        read_column(tmp_path / "x.npy", column)
