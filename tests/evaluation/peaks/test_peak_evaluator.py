"""Calls against peaks: laws, each beside a case that breaks it, distances in hops, slices, and wrong input."""

from __future__ import annotations

from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import InputError, evaluate_peaks, find_maxima
from gnnmax.evaluation.peaks.map_index import MapIndex
from gnnmax.evaluation.peaks.matched_calls import MatchedCalls, PeakSet
from gnnmax.evaluation.peaks.peak_options import PeakOptions
from gnnmax.evaluation.peaks.place_columns import read_places
from gnnmax.evaluation.peaks.place_distance import PlaceDistance
from gnnmax.evaluation.peaks.scored_caller import ScoredCaller, Units

SEEDS = st.integers(0, 10_000)


def scene(seed: int, maps: int = 6, side: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Crowded maps: calls near peaks and elsewhere, their scores full of ties. Map 0 has no peak."""
    rng = np.random.default_rng(seed)
    size = maps * side * side
    flat = rng.choice(np.arange(side * side, size), int(rng.integers(1, 60)), replace=False)
    truth = np.stack([flat // side**2, flat // side % side, flat % side], axis=1)
    moved = truth[rng.integers(len(truth), size=30)] + np.c_[np.zeros(30, int), rng.integers(-2, 3, (30, 2))]
    anywhere = np.c_[rng.integers(maps, size=30), rng.integers(0, side, (30, 2))]
    places = np.unique(np.clip(np.r_[moved, anywhere], 0, [maps - 1, side - 1, side - 1]), axis=0)
    return np.c_[places, rng.integers(0, 8, len(places))].astype(float), truth


@given(SEEDS)
@settings(max_examples=12)
def test_the_order_of_calls_and_peaks_and_the_names_of_maps_change_nothing(seed):
    calls, truth = scene(seed)
    rng = np.random.default_rng(seed)
    groups = {"place": truth[:, 1] % 3}
    verdict = evaluate_peaks(calls, truth, maps=6, threshold=2, groups=groups)
    order, turned = rng.permutation(len(calls)), rng.permutation(len(truth))
    again = evaluate_peaks(calls[order], truth[turned], maps=6, threshold=2, groups={"place": groups["place"][turned]})
    assert again.to_json() == verdict.to_json()
    names = rng.permutation(6)
    renamed = [np.c_[names[each[:, 0].astype(int)], each[:, 1:]] for each in (calls, truth)]
    other = evaluate_peaks(*renamed, maps=6, threshold=2, groups=groups)
    assert other.metrics == pytest.approx(verdict.metrics)
    assert other.slices["place"].keys() == verdict.slices["place"].keys()
    for name, part in verdict.slices["place"].items():
        assert (other.slices["place"][name].n, other.slices["place"][name].recall) == (part.n, part.recall)


@given(SEEDS)
@settings(max_examples=12)
def test_a_larger_tolerance_and_more_calls_never_lower_recall_and_a_false_call_never_raises_precision(seed):
    calls, truth = scene(seed)
    recalls = [evaluate_peaks(calls, truth, tolerance, maps=6).recall for tolerance in (0, 1, 2, 4)]
    assert recalls == sorted(recalls)
    by_threshold = [evaluate_peaks(calls, truth, maps=6, threshold=t).recall for t in (7.5, 5, 3, 1, -1)]
    assert by_threshold == sorted(by_threshold)
    plain = evaluate_peaks(calls, truth, maps=7)
    false = evaluate_peaks(np.r_[calls, [[6, 0, 0, 9.0]]], truth, maps=7)
    for name in ("precision", "f1", "average_precision", "recall_at_fdr", "froc"):
        assert getattr(false, name) <= getattr(plain, name), name
    assert false.recall == plain.recall and false.false_calls > plain.false_calls


@given(SEEDS)
@settings(max_examples=12)
def test_every_point_of_the_curve_is_the_matching_of_the_calls_above_it(seed):
    calls, truth = scene(seed)
    curve = evaluate_peaks(calls, truth, maps=6).curve
    for threshold, recall, false in list(zip(curve.threshold, curve.recall, curve.false_calls, strict=True))[1:]:
        above = evaluate_peaks(calls, truth, maps=6, threshold=threshold - 0.5)
        assert (above.recall, above.false_calls) == pytest.approx((recall, false))


@given(SEEDS)
@settings(max_examples=10)
def test_an_increasing_map_of_the_scores_changes_nothing_and_a_decreasing_one_does(seed):
    calls, truth = scene(seed)
    metrics = evaluate_peaks(calls, truth, maps=6).metrics
    assert evaluate_peaks(calls * [1, 1, 1, 7] + [0, 0, 0, 3], truth, maps=6).metrics == metrics
    exact = np.c_[truth, np.ones(len(truth))]
    worse = np.r_[exact, [[0, 0, 0, 0.0]]]
    assert evaluate_peaks(worse, truth, maps=6).average_precision == 1.0
    assert evaluate_peaks(worse * [1, 1, 1, -1], truth, maps=6).average_precision < 1.0


def test_two_calls_at_one_peak_are_one_right_call_and_one_false():
    verdict = evaluate_peaks(np.array([[0, 3, 4], [0, 3, 5]]), np.array([[0, 3, 4]]))
    assert (verdict.precision, verdict.recall, verdict.matched_distance) == (0.5, 1.0, 0.0)


@pytest.mark.parametrize(("metric", "far"), [("chebyshev", 2.0), ("euclidean", np.sqrt(5)), ("manhattan", 3.0)])
def test_the_tolerance_is_closed_in_every_metric(metric, far):
    call, peak = np.array([[0, 5, 5]]), np.array([[0, 7, 6]])
    assert evaluate_peaks(call, peak, far, metric=metric).matched_distance == pytest.approx(far)
    assert evaluate_peaks(call, peak, far - 1e-6, metric=metric).recall == 0


def test_maps_without_peaks_count_their_false_calls():
    calls, truth = np.array([[0, 3, 4], [1, 0, 0], [1, 9, 9]]), np.array([[0, 3, 4]])
    assert evaluate_peaks(calls, truth, maps=4).false_calls == 0.5
    with pytest.raises(InputError, match="the map '1' of the calls is none of the 1 maps evaluated"):
        evaluate_peaks(calls, truth)


def test_the_best_call_of_a_map_decides_what_is_found_and_tied_calls_share():
    truth = np.array([[0, 3, 3], [1, 3, 3], [2, 3, 3], [3, 3, 3]])
    calls = np.array([[0, 3, 3, 2], [0, 9, 9, 1], [1, 3, 4, 2], [1, 3, 3, 1], [2, 3, 3, 1], [2, 3, 9, 1.0]])
    verdict = evaluate_peaks(calls, truth)
    assert (verdict.found_exactly, verdict.found_within) == (1.5 / 4, 2.5 / 4)
    assert verdict.best_distance == pytest.approx((0 + 1 + 3) / 3)
    assert verdict.recall == 0.75


def test_in_an_undirected_map_both_halves_are_one_place():
    truth, calls = np.array([[0, 2, 9]]), np.array([[0, 9, 3]])
    assert evaluate_peaks(calls, truth, symmetric=True).recall == 1
    assert evaluate_peaks(calls, truth).recall == 0
    with pytest.raises(InputError, match=r"\(2, 9\) of map 0 is twice among the calls \(both halves are one\)"):
        evaluate_peaks(np.array([[0, 2, 9], [0, 9, 2]]), truth, symmetric=True)
    with pytest.raises(InputError, match=r"a map of 9 x 12 is not symmetric"):
        evaluate_peaks(calls[:0], truth[:, [0, 1, 1]], symmetric=True, shape=(9, 12))


def test_distances_in_hops_follow_the_nodes_through_a_relabelling():
    graph = nx.random_regular_graph(3, 20, seed=0)
    hops = np.asarray(nx.floyd_warshall_numpy(graph))
    rng = np.random.default_rng(0)
    truth = np.c_[np.repeat([0, 1], 4), rng.permutation(20)[:8], rng.permutation(20)[:8]]
    calls = np.c_[truth[:, 0], rng.integers(0, 20, (8, 2)), rng.random(8)]
    expected = evaluate_peaks(calls, truth, 2, distance=hops, symmetric=True, duplicates="best")
    assert expected.distance == "chebyshev, hops" and "diagonal" not in expected.slices
    new = rng.permutation(20)
    back = np.argsort(new)
    moved = [np.c_[a[:, 0], new[a[:, 1:3].astype(int)], a[:, 3:]] for a in (calls, truth)]
    again = evaluate_peaks(*moved, 2, distance=hops[np.ix_(back, back)], symmetric=True, duplicates="best")
    assert again.metrics == pytest.approx(expected.metrics)
    assert evaluate_peaks(*moved, 2, symmetric=True, duplicates="best").metrics != pytest.approx(expected.metrics)
    for same in ([hops, hops], np.stack([hops, hops]), lambda _, a, b: hops[a, b]):
        assert (
            evaluate_peaks(calls, truth, 2, distance=same, symmetric=True, duplicates="best").metrics
            == expected.metrics
        )


def test_hops_along_a_line_are_distances_in_places():
    line = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    for metric in ("chebyshev", "euclidean", "manhattan"):
        calls, truth = scene(3)
        plain = evaluate_peaks(calls, truth, 2, maps=6, metric=metric, symmetric=True, duplicates="best")
        hops = evaluate_peaks(calls, truth, 2, maps=6, metric=metric, symmetric=True, duplicates="best", distance=line)
        assert hops.metrics == pytest.approx(plain.metrics)


def test_places_that_are_not_connected_are_never_matched_and_have_no_mean_distance():
    apart = np.array([[0.0, np.inf], [np.inf, 0.0]])
    verdict = evaluate_peaks(np.array([[0, 0, 1], [1, 1, 1]]), np.array([[0, 0, 0], [1, 1, 1]]), 5, distance=apart)
    assert verdict.recall == 0.5 and verdict.best_distance is None
    assert "infinite distance" in verdict.reasons["best_distance"]


def test_slices_count_the_peaks_that_are_found_in_each():
    truth = np.array([[0, 0, 1], [0, 0, 9], [1, 5, 9], [1, 8, 8]])
    amplitude = np.array([1.0, 2.0, 2.0, np.nan])
    peaks = dict(zip(("map", "row", "column"), truth.T, strict=True)) | {"amplitude": amplitude, "order": list("nnss")}
    verdict = evaluate_peaks(truth[1:3], peaks, groups=["order"], shape=[[10, 10], [12, 12]])
    found = {group: {name: (p.n, p.recall) for name, p in parts.items()} for group, parts in verdict.slices.items()}
    assert found == {
        "amplitude": {"1": (1, 0.0), "2": (2, 1.0), "unknown": (1, 0.0)},
        "diagonal": {"below 1": (1, 0.0), "[1, 2)": (1, 0.0), "[4, 8)": (1, 1.0), "from 8": (1, 1.0)},
        "n": {"10": (2, 0.5), "12": (2, 0.5)},
        "order": {"n": (2, 0.5), "s": (2, 0.5)},
    }
    edges = evaluate_peaks(truth[1:3], peaks, bins={"amplitude": [1.5], "diagonal": 2})
    assert list(edges.slices["amplitude"]) == ["below 1.5", "from 1.5", "unknown"]
    assert [part.n for part in edges.slices["diagonal"].values()] == [2, 2]


def test_ceilings_give_gaps():
    verdict = evaluate_peaks(np.array([[0, 3, 4]]), np.array([[0, 3, 5]]), ceiling={"found_exactly": 0.9})
    assert verdict.gaps == {"found_exactly": 0.9}
    assert "found exactly, gap" in verdict._repr_html_()


def test_whole_maps_are_a_truth_and_maxima_are_calls():
    values = np.zeros((2, 9, 9))
    values[0, 3, 4], values[1, 7, 2] = 5.0, 4.0
    peaks = SimpleNamespace(
        map=np.array([0]), row=np.array([3]), column=np.array([4]), amplitude=np.array([5.0]), other=None
    )

    class Whole:  # as maps with planted peaks are
        def __init__(self, structure: str) -> None:
            self.peaks, self.size, self.structure = peaks, np.full((2, 2), 9), structure

        def __len__(self) -> int:
            return 2

    whole = Whole("directed")
    verdict = evaluate_peaks(np.array([[0, 3, 4], [1, 7, 2]]), whole)
    assert (verdict.n_maps, verdict.precision, verdict.slices["amplitude"]["5"].recall) == (2, 0.5, 1.0)
    with pytest.raises(InputError, match="outside map 1 of 9 x 9"):
        evaluate_peaks(np.array([[1, 7, 9]]), whole)
    turned = np.array([[0, 4, 3]])
    assert evaluate_peaks(turned, Whole("symmetric"), 0).recall == 1 > evaluate_peaks(turned, whole, 0).recall
    assert evaluate_peaks(turned, Whole("symmetric"), 0, symmetric=False).recall == 0
    assert evaluate_peaks(peaks, whole).average_precision == 1.0  # the amplitude of calls is their score
    maxima = find_maxima(values[0], k=3)
    single = evaluate_peaks(maxima, peaks)
    assert (single.recall, single.found_exactly, single.average_precision) == (1.0, 1.0, 1.0)


def test_seeds_are_averaged_and_paired():
    truth = np.array([[m, 3, 4] for m in range(8)])
    good, bad = np.c_[truth, np.ones(8)], np.c_[np.add(truth, [0, 4, 0]), np.ones(8)]
    table = evaluate_peaks({"mine": [good, bad], "exact": good}, truth)
    assert table.verdicts["mine"].by_seed["recall"] == (1.0, 0.0) and table.verdicts["mine"].recall == 0.5
    assert table.between("mine", "exact", "recall").difference == -0.5
    with pytest.raises(InputError, match=r"different numbers of them \(a 2, b 3\)"):
        evaluate_peaks({"a": [good, bad], "b": [good, bad, good]}, truth)


def test_one_map_says_nothing_about_others():
    verdict = evaluate_peaks(np.array([[3, 4], [5, 5]]), np.array([[3, 4]]))
    assert verdict.intervals["recall"] == verdict.intervals["precision"] == (0.0, 1.0)
    assert "nothing follows about other maps" in verdict.warnings[0]


TRUTH = np.array([[0, 3, 4], [1, 7, 9]])


@pytest.mark.parametrize(
    ("calls", "truth", "options", "message"),
    [
        (TRUTH, TRUTH[:0], {}, "the truth has no peak"),
        (TRUTH, TRUTH, {"tolerance": -1}, "tolerance must be a number from 0 on, not -1"),
        (TRUTH, TRUTH, {"tolerance": np.nan}, "tolerance must be a number from 0 on"),
        (TRUTH, TRUTH, {"shape": 9}, r"the place \(7, 9\) among the truth lies outside map 1 of 9 x 9"),
        (np.add(TRUTH, [0, 0, 1]), TRUTH, {"shape": 10}, r"the place \(7, 10\) among the calls lies outside"),
        (np.add(TRUTH, [5, 0, 0]), TRUTH, {}, "the map '5' of the calls is none of the 2 maps"),
        (TRUTH, TRUTH, {"maps": 1}, "the map '1' of the truth is none of the 1 maps"),
        (TRUTH[[0, 0]], TRUTH, {}, r"the place \(3, 4\) of map 0 is twice among the calls: give each once"),
        (TRUTH, TRUTH[[0, 0]], {}, r"the place \(3, 4\) of map 0 is twice among the truth"),
        (np.c_[TRUTH, [1, np.nan]], TRUTH, {}, "scores of the calls have nan at index 1"),
        (np.c_[TRUTH, [1, np.inf]], TRUTH, {}, "scores of the calls have inf at index 1"),
        (TRUTH - [0, 4, 0], TRUTH, {}, "column row: -1 at index 0: expected whole numbers"),
        (TRUTH + 0.5, TRUTH, {}, "expected whole numbers from 0 on"),
        (TRUTH[:, 1:], TRUTH, {}, "no column says on which of 2 maps the calls lie"),
        (TRUTH[:, :1], TRUTH, {}, r"not of shape \(2, 1\)"),
        (TRUTH, TRUTH, {"threshold": 0}, "a threshold needs scores, and the calls have none"),
        (TRUTH, TRUTH, {"metric": "hamming"}, "unknown metric 'hamming'"),
        (TRUTH, TRUTH, {"distance": np.zeros((3, 4))}, r"distance must be a matrix \(n, n\)"),
        (TRUTH, TRUTH, {"distance": np.zeros((5, 5))}, "the node 7 of map 1 is outside its distances of 5 nodes"),
        (TRUTH, TRUTH, {"distance": np.zeros((3, 12, 12))}, "3 matrices for 2 maps"),
        (TRUTH, TRUTH, {"distance": lambda m, a, b: -1.0 * (a >= 0)}, "distance must give a number from 0 on"),
        (TRUTH, TRUTH, {"groups": {"order": ["a"]}}, "one entry for each of 2 peaks"),
        (TRUTH, TRUTH, {"groups": ["order"]}, "unknown column of the truth 'order'"),
        (TRUTH, TRUTH, {"groups": {"diagonal": [1, 2]}}, "cannot be called 'diagonal'"),
        (TRUTH, TRUTH, {"bins": {"amplitude": 3}}, "unknown slice with bins 'amplitude'"),
        (TRUTH, TRUTH, {"bins": {"diagonal": [3, 1]}}, "ascending edges"),
        (TRUTH, TRUTH, {"ceiling": {"recal": 1.0}}, "did you mean recall"),
        (TRUTH, TRUTH, {"ceiling": {"recall": 2.0}}, "ceiling of recall must lie between 0 and 1, not 2"),
        (TRUTH, TRUTH, {"ceiling": {"false_calls": -1}}, "ceiling of false_calls must lie between 0 and inf"),
        (TRUTH, TRUTH, {"ceiling": 0.9}, "ceiling must map names of metrics to values"),
        (TRUTH, TRUTH, {"fdr": 1}, "fdr must be a share"),
        (TRUTH, TRUTH, {"confidence": 95}, "confidence must lie between 0 and 1"),
        (TRUTH, TRUTH, {"duplicates": "keep"}, "unknown way to treat duplicates"),
        (TRUTH, TRUTH, {"maps": 0}, "maps must be the number of maps"),
        (TRUTH, TRUTH, {"maps": ["0", "0"]}, "names a map twice"),
        (TRUTH, TRUTH, {"shape": "9"}, "shape must be the side of the maps"),
        (TRUTH, TRUTH, {"columns": ["row"]}, "columns must map roles to names of columns"),
        (TRUTH, TRUTH, {"columns": {"score": None}}, "must be the name of a column, not None"),
        (TRUTH, TRUTH, {"columns": {"mine": {"score": "q"}}}, "unknown caller in columns 'mine'"),
        (TRUTH, TRUTH, {"truth_columns": "row"}, "the columns of the truth must map roles to names"),
        (TRUTH, TRUTH, {"bins": [1]}, "bins must map names of slices"),
        (TRUTH, TRUTH, {"bins": {"diagonal": [np.nan]}}, "ascending edges"),
        ({1: TRUTH}, TRUTH, {}, "found must map names to calls"),
        (None, TRUTH, {}, "the calls must be real numbers, not objects such as None"),
        ({}, TRUTH, {}, "found must map names to calls, at least one"),
        ({"row": TRUTH[:, 1], "column": TRUTH[:, 2]}, TRUTH, {}, "found maps names of columns"),
        ([np.c_[TRUTH, TRUTH[:, 0]], TRUTH], TRUTH, {}, "scores in some seeds only"),
    ],
)
def test_wrong_input_is_refused_in_one_line(calls, truth, options, message):
    with pytest.raises(InputError, match=message) as refused:
        evaluate_peaks(calls, truth, **options)
    assert "\n" not in str(refused.value)


def test_the_best_of_duplicates_is_kept_on_request_and_the_verdict_says_so():
    calls = np.array([[0, 3, 4, 0.1], [1, 0, 0, 0.5], [0, 3, 4, 0.9]])
    verdict = evaluate_peaks(calls, TRUTH, duplicates="best")
    assert verdict.curve.threshold == (None, 0.9, 0.5)
    assert any(warning.startswith("1 calls repeat a place") for warning in verdict.warnings)


def test_too_many_pairs_are_refused_before_memory_is_taken(monkeypatch):
    monkeypatch.setattr("gnnmax.evaluation.peaks.place_distance.MOST_PAIRS", 100)
    grid = np.argwhere(np.ones((12, 12)))
    with pytest.raises(InputError, match="lower the tolerance"):
        evaluate_peaks(grid, grid, tolerance=50)
    with pytest.raises(InputError, match="lower the tolerance"):
        evaluate_peaks(grid, grid, distance=np.zeros((12, 12)))


def test_a_call_counts_only_strictly_above_the_threshold():
    calls = np.c_[TRUTH, [1.0, 2.0]]
    assert [evaluate_peaks(calls, TRUTH, threshold=t).recall for t in (0.9, 1.0, 2.0)] == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("seed", range(6))
def test_the_interval_of_recall_at_fdr_contains_the_middle_of_the_resamples(seed):
    calls, truth = scene(seed)
    read = [read_places(each, "places", height=height) for each, height in ((truth, "amplitude"), (calls, "score"))]
    index = MapIndex.of(read[0], 12, None)
    peaks, found = (index.number(each, "places", symmetric=False, duplicates="refuse") for each in read)
    data = PeakSet(peaks, 12, PlaceDistance(), 1.0)
    caller = ScoredCaller(data, [MatchedCalls.of(found, data, None)], Units.of(12, PeakOptions()), fdr=0.5)
    low, high = caller.interval("recall_at_fdr", 0.9)
    least, most = np.quantile(caller.resampled["recall_at_fdr"], [0.05, 0.95])
    assert 0 <= low <= least < most <= high <= 1


def test_resamples_without_a_peak_do_not_spoil_an_interval():
    calls = np.array([[0, 3, 5, 0.9], [1, 2, 2, 0.8], [1, 7, 9, 0.7]])
    verdict = evaluate_peaks(calls, np.array([[0, 3, 4], [1, 7, 9], [2, 1, 8]]), maps=5)
    assert 0 < verdict.recall_at_fdr < 1 and np.isfinite(verdict.intervals["recall_at_fdr"]).all()
