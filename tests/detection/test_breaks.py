"""Breaks between rows and columns: windows, distances and decoys stop there, in every form of a matrix."""

import cooler
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gnnmax import InputError, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import array_storage
from gnnmax.detection import matrix as source_module
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.sparse_storage import UpperTriangle
from tests.support.slices import Slices


def rows_of(maxima):
    scores = maxima.values if maxima.scores is None else maxima.scores
    columns = (maxima.rows, maxima.columns, scores, maxima.margin, maxima.ties, maxima.missing)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def edges_of(rng, length):
    return sorted(rng.choice(np.arange(1, length), size=rng.integers(1, 4), replace=False).tolist())


def part_by_part(matrix, k, rows, columns, *, symmetric, **options):
    """Search each part of the matrix while everything else is missing."""
    found, numbers = [], [np.searchsorted(side, np.arange(length), "right") for side, length in
                          zip((rows, columns), matrix.shape, strict=True)]  # fmt: skip
    for i in range(len(rows) + 1):
        for j in range(i if symmetric else 0, len(columns) + 1):
            inside = (numbers[0] == i)[:, None] & (numbers[1] == j)
            inside = inside | inside.T if symmetric else inside
            part = np.where(inside, matrix, np.nan)
            if not np.isnan(part).all():
                found += rows_of(find_maxima(part, k, directed=not symmetric, **options))
    return sorted(found)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), symmetric=st.booleans(), k=st.sampled_from([(3, 3), (5, 5), (1, 3), (5, 3)]),
       ties=st.sampled_from(["strict", "all", "first"]), width=st.sampled_from([2, 20]),
       most=st.sampled_from([None, 0, 5]), form=st.sampled_from(["dense", "slices", "sparse", "half"]),
       tile=st.sampled_from([(2, 3), (128, 1024)]), min_distance=st.sampled_from([1, 4]))  # fmt: skip
def test_each_part_is_searched_as_if_nothing_else_were_there(
    seed, symmetric, k, ties, width, most, form, tile, min_distance
):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 20))
    m = n if symmetric else int(rng.integers(6, 20))
    matrix = rng.integers(-1, 5, size=(n, m)) * (np.abs(np.arange(m) - np.arange(n)[:, None]) <= width)
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix
    rows = edges_of(rng, n)
    breaks = rows, rows if symmetric else edges_of(rng, m)
    options = {"ties": ties, "max_missing": most, "min_distance": min_distance}
    assume(form != "half" or symmetric)
    forms = {
        "dense": lambda: matrix,
        "slices": lambda: Slices(matrix, (3, 2)),
        "sparse": lambda: sp.csr_array(matrix),
        "half": lambda: UpperTriangle(sp.csr_array(np.triu(matrix))),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "TILE", tile)
        patch.setattr(source_module, "GAP", 1)
        patch.setattr(array_storage, "PAGE", 100)
        found = find_maxima(forms[form](), k, directed=not symmetric, breaks=breaks, **options)
    assert rows_of(found) == part_by_part(matrix.astype(float), k, *breaks, symmetric=symmetric, **options)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_the_mean_at_a_distance_is_that_of_each_part_s_own_pairs(form):
    rng = np.random.default_rng(0)
    matrix = np.triu(rng.integers(1, 9, size=(12, 12)))
    matrix = matrix + np.triu(matrix, 1).T
    found = find_maxima(form(matrix), 3, steps=["distance"], breaks=([5], [5]))
    part = np.arange(12) >= 5
    for i, j, score in zip(found.rows, found.columns, found.scores, strict=True):
        alike = [
            matrix[a, a + j - i] for a in range(12 - (j - i)) if part[a] == part[a + j - i]
        ]  # fmt: skip
        assert part[i] == part[j] and score == pytest.approx(matrix[i, j] / np.mean(alike))
    assert len(found)


def test_a_contact_map_breaks_at_its_chromosomes(tmp_path):
    starts = [0, 10, 20, 0, 10, 20]
    bins = pd.DataFrame({"chrom": ["a"] * 3 + ["b"] * 3, "start": starts, "end": [start + 10 for start in starts]})
    pixels = pd.DataFrame({"bin1_id": [0, 2, 2, 3], "bin2_id": [1, 2, 3, 5], "count": [4, 5, 9, 6]})
    cooler.create_cooler(str(tmp_path / "m.cool"), bins, pixels)
    found = read_matrix(tmp_path / "m.cool")
    assert [side.tolist() for side in found.breaks] == [[3], [3]]
    assert [place[:2] for place in find_maxima(found, 3)] == [(2, 3), (3, 5), (2, 2), (0, 1)]
    assert [place[:2] for place in find_maxima(found, 3, breaks=([], []))] == [(2, 3), (3, 5), (0, 1)]


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        ([3], "tuple of two lists"),
        (([0], [3]), "breaks between rows must be whole numbers that rise, from 1 to 5"),
        (([3], [6]), "breaks between columns must be"),
        (([3], [2.5]), "breaks between columns must be"),
        (([3, 2], [3]), "breaks between rows must be"),
        (([3], [2]), "rows and columns need the same breaks"),
    ],
)
def test_wrong_breaks_are_refused(breaks, said):
    with pytest.raises(InputError, match=said):
        find_maxima(np.eye(6), 3, breaks=breaks)


def test_numbered_bins_of_a_list_break_where_numbers_are_left_out(tmp_path):
    (tmp_path / "m.csv").write_text("10,20,1\n20,50,9\n50,60,3\n60,60,2\n")
    found = read_matrix(tmp_path / "m.csv")
    assert found.breaks == ([2], [2]) and found.ordered
    matrix = np.array([[0, 1, 0, 0], [1, 0, 9, 0], [0, 9, 0, 3], [0, 0, 3, 2]])
    assert list(find_maxima(found, 3)) == list(find_maxima(matrix, 3, breaks=([2], [2])))


@pytest.mark.parametrize(
    ("content", "flags", "mode"),
    [
        ("b,a,1\na,c,9\n", [], "graph"),
        ("b,a,1\na,c,9\n", ["--mode", "ordered", "--k", "3"], "ordered"),
        ("01,02,1\n02,3,9\n", [], "graph"),
        ("1,2,1\n2,3,9\n", ["--k", "3"], "ordered"),
    ],
)
def test_a_list_of_named_nodes_is_searched_as_a_graph_unless_a_mode_is_given(content, flags, mode, tmp_path, capsys):
    (tmp_path / "m.csv").write_text(content)
    assert main(["detect", str(tmp_path / "m.csv"), "--models", "none", *flags]) == 0
    printed = capsys.readouterr().out
    assert f"mode {mode}" in printed
    assert ("the nodes have names" in printed) == (mode == "graph")


@pytest.mark.parametrize("flags", [["--k", "3"], ["--k", "3", "--border", "drop"]])
def test_an_option_of_windows_searches_a_list_of_named_nodes_by_windows_and_says_so(flags, tmp_path, capsys):
    (tmp_path / "m.csv").write_text("b,a,1\na,c,9\n")
    assert main(["detect", str(tmp_path / "m.csv"), "--models", "none", *flags]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"so their order may mean nothing; {flags[0]} asks for windows: mode ordered" in printed
    assert main(["detect", str(tmp_path / "m.csv"), "--models", "none", "--mode", "graph", *flags]) == 2
    assert "--mode ordered" in capsys.readouterr().err
