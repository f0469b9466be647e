"""Positions from a file: names may be quoted, numbers are those of every program, and messages have the right line."""

import pytest

from gnnmax.detection.positions import read_positions
from gnnmax.errors import InputError

NODES = ("a, b", "two\nlines", "=x")


def test_names_may_be_quoted_and_span_lines(tmp_path):
    (tmp_path / "p.csv").write_text('i,j\n"a, b","two\nlines"\n\n=x,"a, b"\n')
    assert read_positions(tmp_path / "p.csv", (NODES, NODES)) == [(0, 1), (2, 0)]


@pytest.mark.parametrize(
    ("lines", "names", "said"),
    [
        ("3,4\n1_0,2\n", None, "line 2: expected a whole number of at least 0, not '1_0'"),
        ("3,4\n\u0663,2\n", None, "line 2: expected a whole number"),
        ("3,-4\n", None, "line 1: expected a whole number"),
        (f"3,{'9' * 19}\n", None, "line 1: expected a whole number"),
        ('"a, b","two\nlines"\n=x,y\n', (NODES, NODES), "line 3: expected the name of a node, not 'y'"),
        ('=x,=x\n"a, b,=x\n', (NODES, NODES), "line 2: unexpected end of data"),
        ("=x," + "y" * 200_000, (NODES, NODES), "line 1: field larger than field limit"),
    ],
)
def test_a_wrong_line_is_named(lines, names, said, tmp_path):
    (tmp_path / "p.csv").write_text(lines)
    with pytest.raises(InputError, match=f"p.csv: {said}"):
        read_positions(tmp_path / "p.csv", names)
