"""Several callers on the same maps: paired differences, Holm's correction, sentences and tables."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from gnnmax import InputError, evaluate_peaks
from gnnmax.evaluation.peaks.peak_comparison import PeakDifference, holm


def callers(maps: int = 20, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Callers that find 9, 8 and 4 of ten peaks a map."""
    rng = np.random.default_rng(seed)
    truth = np.array([(m, 6 * p, 6 * p + 3) for m in range(maps) for p in range(10)])
    found = {}
    for name, share in (("a", 0.9), ("b", 0.8), ("c", 0.4)):
        hit = rng.random(len(truth)) < share
        found[name] = np.c_[truth[hit], rng.random(int(hit.sum()))]
    return found, truth


def test_a_difference_of_recalls_on_equal_maps_is_tested_as_by_a_t_test():
    found, truth = callers()
    table = evaluate_peaks(found, truth)
    for first, second in itertools.combinations("abc", 2):
        recall = [np.bincount(found[name][:, 0].astype(int), minlength=20) / 10 for name in (first, second)]
        expected = ttest_1samp(recall[0] - recall[1], 0)
        difference = table.between(first, second, "recall")
        assert difference.difference == pytest.approx((recall[0] - recall[1]).mean())
        assert difference.p_value == pytest.approx(expected.pvalue)
        assert (difference.low, difference.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
        turned = table.between(second, first, "recall")
        assert (turned.difference, turned.low) == (-difference.difference, -difference.high)


@pytest.mark.parametrize("calls", [np.zeros((0, 4)), np.array([[3, 59.0, 59.0, 1.0]])], ids=["none", "one, wrong"])
def test_a_caller_with_hardly_a_call_is_known_to_find_little(calls):
    found, truth = callers()
    table = evaluate_peaks({"a": found["a"], "nothing": calls}, truth, maps=20)
    recall = table.verdicts["nothing"].intervals["recall"][1]
    assert recall == pytest.approx(1 - 0.05 ** (1 / 20))
    for metric in ("average_precision", "recall_at_fdr", "froc"):
        assert table.verdicts["nothing"].intervals[metric] == pytest.approx((0.0, recall)), metric
    low, high = table.verdicts["nothing"].intervals["f1"]
    assert (low, high) == pytest.approx((0.0, 2 * recall / (1 + recall)), rel=0.02)  # calls right, as many as are found
    for metric in ("recall", "f1", "average_precision", "recall_at_fdr", "froc"):
        assert table.between("a", "nothing", metric).is_significant, metric


def test_holm_rejects_as_the_step_down_procedure_does():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.random(5) ** 3
        rejected = set()
        for step, at in enumerate(np.argsort(p)):
            if p[at] > 0.05 / (5 - step):
                break
            rejected.add(int(at))
        assert {at for at, corrected in enumerate(holm(p)) if corrected <= 0.05} == rejected
        assert (np.array(holm(p)) >= p).all()


def test_sentences_name_the_better_caller_also_where_less_is_better():
    found, truth = callers()
    table = evaluate_peaks({**found, "d": np.r_[found["a"], found["a"] + [0, 3, 1, 0]]}, truth)
    assert table.sentences("recall")[1].startswith("a beats c in recall by 0.")
    worse = table.between("d", "a", "false_calls")
    assert worse.difference > 0 and worse.is_significant
    assert worse.sentence().startswith("a beats d in false calls a map by ")
    assert "by Holm" in worse.sentence()
    less = PeakDifference("a", "b", "false_calls", -0.5, -0.7, -0.3, 0.001, 0.001, 0.95, 1)
    said = "a beats b in false calls a map by 0.500 [0.300, 0.700], p = 0.001"
    assert less.sentence() == less.reversed().sentence() == said
    assert table.sentences() == table.sentences("average_precision")
    assert str(table).splitlines() == table.sentences()


def test_the_table_is_json_and_a_data_frame_and_a_picture():
    found, truth = callers(6)
    table = evaluate_peaks({**found, "unscored": truth}, truth)
    plain = json.loads(table.to_json())
    assert list(plain["verdicts"]) == ["a", "b", "c", "unscored"]
    assert {each["metric"] for each in plain["differences"]} >= {"recall", "froc", "false_calls"}
    frame = table.to_pandas()
    assert frame.loc["a", "recall"] == table.verdicts["a"].recall and np.isnan(frame.loc["unscored", "froc"])
    assert table.main_metric == "f1"
    _, axes = table.plot()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "c", "unscored"]

    _, axes = table.plot("average_precision")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b", "c"]
    for wrong in (lambda: table.plot("roc"), lambda: table.sentences("roc"), lambda: table.between("a", "a", "recall")):
        with pytest.raises(InputError, match="unknown"):
            wrong()


def test_a_verdict_draws_its_curve_and_its_slices():
    found, truth = callers(6)
    verdict = evaluate_peaks(found["a"], truth)
    _, axes = verdict.plot()
    assert axes.lines[0].get_ydata().tolist() == list(verdict.curve.recall)
    _, axes = verdict.plot("diagonal")
    assert axes.get_yticklabels()[0].get_text() == "from 2 (60)" or len(axes.get_yticklabels()) == 1
    with pytest.raises(InputError, match="unknown picture 'amplitude'"):
        verdict.plot("amplitude")
