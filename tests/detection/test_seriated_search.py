"""A search after seriation finds in shuffled matrices what it finds in ordered ones, and names places of the input."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from gnnmax import InputError, find_differences, find_maxima
from gnnmax.cli.main import main
from gnnmax.detection import SearchOptions, false_discovery, find_calls
from gnnmax.detection.search import prepare_matrix


@pytest.fixture(scope="module")
def ordered():
    """Counts that fall with the distance, with three high entries that are maxima of their windows."""
    rng = np.random.default_rng(3)
    apart = np.abs(np.subtract.outer(np.arange(60), np.arange(60)))
    counts = np.triu(rng.poisson(300 / (1 + apart)).astype(float))
    for row, column, height in ((5, 40, 200), (20, 47, 160), (10, 25, 120)):
        counts[row, column] = height
    return np.triu(counts) + np.triu(counts, 1).T


@pytest.fixture(scope="module")
def moved():
    """The old position of the node at each place of the shuffled matrix."""
    return np.random.default_rng(4).permutation(60)


@pytest.fixture(scope="module")
def shuffled(ordered, moved):
    return ordered[np.ix_(moved, moved)]


def pairs(maxima, names=None):
    """The pairs of nodes of maxima, whatever their order."""
    ends = np.arange(10**4) if names is None else names
    return {(*sorted((int(ends[i]), int(ends[j]))), float(value)) for i, j, value in maxima}


@pytest.mark.parametrize(
    "options", [{}, {"steps": ("distance",)}, {"k": [5, 9]}, {"distance": "8:"}, {"min_distance": 12}]
)
def test_the_maxima_are_those_of_the_order_that_was_lost(ordered, shuffled, moved, options):
    expected = find_maxima(ordered, **options)
    found = find_maxima(shuffled, seriate=True, **options)
    assert pairs(found, moved) == pairs(expected)
    assert (found.rows <= found.columns).all()
    assert shuffled[found.rows, found.columns].tolist() == found.values.tolist()
    assert pairs(find_maxima(shuffled, **options), moved) != pairs(expected)


def test_both_triangles_name_each_pair_twice(shuffled):
    found = find_maxima(shuffled, seriate=True, triangle="both")
    places = set(zip(found.rows.tolist(), found.columns.tolist(), strict=True))
    assert places == {place[::-1] for place in places}
    once = find_maxima(shuffled, seriate=True)
    assert {(i, j) for i, j in places if i <= j} == set(zip(once.rows.tolist(), once.columns.tolist(), strict=True))


def test_directed_matrices_are_put_in_order_by_both_directions(ordered, moved):
    skewed = ordered * np.where(np.tri(60, dtype=bool), 0.5, 1.0)
    found = find_maxima(skewed[np.ix_(moved, moved)], seriate=True)
    places = {(int(moved[i]), int(moved[j])) for i, j, _ in found}
    assert places == {(i, j) for i, j, _ in find_maxima(skewed)}


def test_names_and_storage_change_nothing(shuffled, moved):
    expected = pairs(find_maxima(shuffled, seriate=True))
    frame = pd.DataFrame(shuffled, index=moved, columns=moved)
    found = find_maxima(frame, seriate=True)
    assert pairs(found) == expected
    named = found.to_pandas()
    assert named["row"].astype(int).tolist() == moved[found.rows].tolist()
    for matrix in (
        csr_array(shuffled),
        shuffled.astype(int),
        np.ma.masked_invalid(shuffled),
        np.asfortranarray(shuffled),
    ):
        assert pairs(find_maxima(matrix, seriate=True)) == expected


def test_entries_that_were_not_measured_stay_missing(ordered, shuffled, moved):
    gaps = np.zeros((60, 60), dtype=bool)
    gaps[5, 40] = gaps[40, 5] = True
    gaps[7, 30:38] = gaps[30:38, 7] = True
    hidden = find_maxima(shuffled, seriate=True, missing=gaps[np.ix_(moved, moved)])
    expected = find_maxima(ordered, missing=gaps)
    assert pairs(hidden, moved) == pairs(expected)
    assert sorted(hidden.missing.tolist()) == sorted(expected.missing.tolist())
    assert sorted(hidden.missing.tolist()) != sorted(find_maxima(ordered).missing.tolist())


def test_discoveries_and_calls_name_places_of_the_input(shuffled, moved):
    found = false_discovery(shuffled, 9, decoys="shuffle", rng=np.random.default_rng(0), seriate=True)
    assert pairs(found.maxima) == pairs(find_maxima(shuffled, seriate=True))
    calls = find_calls(shuffled, "map-cnn", seriate=True, distance="8:", top=3)
    near = [
        {(i + one, j + other) for one in (-1, 0, 1) for other in (-1, 0, 1)} for i, j, _ in pairs(calls.maxima, moved)
    ]
    assert all(any(place in around for around in near) for place in ((5, 40), (20, 47), (10, 25)))
    assert calls.is_maximum.sum() >= 2


def test_the_source_knows_how_well_the_distance_explains_the_weights(shuffled):
    assert prepare_matrix(shuffled, SearchOptions(seriate=True)).given_order.explained > 0.8
    noise = np.random.default_rng(1).random((60, 60))
    assert prepare_matrix(noise + noise.T, SearchOptions(seriate=True)).given_order.explained < 0.2
    assert prepare_matrix(shuffled, SearchOptions()).given_order is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"mode": "graph"}, "seriate = True has no effect in mode graph"),
        ({"labels": np.ones((60, 60), dtype=int)}, "seriate contradicts labels"),
        ({"breaks": ([30], [30])}, "seriate contradicts breaks"),
        ({"contacts": "cis"}, "seriate contradicts contacts = 'cis'"),
        ({"region": "chr1"}, "seriate contradicts region"),
        ({"merge": 2}, "seriate contradicts merge = 2"),
        ({"centroid": True}, "seriate contradicts centroid = True"),
        ({"threshold": np.ones((60, 60))}, "seriate contradicts threshold"),
        ({"seriate": "yes"}, "seriate must be True or False"),
    ],
)
def test_options_that_refer_to_the_lost_order_are_refused(shuffled, options, problem):
    with pytest.raises(InputError, match=problem):
        find_maxima(shuffled, **{"seriate": True, **options})


def test_matrices_without_a_common_order_are_refused(shuffled):
    with pytest.raises(InputError, match="a 50 x 60 matrix are different nodes"):
        find_maxima(shuffled[:50], seriate=True)
    with pytest.raises(InputError, match="finite weights"):
        find_maxima(np.where(shuffled > 150, np.inf, shuffled), seriate=True)
    with pytest.raises(InputError, match=r"at most 4,096 nodes are put in order, not 5,000"):
        find_maxima(csr_array((5_000, 5_000)), seriate=True)
    with pytest.raises(InputError, match="seriate = True has no effect on differences"):
        find_differences(shuffled, shuffled, seriate=True)


def test_the_command_writes_the_places_of_the_file(shuffled, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("map.npy", shuffled)
    words = ["detect", "map.npy", "--seriate", "--models", "none", "--top", "3", "--steps", "distance"]
    assert main([*words, "--out", "found.csv", "--page", "page.html", "--windows", "windows.npz"]) == 0
    printed = capsys.readouterr().out
    assert "seriated" in printed and "of the variance of the roots" in printed
    table = pd.read_csv("found.csv")
    assert shuffled[table.i, table.j].tolist() == table.value.tolist()
    card = json.loads((tmp_path / "found.card.json").read_text())
    assert card["seriate"] and sorted(card["order"]) == list(range(60)) and card["order_explains"] > 0.8
    with np.load("windows.npz") as windows:
        centres = windows["windows"][:, 4, 4]
    assert np.allclose(centres, table.score)
    page = (tmp_path / "page.html").read_text()
    assert "in the order that their weights tell" in page
    row = table.iloc[0]
    assert f"{row.i}, {row.j}" in page


@pytest.mark.parametrize(
    "words", [["--mode", "graph"], ["--positions", "map.npy"], ["--everywhere", "x.npz"], ["--cis"]]
)
def test_the_command_refuses_what_needs_the_lost_order(shuffled, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("map.npy", shuffled)
    assert main(["detect", "map.npy", "--seriate", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
