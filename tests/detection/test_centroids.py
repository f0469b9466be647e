"""Centroids of windows: by loops over entries, with entries that are missing, on peaks whose place is known."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import find_maxima
from gnnmax.cli.main import main
from gnnmax.detection.centroids import centroid_offsets


def reference(window):
    """The offset, written from the documentation: entry by entry."""
    k, m = window.shape
    counted = [
        (i, j)
        for i in range(k)
        for j in range(m)
        if not np.isnan(window[i, j]) and not np.isnan(window[k - 1 - i, m - 1 - j])
    ]
    values = sorted(window[place] for place in counted)
    background = values[len(values) // 2]  # entries come in pairs around the centre
    weights = {place: max(window[place] - background, 0) for place in counted}
    total, found = sum(weights.values()), []
    for axis, middle in ((0, k // 2), (1, m // 2)):
        alone = all(place[axis] == middle for place in counted)
        mean = sum(weight * (place[axis] - middle) for place, weight in weights.items())
        found.append(np.nan if alone or not total or np.isinf(values).any() else mean / total)
    return found


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sides=st.sampled_from([(3, 3), (5, 5), (1, 5), (5, 3)]),
    missing=st.sampled_from([0.0, 0.3, 0.8]),
    dtype=st.sampled_from([np.float32, np.float64, np.longdouble]),
)
def test_offsets_are_those_of_the_definition(seed, sides, missing, dtype):
    rng = np.random.default_rng(seed)
    windows = rng.integers(6, size=(4, *sides)).astype(dtype)
    windows[rng.random(windows.shape) < missing] = np.nan
    middle = (slice(None), sides[0] // 2, sides[1] // 2)
    windows[middle] = 6
    expected = [reference(window) for window in windows.astype(float)]
    np.testing.assert_allclose(centroid_offsets(windows), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("where", [(10.0, 12.0), (10.3, 12.0), (9.8, 12.4), (10.45, 11.6)])
def test_the_centroid_of_a_bump_is_near_its_place(where):
    places = np.arange(24)
    bump = np.exp(-((places[:, None] - where[0]) ** 2 + (places - where[1]) ** 2) / 3)
    (found,) = find_maxima(bump, 9, threshold=0.5, centroid=True).centroid
    np.testing.assert_allclose(found, where, atol=0.06)
    # half of the surroundings missing on one side: the centroid stays
    bump[9:12, 14:16] = np.nan
    (found,) = find_maxima(bump, 9, threshold=0.5, centroid=True).centroid
    np.testing.assert_allclose(found, where, atol=0.2)


def test_no_centroid_is_invented():
    lone = np.full((1, 3, 3), np.nan)
    lone[0, 1, 1] = 4
    infinite = np.zeros((1, 3, 3))
    infinite[0, 1, 1] = np.inf
    assert np.isnan(centroid_offsets(np.concatenate([lone, np.ones((1, 3, 3)), infinite]))).all()
    assert centroid_offsets(np.empty((0, 3, 3))).shape == (0, 2)


def test_a_maximum_at_the_upper_end_has_a_column_and_no_row():
    matrix = np.zeros((9, 9))
    matrix[0, 4], matrix[0, 5], matrix[1, 4] = 6, 3, 2
    maxima = find_maxima(matrix, 5, centroid=True)
    assert np.isnan(maxima.centroid[0, 0]) and maxima.centroid[0, 1] == pytest.approx(4 + 3 / 9)


def test_extreme_values_neither_overflow_nor_vanish():
    for scale in (1e308, 1e-308):
        window = np.zeros((1, 3, 3))
        window[0, 1] = -scale, scale, scale / 2
        assert centroid_offsets(window)[0] == pytest.approx([0, 1 / 3])
    large = np.full((1, 3, 3), 2.0**60, dtype=np.longdouble)
    large[0, 1, 1:] += 2, 1
    assert centroid_offsets(large)[0] == pytest.approx([0, 1 / 3])


def test_pairs_near_the_diagonal_have_a_centroid_of_the_pairs_and_mirror_images_are_mirrored():
    rng = np.random.default_rng(0)
    matrix = rng.random((20, 20))
    matrix = matrix + matrix.T
    upper = find_maxima(matrix, 5, centroid=True)
    both = find_maxima(matrix, 5, centroid=True, triangle="both")
    of_upper = {(i, j): tuple(c) for (i, j, _), c in zip(upper, upper.centroid.tolist(), strict=True)}
    for (i, j, _), found in zip(both, both.centroid.tolist(), strict=True):
        expected = of_upper[i, j] if i <= j else of_upper[j, i][::-1]
        np.testing.assert_array_equal(found, expected)


def test_after_steps_the_scores_are_weighed():
    matrix = np.random.default_rng(0).random((20, 20))
    ranks = np.argsort(np.argsort(matrix, axis=None)).reshape(matrix.shape) + 1.0
    found = find_maxima(matrix, 5, steps=("rank",), centroid=True)
    np.testing.assert_allclose(found.centroid, find_maxima(ranks, 5, centroid=True).centroid)


def test_the_command_adds_columns_on_request(tmp_path, capsys):
    matrix = np.zeros((9, 9))
    matrix[0, 4], matrix[0, 5] = 6, 3
    np.save(tmp_path / "m.npy", matrix)
    call = ["detect", str(tmp_path / "m.npy"), "--k", "5", "--models", "none", "--out", str(tmp_path / "m.csv")]
    assert main([*call, "--centroid", "--merge", "2"]) == 0
    (row,) = csv.DictReader((tmp_path / "m.csv").read_text().splitlines())
    assert (row["centroid_i"], float(row["centroid_j"])) == ("", pytest.approx(4 + 1 / 3))
    assert (row["members"], row["first_i"], row["last_j"]) == ("1", "0", "4")
    frame = find_maxima(matrix, 3, centroid=True, merge=2).to_pandas()
    assert list(frame)[-7:] == ["members", "first_i", "last_i", "first_j", "last_j", "centroid_i", "centroid_j"]
