"""Every figure of a verdict against scikit-learn or a plain loop, on ordinary and degenerate input."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from gnnmax import InputError, Windows, compare_scores, evaluate
from gnnmax.evaluation.calibration import probabilities_of
from gnnmax.evaluation.metrics import natural_precision
from gnnmax.evaluation.slices import by_deciles, check_groups
from gnnmax.evaluation.threshold import best_threshold


@st.composite
def judged(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    """Scores with ties, constants and extremes; labels of both classes; a threshold that scores often hit."""
    n = draw(st.integers(2, 50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([1.0, 1e-300, 1e300, 0.1]))
    scores = (rng.integers(draw(st.sampled_from([1, 2, 5, 1000])), size=n) - 1) * scale
    label = rng.random(n) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    label[:2] = True, False
    return scores, label, float(rng.choice(scores))


def references(scores: np.ndarray, label: np.ndarray, threshold: float) -> dict[str, float]:
    called = scores > threshold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "accuracy": metrics.accuracy_score(label, called),
            "balanced_accuracy": metrics.balanced_accuracy_score(label, called),
            "precision": metrics.precision_score(label, called, zero_division=np.nan),
            "recall": metrics.recall_score(label, called),
            "specificity": metrics.recall_score(~label, ~called),
            "negative_predictive_value": metrics.precision_score(~label, ~called, zero_division=np.nan),
            "f1": metrics.f1_score(label, called),
            "mcc": metrics.matthews_corrcoef(label, called),
            "auroc": metrics.roc_auc_score(label, scores),
            "average_precision": metrics.average_precision_score(label, scores),
        }


@settings(max_examples=150, deadline=None)
@given(judged())
def test_every_figure_is_that_of_scikit_learn(case: tuple[np.ndarray, np.ndarray, float]) -> None:
    scores, label, threshold = case
    verdict = evaluate(scores, label, threshold=threshold, resamples=10)
    for name, expected in references(scores, label, threshold).items():
        found = getattr(verdict, name)
        assert (found is None) == np.isnan(expected), name
        assert found is None or abs(found - expected) < 1e-12, name
        assert found is None or verdict.intervals[name][0] - verdict.intervals[name][1] < 1e-12, name


def test_the_comparison_with_scikit_learn_would_see_a_tie_at_the_threshold_called_centred() -> None:
    scores, label = np.array([0.0, -1.0, 1.0]), np.array([False, False, True])
    wrong = references(scores, label, -1e-9)
    assert abs(evaluate(scores, label).accuracy - wrong["accuracy"]) > 0.3


# ---------------------------------------------------------------- nature's share of positives


def test_natural_precision_is_that_of_a_sample_with_natures_share_of_positives() -> None:
    rng = np.random.default_rng(0)
    w = Windows.from_values(rng.normal(size=(4000, 5, 5)).astype("float32"))
    half = np.concatenate([np.flatnonzero(w.label), np.flatnonzero(~w.label)[: w.label.sum()]])
    scores = rng.normal(size=len(w)) + 2 * w.label - 1
    verdict = evaluate(scores[half], w[half], resamples=10)
    recall, false = (scores[w.label] > 0).mean(), (scores[half][~w[half].label] > 0).mean()
    assert verdict.natural_prevalence == pytest.approx(1 / 25)
    assert verdict.natural_precision == pytest.approx(recall / (recall + 24 * false))
    assert verdict.natural_precision < verdict.precision - 0.3
    assert evaluate(scores, w.label, resamples=10).natural_precision is None


def test_natural_precision_of_a_scorer_that_never_errs_is_in_doubt_all_the_same() -> None:
    w = Windows.from_values(np.random.default_rng(0).normal(size=(500, 9, 9)).astype("float32"))
    verdict = evaluate(w.label - 0.5, w)
    assert verdict.natural_precision == 1
    assert verdict.intervals["natural_precision"][0] < 0.8
    assert np.isnan(natural_precision(0.0, 1.0, 0.5))  # nothing is called


# ---------------------------------------------------------------- probabilities


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 7, 15, 1000]))
def test_brier_and_calibration_error_are_those_of_scikit_learn_and_a_loop(seed: int, distinct: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.integers(distinct + 1, size=60) / distinct
    label = rng.random(60) < p
    label[:2] = True, False
    verdict = evaluate(p, label, scale="probabilities", threshold=0.5, resamples=10)
    assert verdict.brier == pytest.approx(metrics.brier_score_loss(label, p), abs=1e-12)
    error = 0.0
    for b in range(15):
        inside = (np.floor(p * 15) == b) | ((b == 14) & (p == 1))
        if inside.any():
            error += inside.mean() * abs(p[inside].mean() - label[inside].mean())
            assert verdict.reliability.observed[b] == pytest.approx(label[inside].mean())
        assert verdict.reliability.count[b] == inside.sum()
    assert verdict.calibration_error == pytest.approx(error, abs=1e-12)


def test_logits_and_their_probabilities_are_judged_equally() -> None:
    rng = np.random.default_rng(0)
    logits, label = rng.normal(size=400) * 3, rng.random(400) < 0.5
    a = evaluate(logits, label, scale="logits").to_dict()
    b = evaluate(1 / (1 + np.exp(-logits)), label, scale="probabilities", threshold=0.5).to_dict()
    for name in ("accuracy", "mcc", "auroc", "brier", "calibration_error"):
        assert a[name] == pytest.approx(b[name], abs=1e-12)
    assert a["intervals"]["brier"] == pytest.approx(b["intervals"]["brier"], abs=1e-12)


def test_what_is_calibrated_has_a_small_error_and_what_is_too_sure_a_large_one() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    label = rng.random(20_000) < p
    honest = evaluate(p, label, scale="probabilities", threshold=0.5, resamples=10)
    sure = evaluate(np.round(p), label, scale="probabilities", threshold=0.5, resamples=10)
    assert honest.calibration_error < 0.02 < 0.2 < sure.calibration_error


def test_without_a_declared_scale_nothing_is_said_of_probabilities() -> None:
    verdict = evaluate(np.array([0.2, 0.9, 0.4]), np.array([False, True, False]), threshold=0.5)
    assert (verdict.scale, verdict.brier, verdict.calibration_error, verdict.reliability) == (None,) * 4
    assert "brier" not in verdict.intervals


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        (
            [0.2, 1.5, 0.1],
            {"scale": "probabilities", "threshold": 0.5},
            "declared probabilities, .* index 1 is 1.5",
        ),
        ([0.2, 0.9, 0.1], {"scale": "logits"}, "declared logits, and all lie in .0, 1. .* scale='probabilities'"),
        ([0.2, 0.9, 0.1], {"scale": "probabilities"}, "threshold of 0.0 decides nothing .* pass threshold=0.5"),
        ([0.2, 0.9, 0.1], {"scale": "probabilities", "threshold": 1.0}, "threshold of 1.0 decides nothing"),
        ([0.2, 0.9, 0.1], {"scale": "probabilities", "threshold": 1.5}, "threshold of 1.5 decides nothing"),
        ([0.2, 0.9, 0.1], {"scale": "odds"}, "scale must be 'logits', 'probabilities' or None"),
        ([0.2, 0.9, 0.1], {"scale": True}, "scale must be"),
    ],
)
def test_a_wrong_scale_is_refused(scores: list[float], options: dict[str, object], message: str) -> None:
    label = np.array([False, True, False])
    with pytest.raises(InputError, match=message):
        evaluate(np.array(scores), label, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        compare_scores({"mine": np.array(scores)}, label, **options)  # type: ignore[arg-type]


def test_a_constant_logit_is_a_logit_and_the_largest_are_certainties() -> None:
    assert probabilities_of(np.zeros(3), "logits").tolist() == [0.5] * 3
    assert probabilities_of(np.array([-1e300, 1e300]), "logits").tolist() == [0.0, 1.0]


def test_scales_are_declared_scorer_by_scorer() -> None:
    label = np.arange(40) % 2 == 0
    logits = np.where(label, 2.0, -1.0)
    table = compare_scores({"net": logits, "rule": logits * 9}, label, scale={"net": "logits"}, resamples=10)
    assert table.verdicts["net"].brier is not None
    assert table.verdicts["rule"].brier is None
    with pytest.raises(InputError, match="scale names 'gnn', which is not compared: give it to one of net"):
        compare_scores({"net": logits}, label, scale={"gnn": "logits"})


# ---------------------------------------------------------------- thresholds


@settings(max_examples=100, deadline=None)
@given(judged())
def test_the_best_threshold_is_the_best_of_all(case: tuple[np.ndarray, np.ndarray, float]) -> None:
    scores, label, _ = case
    threshold = best_threshold(scores, label)
    assert np.isfinite(threshold)
    candidates = [np.nextafter(scores.min(), -np.inf), *scores]
    best = max(((scores > t) == label).mean() for t in candidates)
    assert ((scores > threshold) == label).mean() == best


def test_the_best_threshold_lies_in_the_middle_of_the_gap() -> None:
    assert best_threshold(np.array([-3.0, -1.0, 2.0, 4.0]), np.array([0, 0, 1, 1])) == 0.5
    low = 1.0
    for _ in range(2):  # the middle of neighbours rounds up to one of them and down to the other
        close = np.array([low, np.nextafter(low, 2)])
        assert best_threshold(close, np.array([False, True])) == low
        low = close[1]


# ---------------------------------------------------------------- slices and places


def grouped() -> tuple[Windows, np.ndarray]:
    rng = np.random.default_rng(1)
    w = Windows.from_values(rng.integers(0, 9, size=(800, 5, 5)))
    w = dataclasses.replace(w, graph=np.sort(rng.integers(50, size=800)))
    return w, rng.normal(size=800) + w.label - 1


def test_slices_by_group_offset_and_margin_decile_are_those_of_a_mask() -> None:
    w, scores = grouped()
    family = np.where(w.graph % 3 == 0, "grid", "tree")
    verdict = evaluate(scores, w, groups={"family": family, "k": np.full(800, 5)}, resamples=20)
    right = (scores > 0) == w.label
    far = np.abs(w.offset).max(axis=1)
    for group, key, mask in [
        ("family", "grid", family == "grid"),
        ("family", "tree", family == "tree"),
        ("k", "5", np.ones(800, bool)),
        *(("offset", str(d), far == d) for d in range(3)),
    ]:
        part = verdict.slices[group][key]
        assert (part.n, part.accuracy) == (mask.sum(), pytest.approx(right[mask].mean())), (group, key)
    assert list(verdict.slices) == ["kind", "margin", "margin_decile", "offset", "family", "k"]
    for parts in verdict.slices.values():
        assert sum(part.n for part in parts.values()) == 800


def test_deciles_part_closest_calls_first_and_never_part_a_tie() -> None:
    margin = np.random.default_rng(0).normal(size=1000)
    code = by_deciles(margin).code
    assert np.bincount(code).tolist() == [100] * 10
    assert np.abs(margin)[code == 0].max() < np.abs(margin)[code == 1].min()
    tied = by_deciles(np.array([0.0] * 50 + [1.0] * 50 + [np.nan]))
    assert np.bincount(tied.code).tolist() == [50, 50, 1]
    assert tied.names[-1] == "not observed"


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"kind": ["a"] * 3}, "cannot be called 'kind'"),
        ({"family": ["a"]}, "one entry for each of 3 windows"),
        ({"x": [0.1, 0.2, 0.3]}, "must hold names, integers or booleans, not float64"),
        ([1, 2, 3], "groups must map names to arrays"),
        ({1: ["a"] * 3}, "groups must map names"),
    ],
)
def test_groups_that_are_none_are_refused(groups: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(np.array([1.0, -1.0, 2.0]), np.array([True, False, True]), groups=groups)  # type: ignore[arg-type]


def test_too_many_groups_are_refused() -> None:
    with pytest.raises(InputError, match="has 1001 parts, more than 1000"):
        check_groups({"x": np.arange(1001)}, 1001)


def test_localisation_is_that_of_a_loop_over_graphs() -> None:
    w, scores = grouped()
    scores = np.round(scores)  # ties at the top
    found, exact, distance = [], [], []
    for graph in np.unique(w.graph):
        own = w.graph == graph
        exact.append((((scores > 0) == w.label)[own]).all())
        top = own & (scores == scores[own].max())
        if w.label[own].any():
            found.append(w.label[top].mean())
            missed = top & ~w.label
            distance += [(np.abs(w.offset[i]).max(), 1 / top.sum()) for i in np.flatnonzero(missed)]
    place = evaluate(scores, w, resamples=200).localisation
    assert place.graphs == len(found)
    assert place.found == pytest.approx(np.mean(found), abs=1e-12)
    assert place.exact == pytest.approx(np.mean(exact), abs=1e-12)
    far, weight = np.array(distance).T
    assert place.distance == pytest.approx((far * weight).sum() / weight.sum(), abs=1e-12)
    for name, (low, high) in place.intervals.items():
        assert low <= getattr(place, name) <= high


def test_the_rule_itself_finds_every_maximum_and_a_flipped_one_none() -> None:
    w, _ = grouped()
    best, worst = (evaluate(sign * (w.label - 0.5), w, resamples=20).localisation for sign in (1, -1))
    assert (best.found, best.exact, best.distance) == (1.0, 1.0, None)
    assert worst.found == worst.exact == 0.0
    assert worst.distance >= 1
    # Every centred graph is found, and how surely depends on their number, not on that of all 50 graphs.
    assert 0 < best.graphs < 50
    assert best.intervals["found"] == (pytest.approx(0.05 ** (1 / best.graphs)), 1.0)


def test_windows_that_are_graphs_of_their_own_have_no_places() -> None:
    w, scores = grouped()
    assert evaluate(scores, dataclasses.replace(w, graph=np.arange(800)), resamples=5).localisation is None
