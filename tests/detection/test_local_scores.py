"""Nets with a finite reach score large matrices tile by tile: the scores of the whole matrix, entry for entry."""

import dataclasses

import numpy as np
import pytest
from scipy.ndimage import uniform_filter
from scipy.sparse import csr_array

from gnnmax import InputError
from gnnmax.detection import find_calls, local_scores, score_maps
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix_input import NamedMatrix, as_source
from gnnmax.detection.score_maps import MatrixScores, search_by
from gnnmax.detection.search_options import SearchOptions
from gnnmax.models.maps.trained import load_map_model
from tests.support.score_maps import Elsewhere

SIZE = 40


class Mean:
    """Scores an entry by the mean of the 5 x 5 entries around it, 0 where nothing is; it has no scale."""

    name, reach, encoding = "mean", 2, "standard"
    tiles = 0

    def score_matrix(self, matrix, *, structure):
        self.tiles += 1
        scores = uniform_filter(np.nan_to_num(matrix), size=5, mode="constant").astype(np.float32)
        if structure == "symmetric":  # as nets on maps do: the diagonal is no place
            np.fill_diagonal(scores, np.nan)
        return scores


class Everywhere(Mean):
    """The same, which does not say that it has a reach."""

    reach = None


@pytest.fixture
def tiles(monkeypatch):
    monkeypatch.setattr(local_scores, "SIDE", 8)
    monkeypatch.setattr(score_maps, "WHOLE", 100)


def drawn(*, symmetric, gaps=0.0, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(SIZE, SIZE))
    matrix[rng.random(matrix.shape) < gaps] = np.nan
    return np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix


def places(calls):
    return [(i, j) for i, j, _ in calls.maxima]


@pytest.mark.parametrize("distance", [None, "3:11"])
def test_tiles_scored_by_an_executor_have_the_scores_of_one_process(tiles, distance):
    matrix = drawn(symmetric=True, gaps=0.1)
    found = [find_calls(matrix, Mean(), 5, distance=distance, executor=executor) for executor in (None, Elsewhere)]
    assert len(found[0]) > 3 and list(found[0].maxima) == list(found[1].maxima)
    np.testing.assert_array_equal(found[0].maxima.scores, found[1].maxima.scores)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("gaps", [0.0, 0.2])
@pytest.mark.parametrize("distance", [None, "6:", "3:11", ":9"])
@pytest.mark.parametrize("k", [3, 5])
def test_tiles_have_the_calls_of_the_whole_matrix(tiles, monkeypatch, symmetric, gaps, distance, k):
    matrix = drawn(symmetric=symmetric, gaps=gaps)
    found = find_calls(matrix, Mean(), k=k, distance=distance)
    monkeypatch.setattr(score_maps, "WHOLE", 10**6)
    whole = find_calls(matrix, Everywhere(), k=k, distance=distance)
    assert len(whole) > 3
    assert places(found) == places(whole)
    np.testing.assert_allclose(found.maxima.scores, whole.maxima.scores, rtol=1e-6)


def test_only_tiles_near_the_distances_are_scored(tiles):
    near, everywhere = Mean(), Mean()
    matrix = drawn(symmetric=True)
    find_calls(matrix, near, k=3, distance="1:4")
    find_calls(matrix, everywhere, k=3)
    assert (near.tiles, everywhere.tiles) == (9, 15)


def test_no_tile_reaches_across_a_break(tiles, monkeypatch):
    matrix = drawn(symmetric=True)
    breaks = ([13, 26], [13, 26])
    found = find_calls(matrix, Mean(), k=3, distance="1:", breaks=breaks)
    monkeypatch.setattr(score_maps, "WHOLE", 10**6)
    parts = [find_calls(matrix[a:b, a:b], Everywhere(), k=3, distance="1:") for a, b in ((0, 13), (13, 26), (26, 40))]
    assert sorted(places(found)) == sorted(
        (i + start, j + start) for part, start in zip(parts, (0, 13, 26), strict=True) for i, j in places(part)
    )


def test_a_sparse_band_is_read_as_the_dense_matrix(tiles):
    matrix = np.where(np.abs(np.subtract.outer(np.arange(SIZE), np.arange(SIZE))) < 9, drawn(symmetric=True), 0.0)
    dense = find_calls(matrix, Mean(), k=3, distance="2:7")
    sparse = find_calls(csr_array(matrix), Mean(), k=3, distance="2:7", unstored="zero")
    assert places(sparse) == places(dense)


def contact_map(ends):
    """Return a map of one chromosome whose bins end at some base pairs."""
    ends = np.array(ends)
    bins = GenomeBins(("a",), np.zeros(SIZE, dtype=np.int64), np.r_[0, ends[:-1]], ends)
    return dataclasses.replace(as_source(drawn(symmetric=True)), bins=bins)


def test_distances_in_base_pairs_are_those_in_places_where_bins_are_equal(tiles):
    regular = contact_map([*range(10, 10 * SIZE, 10), 10 * SIZE - 3])
    odd = contact_map(np.arange(1, SIZE + 1) ** 2)
    for source, most, expected in ((regular, "10bp:40bp", 9), (odd, "10bp:40bp", 15)):
        net = Mean()
        search_by(MatrixScores(net, "mean"), source, SearchOptions(3, distance=most))
        assert net.tiles == expected


@pytest.mark.parametrize("distance", ["100bp:250bp", "250bp:340bp"])
def test_calls_across_bins_that_were_left_out_of_a_chromosome_have_a_distance_in_base_pairs(tiles, distance):
    start = 10 * np.where(np.arange(SIZE) < 20, np.arange(SIZE), np.arange(SIZE) + 9)
    bins = GenomeBins(("a",), np.zeros(SIZE, dtype=np.int64), start, start + 10)
    matrix = NamedMatrix(drawn(symmetric=True), None, breaks=(bins.borders(),) * 2, bins=bins)
    whole, found = (find_calls(matrix, Mean(), 3, distance=limits) for limits in (None, distance))
    least, largest = (int(end.removesuffix("bp")) for end in distance.split(":"))
    expected = [(i, j) for i, j in places(whole) if least <= start[j] - start[i] <= largest]
    assert any(i < 20 <= j for i, j in expected) and places(found) == expected


def test_a_net_without_a_reach_is_refused_and_so_are_too_many_entries(tiles, monkeypatch):
    with pytest.raises(InputError, match="reads the whole matrix, of at most 100 entries, not 40 x 40"):
        find_calls(drawn(symmetric=True), Everywhere(), k=3)
    monkeypatch.setattr(local_scores, "EVERYWHERE", 800)
    with pytest.raises(InputError, match=r"scores at most 800 entries, and 1,600 of 40 x 40 .* --distance 8:200"):
        find_calls(drawn(symmetric=True), Mean(), k=3)


def test_the_shipped_image_net_finds_the_same_peaks_tile_by_tile(monkeypatch):
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(200, 200))
    around = np.exp(-np.add.outer(np.arange(-4, 5) ** 2, np.arange(-4, 5) ** 2) / 2.88)
    peaks = [(20, 90), (70, 130), (100, 180)]
    for i, j in peaks:
        matrix[i - 4 : i + 5, j - 4 : j + 5] += 5 * around
    matrix = np.triu(matrix) + np.triu(matrix, 1).T
    whole = find_calls(matrix, "map-cnn", k=9, top=3)
    monkeypatch.setattr(local_scores, "SIDE", 64)
    monkeypatch.setattr(score_maps, "WHOLE", 100)
    tiled = find_calls(matrix, "map-cnn", k=9, top=3)
    assert sorted(places(whole)) == sorted(places(tiled)) == peaks
    assert load_map_model("map-cnn", device="cpu").reach == 10
