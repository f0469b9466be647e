"""Filters of a list of maxima: what each keeps, in which order, and what the command says of it."""

import json
import re

import cooler
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import mmwrite

from gnnmax import InputError, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import false_discovery, find_differences
from gnnmax.detection.filters import FILTERS
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.search_options import SearchOptions


def places(maxima):
    return set(zip(maxima.rows.tolist(), maxima.columns.tolist(), strict=True))


def symmetric(rng, n, *, levels):
    half = np.triu(rng.integers(0, levels, (n, n)))
    return half + np.triu(half, 1).T


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), top=st.integers(1, 6), mode=st.sampled_from(["ordered", "graph"]),
       both=st.booleans(), per=st.sampled_from(["matrix", "row", "column", "node"]))  # fmt: skip
def test_top_keeps_the_maxima_with_fewer_larger_ones_in_their_group(seed, top, mode, both, per):
    rng = np.random.default_rng(seed)
    matrix = symmetric(rng, 14, levels=6) if both and per in ("matrix", "node") else rng.integers(0, 6, (14, 14))
    options = {"mode": mode, "ties": "all", "triangle": "both" if both else "upper"}
    every = find_maxima(matrix, 3, **options)
    entries = list(every)

    def among_the_largest(i, j, value):
        groups = {
            "matrix": [entries],
            "row": [[one for one in entries if one[0] == i]],
            "column": [[one for one in entries if one[1] == j]],
            "node": [[one for one in entries if end in one[:2]] for end in (i, j)],
        }
        pairs = every.symmetry.undirected  # a pair that is listed twice counts once
        sizes = [
            len({frozenset(one[:2]) if pairs else one[:2] for one in group if one[2] > value}) for group in groups[per]
        ]
        return min(sizes) < top

    expected = [one for one in entries if among_the_largest(*one)]
    assert list(find_maxima(matrix, 3, top=top, top_per=per, **options)) == expected


def test_equal_maxima_at_the_cut_are_all_kept():
    matrix = np.zeros((9, 9))
    matrix[1, 1], matrix[4, 7], matrix[7, 1], matrix[7, 4] = 5, 3, 3, 1
    found = find_maxima(matrix, 3, top=2, directed=True)
    assert list(found) == [(1, 1, 5.0), (4, 7, 3.0), (7, 1, 3.0)]
    assert [tuple(one) for one in found.dropped] == [("--top 2", 1, 4)]


def test_the_largest_scores_are_kept_after_a_normalisation():
    rng = np.random.default_rng(0)
    matrix = symmetric(rng, 30, levels=99) / (1 + np.abs(np.subtract.outer(np.arange(30), np.arange(30))))
    every = find_maxima(matrix, 3, steps=["distance"])
    found = find_maxima(matrix, 3, steps=["distance"], top=4)
    assert list(found) == list(every)[:4] and found.scores.tolist() == every.scores[:4].tolist()


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (np.eye(6), {"top": 1, "top_per": "row"}, "top_per = 'row' needs a directed matrix"),
        (np.ones((4, 6)), {"top": 1, "top_per": "node"}, "top_per = 'node' needs a square matrix, .* not 4 x 6"),
        (np.eye(6), {"top_per": "node"}, "top_per = 'node' has no effect without top"),
        (
            np.ones((4, 6)),
            {"distance": "2:3"},
            "distance needs a square matrix, .* in one order, not 4 x 6",
        ),
        (
            np.eye(6),
            {"distance": "2kb:3kb"},
            "distance in base pairs needs bins of a genome, .*: write the",
        ),
        (np.eye(6), {"distance": "2:3kb"}, "distance '2:3kb' mixes places and base pairs"),
        (np.eye(6), {"distance": "9:3"}, "distance '9:3' is empty: write the smaller end first"),
        *(
            (np.eye(6), {"distance": wrong}, "distance must be a range such as 8:50, 8: or 20kb:2mb, not ")
            for wrong in ("8", ":", "a:b", "1:2:3", "-1:3", "1.5:3", 8, (1,), (-1, 3), (True, 3), "0.0001kb:")
        ),
        (np.eye(6), {"contacts": "cis"}, "contacts = 'cis' needs the same breaks between rows and between columns"),
        (np.eye(6), {"contacts": "near"}, "contacts must be one of all, cis, trans, not 'near'"),
        (np.eye(6), {"region": "chr1"}, "region needs bins of a genome, as a contact map has them: leave it out"),
        (np.eye(6), {"region": 1}, "region must be text such as chr1:1mb-5mb, or None, not 1"),
        *(
            (np.eye(6), {"region": wrong}, "region must be a chromosome or a part of one, such as chr1 or ")
            for wrong in ("", "chr1:", "chr1:-", "chr1:5", "chr1:a-b", ":1-2")
        ),
        (np.eye(6), {"region": "chr1", "contacts": "trans"}, "region contradicts contacts = 'trans': a region lies in"),
        (np.eye(6), {"region": "chr1:5mb-5mb"}, "region 'chr1:5mb-5mb' is empty: write the smaller end first"),
        (np.eye(6), {"top": 0}, "top must be an integer of at least 1, or None, not 0"),
        (np.eye(6), {"top": True}, "top must be an integer of at least 1, or None, not True"),
        (np.eye(6), {"top": 2, "top_per": "label"}, "top_per = 'label' needs labels: give labels too, or another"),
        (
            np.eye(6),
            {"top": 2, "top_per": "part"},
            "top_per must be one of matrix, row, column, node, label, not 'part'",
        ),
    ],
)
def test_a_filter_that_has_no_meaning_for_a_matrix_is_refused(matrix, options, message):
    with pytest.raises(InputError, match=f"^{message}"):
        find_maxima(matrix, 3, **options)


def test_q_values_are_those_of_all_maxima_whatever_the_number_that_is_kept():
    matrix = np.random.default_rng(1).random((30, 30))
    every, few = (
        false_discovery(matrix, 3, decoys="shuffle", rng=np.random.default_rng(0), draws=3, **options)
        for options in ({}, {"top": 4})
    )
    assert list(few.maxima) == list(every.maxima)[:4]
    assert few.q.tolist() == every.q[:4].tolist() and few.statistic.tolist() == every.statistic[:4].tolist()
    assert few.maxima.dropped[-1].filter == "--top 4"


def test_a_maximum_of_a_sum_is_one_of_a_matrix_in_which_it_is_not_among_the_largest():
    a, b = np.zeros((2, 12, 12))
    a[2, 3], a[8, 9], b[2, 3], b[8, 9] = 9, 8, 9, 99
    found = find_differences(a, b, 3, law="values", top=1)
    assert found.rows.tolist() == [8] and [part.tolist() for part in found.are_maxima] == [[True], [True]]


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    """A contact map of two chromosomes, of 12 and 8 bins of 1,000 base pairs, the last ones shorter."""
    path = tmp_path_factory.mktemp("genome") / "m.cool"
    counts = np.triu(np.random.default_rng(0).integers(1, 99, (20, 20)))
    starts = np.concatenate([np.arange(12), np.arange(8)]) * 1000
    ends = starts + 1000
    ends[[11, 19]] -= 400
    bins = pd.DataFrame({"chrom": ["chr1"] * 12 + ["chr2"] * 8, "start": starts, "end": ends})
    rows, columns = np.nonzero(counts)
    pixels = pd.DataFrame({"bin1_id": rows, "bin2_id": columns, "count": counts[rows, columns]})
    cooler.create_cooler(str(path), bins, pixels)
    return path


PARTS = np.repeat([0, 1], [12, 8])


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"distance": "3:9"}, lambda i, j: 3 <= j - i <= 9 and PARTS[i] == PARTS[j]),
        ({"distance": (3, None)}, lambda i, j: j - i >= 3 and PARTS[i] == PARTS[j]),
        ({"distance": ":5000bp"}, lambda i, j: j - i <= 5 and PARTS[i] == PARTS[j]),
        ({"distance": "2kb:0.005mb"}, lambda i, j: 2 <= j - i <= 5 and PARTS[i] == PARTS[j]),
        ({"contacts": "cis"}, lambda i, j: PARTS[i] == PARTS[j]),
        ({"contacts": "trans"}, lambda i, j: PARTS[i] != PARTS[j]),
        ({"region": "chr2"}, lambda i, j: i >= 12),
        ({"region": "chr1:2,500-7kb"}, lambda i, j: 2 <= i <= j <= 6),
        ({"region": "chr1:2500-", "distance": "2:"}, lambda i, j: i >= 2 and j <= 11 and j - i >= 2),
        ({"region": "chr1", "contacts": "cis"}, lambda i, j: j <= 11),
    ],
)
def test_a_filter_by_place_keeps_the_maxima_there_and_no_others(genome, options, wanted):
    matrix = read_matrix(genome)
    every = find_maxima(matrix, 3)
    assert list(find_maxima(matrix, 3, **options)) == [one for one in every if wanted(*one[:2])]
    mirrored = find_maxima(matrix, 3, triangle="both", **options)
    assert places(mirrored) == {p for i, j, _ in every if wanted(i, j) for p in ((i, j), (j, i))}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), least=st.integers(0, 6), width=st.integers(0, 12), cut=st.integers(1, 15),
       contacts=st.sampled_from(["all", "cis", "trans"]), min_distance=st.sampled_from([1, 4]),
       top=st.sampled_from([None, 3]))  # fmt: skip
def test_a_filter_never_adds_a_maximum_and_filters_by_place_commute(
    seed, least, width, cut, contacts, min_distance, top
):
    matrix = np.random.default_rng(seed).integers(0, 9, (16, 16))
    fixed = {"breaks": ([cut], [cut]), "min_distance": min_distance, "ties": "all"}
    distance = (least, least + width)
    every, by_distance, by_part, both = (
        places(find_maxima(matrix, 3, **fixed, **options))
        for options in (
            {},
            {"distance": distance},
            {"contacts": contacts},
            {"distance": distance, "contacts": contacts},
        )
    )
    assert by_distance | by_part <= every and both == by_distance & by_part
    assert places(find_maxima(matrix, 3, **fixed, distance=distance, top=top)) <= by_distance


def test_decoys_are_searched_at_the_same_distances():
    matrix = np.random.default_rng(1).random((30, 30))
    found = false_discovery(
        matrix, 3, decoys="distance", rng=np.random.default_rng(0), draws=1, distance=(5, 9), contacts="all"
    )
    apart = np.abs(found.maxima.rows - found.maxima.columns)
    assert len(apart) and apart.min() >= 5 and apart.max() <= 9


def test_every_filter_is_an_option_of_the_search():
    assert {one.option for one in FILTERS} <= set(SearchOptions.__struct_fields__)


@pytest.fixture
def saved(tmp_path):
    matrix = np.zeros((20, 20))
    matrix[2, 3], matrix[4, 10], matrix[9, 9], matrix[1, 17] = 5, 4, 3, 2
    np.save(tmp_path / "m.npy", matrix)
    return tmp_path / "m.npy"


def detect(path, capsys, *words):
    status = main(["detect", str(path), "--k", "3", "--models", "none", *words])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_the_command_prints_and_writes_how_many_maxima_each_filter_dropped(saved, capsys):
    status, said = detect(saved, capsys, "--min-distance", "9", "--top", "1", "--out", str(saved.with_suffix(".csv")))
    assert status == 0
    assert "2 of 4 maxima dropped: --min-distance 9\n1 of 2 maxima dropped: --top 1\n" in said
    card = json.loads(saved.with_suffix(".card.json").read_text())
    assert card["maxima"] == 1 and card["top"] == 1 and card["top_per"] == "matrix"
    assert card["filters"] == [
        {"filter": "--min-distance 9", "dropped": 2, "of": 4},
        {"filter": "--top 1", "dropped": 1, "of": 2},
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--region", "chr3"], "gnnmax: the matrix has no chromosome 'chr3': it has chr1, chr2\n"),
        (["--region", "chr2:1mb-"], "gnnmax: region chr2:1000000- holds no bin of the matrix\n"),
        (["--cis", "--trans"], "gnnmax: --cis contradicts --trans: give one of the two, or neither\n"),
    ],
)
def test_a_region_that_a_map_does_not_have_is_refused(genome, capsys, words, said):
    assert detect(genome, capsys, *words) == (2, said)


def test_the_command_filters_a_contact_map_by_place(genome, capsys):
    status, said = detect(genome, capsys, "--cis", "--region", "chr1", "--distance", "2kb:5kb", "--json")
    card = json.loads(said)["card"]
    assert status == 0
    assert [one["filter"] for one in card["filters"]] == ["--cis", "--region chr1", "--distance 2000bp:5000bp"]
    assert [one["of"] - one["dropped"] for one in card["filters"]][-1] == card["maxima"] > 0


def test_what_top_drops_is_counted_per_group_and_printed_after_the_q_values(saved, capsys):
    np.save(saved, np.random.default_rng(0).random((20, 20)))
    words = ("--decoys", "shuffle", "--draws", "2", "--fdr", "1", "--top", "1", "--top-per", "node")
    lines = detect(saved, capsys, *words)[1].splitlines()
    assert "maxima dropped: q above 1 (decoys shuffle" in lines[-2]
    assert lines[-1].endswith("maxima dropped: --top 1 --top-per node")


def test_a_mask_from_a_file_is_the_mask_of_the_search(saved, capsys):
    matrix, mask = np.load(saved), np.zeros((20, 20))
    mask[2, 3] = mask[9, 8] = 1
    expected = list(find_maxima(matrix, 3, missing=mask.astype(bool)))
    mmwrite(saved.with_name("mask.mtx"), sp.coo_array(mask))
    np.save(saved.with_name("mask.npy"), mask.astype(np.uint8))
    for name in ("mask.mtx", "mask.npy"):
        status, said = detect(saved, capsys, "--mask", str(saved.with_name(name)), "--json")
        found = json.loads(said)
        assert status == 0 and found["card"]["mask"] == str(saved.with_name(name))
        assert [(one["i"], one["j"], one["value"]) for one in found["maxima"]] == expected


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.npy", np.full((20, 20), 2), "a mask holds 1 where nothing was measured and 0 elsewhere: "),
        ("m.npy", np.full((20, 20), np.nan), "a mask holds 1 where nothing was measured and 0 elsewhere: "),
        ("m.npy", np.zeros((20, 19)), "the mask .* has shape \\(20, 19\\), not \\(20, 20\\), that of the matrix"),
        ("m.csv", "a,b,1\n", "a mask is an array, such as a .npy, .npz or .mtx file, not a list of edges"),
        ("none.npy", None, "cannot read .*none.npy"),
    ],
)
def test_a_file_that_is_no_mask_is_refused(saved, capsys, name, content, said):
    path = saved.parent / f"mask-{name}"
    if isinstance(content, str):
        path.write_text(content)
    elif content is not None:
        np.save(path, content)
    status, words = detect(saved, capsys, "--mask", str(path))
    assert status == 2 and words.count("\n") == 1 and re.match(f"gnnmax: {said}", words)


def test_a_table_does_not_replace_the_mask(saved, capsys):
    mask = saved.with_name("mask.csv")
    mask.write_text("kept")
    status, words = detect(saved, capsys, "--mask", str(mask), "--out", str(mask))
    assert status == 2 and words.count("\n") == 1 and mask.read_text() == "kept"


def test_a_mask_hides_edges_of_a_graph(saved, capsys):
    mask = np.zeros((20, 20), dtype=bool)
    mask[2, 3] = True
    np.save(saved.with_name("mask.npy"), mask)
    call = ("--mask", str(saved.with_name("mask.npy")), "--mode", "graph", "--json")
    assert main(["detect", str(saved), "--models", "none", *call]) == 0
    found = json.loads(capsys.readouterr().out)["maxima"]
    assert (2, 3) not in {(one["i"], one["j"]) for one in found} and len(found) == 3
