"""AUROC and average precision against scikit-learn and a brute-force loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from gnnmax.evaluation.curves import operating_curves
from gnnmax.evaluation.metrics import auroc, average_precision, coarsened, levels_of


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores with many ties, labels of both classes, and weights, some of them zero."""
    n = draw(st.integers(2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    distinct = draw(st.sampled_from([1, 2, 5, 1000]))
    scores = rng.integers(distinct, size=n) * draw(st.sampled_from([1.0, 1e-300, 1e300, 0.1])) - 0.3
    label = rng.random(n) < 0.5
    label[:2] = True, False
    weights = rng.choice([0.0, 1.0, 2.0, 0.3, 1e3], size=n) if draw(st.booleans()) else np.ones(n)
    weights[:2] = 1.0
    return scores, label, weights


def on_levels(scores: np.ndarray, label: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    level = levels_of(scores)
    size = level.max() + 1
    return np.bincount(level, weights * label, size), np.bincount(level, weights * ~label, size)


@settings(max_examples=300, deadline=None)
@given(samples())
def test_both_metrics_agree_with_scikit_learn_under_ties_and_weights(sample: tuple[np.ndarray, ...]) -> None:
    scores, label, weights = sample
    positive, negative = on_levels(scores, label, weights)
    assert abs(auroc(positive, negative) - roc_auc_score(label, scores, sample_weight=weights)) < 1e-12
    expected = average_precision_score(label, scores, sample_weight=weights)
    assert abs(average_precision(positive, negative) - expected) < 1e-12


@settings(max_examples=100, deadline=None)
@given(samples())
def test_auroc_is_the_share_of_pairs_in_order_with_a_tie_for_one_half(sample: tuple[np.ndarray, ...]) -> None:
    scores, label, _ = sample
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[label] for b in scores[~label]]
    assert abs(auroc(*on_levels(scores, label, np.ones(len(scores)))) - np.mean(pairs)) < 1e-12


@settings(max_examples=50, deadline=None)
@given(samples())
def test_many_weightings_at_once_are_as_one_by_one(sample: tuple[np.ndarray, ...]) -> None:
    scores, label, _ = sample
    rng = np.random.default_rng(0)
    tables = [on_levels(scores, label, rng.integers(1, 4, size=len(scores))) for _ in range(3)]
    positive, negative = (np.stack(parts, axis=1) for parts in zip(*tables, strict=True))
    for figure in (auroc, average_precision):
        assert np.allclose(figure(positive, negative), [figure(*table) for table in tables], rtol=1e-14)


def test_a_constant_score_ranks_nothing() -> None:
    positive, negative = on_levels(np.full(10, 3.0), np.arange(10) < 4, np.ones(10))
    assert auroc(positive, negative) == 0.5
    assert average_precision(positive, negative) == pytest.approx(0.4)


def test_a_class_without_weight_has_no_figure_and_no_warning() -> None:
    assert np.isnan(auroc(np.array([0, 0]), np.array([1, 2])))
    assert np.isnan(auroc(np.array([1, 0]), np.array([0, 0])))
    assert np.isnan(average_precision(np.array([0, 0]), np.array([1, 2])))
    assert average_precision(np.array([1, 1]), np.array([0, 0])) == 1.0


def test_levels_without_weight_change_nothing() -> None:
    positive, negative = np.array([0, 1, 0, 2, 0]), np.array([0, 3, 0, 1, 0])
    for figure in (auroc, average_precision):
        assert figure(positive, negative) == figure(positive[[1, 3]], negative[[1, 3]])


def test_negative_zero_ties_with_zero() -> None:
    assert levels_of(np.array([-0.0, 0.0, 1.0])).tolist() == [0, 0, 1]


@pytest.mark.parametrize("most", [1, 2, 7, 100, 5000])
def test_coarse_levels_keep_the_order_and_are_at_most_so_many(most: int) -> None:
    level = levels_of(np.random.default_rng(0).normal(size=3000).round(2))
    coarse = coarsened(level, most)
    order = np.argsort(level)
    assert (np.diff(coarse[order]) >= 0).all()
    assert len(np.unique(coarse)) == coarse.max() + 1 <= most
    assert all(len(np.unique(coarse[level == x])) == 1 for x in range(0, level.max(), 50))


def test_coarse_levels_are_about_equally_full() -> None:
    counts = np.bincount(coarsened(np.arange(100_000), 1000))
    assert counts.min() == counts.max() == 100


@pytest.mark.parametrize("seed", range(3))
def test_operating_curves_are_those_of_a_loop_over_thresholds(seed):
    rng = np.random.default_rng(seed)
    scores, label = rng.integers(0, 9, size=40) / 8, rng.random(40) < 0.4
    found = operating_curves(scores, label)
    thresholds = [np.inf, *np.unique(scores)[::-1]]
    expected = [
        (
            (scores >= t)[~label].mean(),
            (scores >= t)[label].mean(),
            label[scores >= t].mean() if (scores >= t).any() else 1.0,
        )
        for t in thresholds
    ]
    points = list(zip(found.false_positive_rate, found.recall, found.precision, strict=True))
    assert points == [pytest.approx(point, abs=5.1e-5) for point in expected]


def test_operating_curves_of_many_scores_are_thinned_and_keep_both_ends():
    rng = np.random.default_rng(0)
    label = rng.random(5000) < 0.3
    found = operating_curves(rng.normal(size=5000) + label, label)
    assert len(found.recall) == 121
    assert (found.false_positive_rate[0], found.recall[0], found.precision[0]) == (0, 0, 1)
    assert (found.false_positive_rate[-1], found.recall[-1]) == (1, 1)
    assert found.precision[-1] == pytest.approx(label.mean(), abs=5.1e-5)
    steps = np.diff(found.false_positive_rate) + np.diff(found.recall)
    assert steps.max() < 0.02
