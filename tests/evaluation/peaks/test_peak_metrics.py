"""Metrics of calls: against scikit-learn, against loops, and one table from which all else is made."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from gnnmax import evaluate_peaks
from gnnmax.evaluation.peaks import peak_metrics
from gnnmax.evaluation.peaks.peak_metrics import FALSE_CALLS, PEAK_METRICS, PeakMetric, froc, recall_at_fdr
from gnnmax.evaluation.peaks.peak_verdict import PeakVerdict, peak_curve

POINTS = st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12)


@given(POINTS)
def test_average_precision_is_that_of_scikit_learn_where_each_call_is_at_a_peak_or_far_from_all(points):
    points = [*points, (2, True)]
    calls = np.array([(0, 10 * place, 0, score) for place, (score, _) in enumerate(points)], dtype=float)
    label = np.array([right for _, right in points])
    verdict = evaluate_peaks(calls, calls[label, :3])
    assert verdict.average_precision == pytest.approx(average_precision_score(label, calls[:, 3]))


def test_a_peak_that_is_never_found_lowers_average_precision():
    truth = np.array([[0, 0, 0], [0, 50, 50]])
    assert evaluate_peaks(np.array([[0, 0, 0, 1.0]]), truth).average_precision == 0.5


def slow_curve(points, peaks: int):
    """Found peaks and false calls of every list that is cut between two scores."""
    for cut in [math.inf, *sorted({score for score, _ in points}, reverse=True)]:
        inside = [right for score, right in points if score >= cut]
        yield sum(inside) / peaks, len(inside) - sum(inside), len(inside)


@given(POINTS, st.integers(1, 3), st.sampled_from([0.0, 0.1, 0.5]))
def test_froc_and_recall_at_fdr_are_those_of_a_loop_over_thresholds(points, maps, fdr):
    hits, misses = (np.bincount([s for s, right in points if right == wanted], minlength=5) for wanted in (True, False))
    peaks = int(hits.sum()) + 1
    curve = list(slow_curve(points, peaks))
    at = [max(recall for recall, false, _ in curve if false / maps <= rate) for rate in FALSE_CALLS]
    assert float(froc(hits, misses, peaks=np.array(peaks), maps=np.array(maps))) == pytest.approx(np.mean(at))
    pure = max(recall for recall, false, called in curve if false <= fdr * called)
    assert float(recall_at_fdr(hits, misses, peaks=np.array(peaks), fdr=fdr)) == pytest.approx(pure)


def test_the_curve_never_falls_and_ends_where_all_calls_count():
    rng = np.random.default_rng(0)
    hit = rng.random(5000) < 0.3
    curve = peak_curve(rng.normal(size=5000), hit, peaks=2000, maps=7)
    assert len(curve.recall) <= 125
    assert (np.diff(curve.recall) >= 0).all() and (np.diff(curve.false_calls) >= 0).all()
    assert curve.recall[-1] == hit.sum() / 2000 and curve.false_calls[-1] == (~hit).sum() / 7
    assert curve.threshold[0] is None and (np.diff(curve.threshold[1:]) < 0).all()


def test_every_metric_has_a_value_or_a_reason_in_verdict_json_table_and_data_frame():
    truth = np.array([[0, 3, 4], [1, 7, 9], [1, 2, 2]])
    for calls in (truth, np.c_[truth, [3.0, 2.0, 1.0]], truth[:0]):
        verdict = evaluate_peaks(calls, truth, maps=3)
        assert list(verdict.metrics) == list(PEAK_METRICS)
        for name, value in verdict.metrics.items():
            assert (value is None) == (name in verdict.reasons), name
            assert getattr(verdict, name) == value
        frame = verdict.to_pandas()
        assert frame.index.tolist() == list(PEAK_METRICS)
        assert (frame.value.isna() == (frame.reason != "")).all()
        assert PeakVerdict.from_json(verdict.to_json()).to_dict() == verdict.to_dict()


def test_a_new_metric_is_one_entry(monkeypatch):
    new = PeakMetric(lambda sums: sums.false_calls / sums.called, "false share", "Share of calls.", over=("called",))
    monkeypatch.setitem(peak_metrics.PEAK_METRICS, "false_share", new)
    calls = np.array([[m, 3, 4 + 9 * (m % 2)] for m in range(6)])
    truth = np.array([[m, 3, 4] for m in range(6)])
    table = evaluate_peaks({"a": calls, "b": truth}, truth)
    verdict = table.verdicts["a"]
    assert verdict.false_share == 0.5 and "false_share" in verdict.intervals
    assert json.loads(verdict.to_json())["false_share"] == 0.5
    assert "false share" in verdict._repr_html_()
    assert table.between("a", "b", "false_share").difference == 0.5
    assert "false_share_low" in table.to_pandas().columns


def test_a_metric_is_missing_with_the_reason():
    truth = np.array([[0, 3, 4], [1, 7, 9]])
    unscored = evaluate_peaks(np.array([[0, 3, 4], [0, 9, 9]]), truth)
    assert unscored.reasons["average_precision"] == "the calls have no score"
    assert unscored.reasons["found_exactly"].startswith("a map has several calls without a score")
    assert evaluate_peaks(truth, np.array([[0, 3, 4], [0, 9, 9]]), maps=2).reasons["found_within"] == (
        "no map has exactly one peak"
    )
    nothing = evaluate_peaks(truth[:0], truth)
    assert (nothing.precision, nothing.recall, nothing.false_calls) == (None, 0.0, 0.0)
    assert nothing.reasons["precision"] == "nothing is called"
    assert nothing.reasons["matched_distance"] == "no call is matched"
