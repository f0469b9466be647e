"""Telling scorers apart: seeds as blocks, corrections, and what would tell; the simulations of its statistics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm, t, ttest_1samp

from benchmarks.coverage import SCENARIOS, draw, simulate
from gnnmax import InputError, Windows, compare_scores, evaluate


def windows(n: int = 600, graphs: int = 30) -> Windows:
    w = Windows.from_values(np.random.default_rng(0).normal(size=(n, 3, 3)))
    return dataclasses.replace(w, graph=np.arange(n) * graphs // n)


def nets(w: Windows, seeds: int, lead: float = 0.0) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(1)
    return {
        name: [rng.normal(size=len(w)) + (2 + extra) * w.label - 1 for _ in range(seeds)]
        for name, extra in (("a", lead), ("b", 0.0))
    }


def test_every_figure_of_a_scorer_with_seeds_is_the_mean_over_them() -> None:
    w = windows()
    scores = nets(w, 3)
    verdict = compare_scores(scores, w, resamples=50).verdicts["a"]
    alone = [evaluate(part, w, resamples=50) for part in scores["a"]]
    for name in ("accuracy", "mcc", "auroc", "average_precision", "precision"):
        assert getattr(verdict, name) == pytest.approx(np.mean([getattr(v, name) for v in alone]), abs=1e-12), name
    assert verdict.by_seed["auroc"] == tuple(v.auroc for v in alone)
    assert verdict.n == len(w)
    for kind, part in verdict.slices["kind"].items():
        shares = [v.slices["kind"][kind].accuracy for v in alone]
        assert (part.n, part.accuracy) == (alone[0].slices["kind"][kind].n, pytest.approx(np.mean(shares)))


def test_the_mean_over_seeds_does_not_mix_the_scales_of_nets_as_pooling_does() -> None:
    w = windows()
    good = w.margin.astype(np.float64)
    scaled = [good, 1000 + good]
    pooled = evaluate(np.concatenate(scaled), Windows.concatenate([w, w]), resamples=5).auroc
    assert compare_scores({"a": scaled}, w, resamples=5).verdicts["a"].auroc == 1.0 > pooled + 0.2


def test_with_seeds_but_a_single_window_a_graph_the_test_is_near_a_t_test_over_seeds() -> None:
    # Very many graphs: all doubt is in the seeds.
    w = windows(40_000, 40_000)
    rng = np.random.default_rng(2)
    right = {name: [rng.random(len(w)) < p for p in rng.normal(0.8, 0.03, size=5)] for name in "ab"}
    sign = np.where(w.label, 1.0, -1.0)
    scores = {name: [np.where(r, sign, -sign) for r in parts] for name, parts in right.items()}
    (pair,) = compare_scores(scores, w, resamples=200).pairs
    differences = [a.mean() - b.mean() for a, b in zip(right["a"], right["b"], strict=True)]
    found = ttest_1samp(differences, 0)
    assert pair.p_value == pytest.approx(found.pvalue, rel=0.1)
    low, high = found.confidence_interval()
    assert (pair.low, pair.high) == pytest.approx((low, high), rel=0.1)
    assert pair.seeds == 5


def test_one_lucky_seed_is_not_enough_to_tell_nets_apart() -> None:
    w = windows(6000, 300)
    sign = np.where(w.label, 1.0, -1.0)
    rng = np.random.default_rng(0)

    def net(share: float) -> np.ndarray:
        return np.where(rng.random(len(w)) < share, sign, -sign)

    scores = {"a": [net(0.9), net(0.7), net(0.72)], "b": [net(0.75), net(0.76), net(0.74)]}
    (pair,) = compare_scores(scores, w).pairs
    assert pair.accuracy > 0.015
    assert not pair.is_significant
    assert pair.additional_graphs is None
    assert pair.sentence().endswith("; needs more seeds, not only more graphs")
    (naive,) = compare_scores({name: parts[0] for name, parts in scores.items()}, w).pairs
    assert naive.is_significant


def test_a_scorer_without_seeds_stands_beside_each() -> None:
    w = windows()
    scores = {"net": nets(w, 3)["a"], "rule": w.label - 0.5}
    (pair,) = compare_scores(scores, w, resamples=50).pairs
    assert pair.accuracy == pytest.approx(np.mean([((s > 0) == w.label).mean() for s in scores["net"]]) - 1)
    assert pair.seeds == 3
    assert pair.second_only == sum(int(((s > 0) != w.label).sum()) for s in scores["net"])


def test_different_numbers_of_seeds_are_refused_and_numbers_are_no_seeds() -> None:
    w = windows()
    scores = nets(w, 3)
    with pytest.raises(InputError, match=r"different numbers of them \(a 3, b 2\)"):
        compare_scores({"a": scores["a"], "b": scores["b"][:2]}, w)
    with pytest.raises(InputError, match="scores of 'a', seed 1 must be finite"):
        compare_scores({"a": [scores["a"][0], scores["a"][1] * np.nan]}, w)
    with pytest.raises(InputError, match="not list"):
        compare_scores({"a": scores["a"][0].tolist()}, w)
    with pytest.raises(InputError, match="give one score per window"):
        compare_scores({"a": np.stack(scores["a"], axis=1)}, w)
    with pytest.raises(InputError, match="swap the arguments"):
        compare_scores({"a": [w, w]}, w)


def test_the_additional_graphs_asked_for_make_the_difference_significant() -> None:
    w = windows(300, 30)
    rng = np.random.default_rng(3)
    sign = np.where(w.label, 1.0, -1.0)
    a, b = (np.where(rng.random(300) < share, sign, -sign) for share in (0.8, 0.76))
    (pair,) = compare_scores({"a": a, "b": b}, w).pairs
    assert not pair.is_significant
    assert pair.minimum_detectable_effect > abs(pair.accuracy) > 0
    times = 1 + -(-pair.additional_graphs // 30)
    copies = [dataclasses.replace(w, graph=w.graph + 30 * copy) for copy in range(times)]
    (more,) = compare_scores({"a": np.tile(a, times), "b": np.tile(b, times)}, Windows.concatenate(copies)).pairs
    assert more.is_significant
    assert more.additional_graphs == 0
    assert more.minimum_detectable_effect == pytest.approx(pair.minimum_detectable_effect / np.sqrt(times), rel=0.15)
    assert f"needs about {pair.additional_graphs:,} more graphs" in pair.sentence()


def test_intervals_and_p_values_of_several_pairs_hold_for_all_at_once_and_the_sentence_says_so() -> None:
    w = windows()
    scores = {name: part[0] for name, part in nets(w, 1, 0.3).items()} | {"rule": w.label - 0.5}
    pairs = compare_scores(scores, w).pairs
    level = 1 - 0.05 / 3
    for pair in pairs:
        (alone,) = compare_scores({name: scores[name] for name in (pair.first, pair.second)}, w).pairs
        (strict,) = compare_scores(
            {name: scores[name] for name in (pair.first, pair.second)}, w, confidence=level
        ).pairs
        assert (pair.low, pair.high, pair.p_value) == (alone.low, alone.high, alone.p_value)
        assert (pair.corrected_low, pair.corrected_high) == pytest.approx((strict.low, strict.high), abs=1e-12)
        assert pair.corrected_p_value == pytest.approx(min(1, 3 * pair.p_value))
        assert f"p = {pair.corrected_p_value:.2g} (both for all 3 pairs at once)" in pair.sentence()
        assert "at once" not in alone.sentence()


def test_no_sentence_contradicts_itself() -> None:
    said = []
    for seed in range(60):
        sample = draw(SCENARIOS["equal sizes"], 6, np.random.default_rng(seed))
        third = sample.scores[0] + np.random.default_rng(seed).normal(0, 2.5, len(sample.label))
        scores = {"a": sample.scores[0, 0], "b": sample.scores[1, 0], "c": third[0]}
        for pair in compare_scores(scores, sample.label, graph=sample.graph).pairs:
            excluded = pair.corrected_low > 0 or pair.corrected_high < 0
            assert excluded == (pair.corrected_p_value < 0.05) == pair.is_significant
            assert (pair.low > 0 or pair.high < 0) == (pair.p_value < 0.05)
            assert pair.is_significant == ("beats" in pair.sentence())
            said.append(pair.is_significant)
    assert 0.05 < np.mean(said) < 0.95


def test_the_minimum_detectable_effect_is_that_of_a_test_of_this_size_and_a_power_of_four_fifths() -> None:
    w = windows()
    (pair,) = compare_scores({name: parts[0] for name, parts in nets(w, 1, 0.1).items()}, w, resamples=4000).pairs
    deviation = (pair.high - pair.low) / 2 / t.ppf(0.975, 29)  # the interval is as long as one of t, 29 degrees
    assert pair.minimum_detectable_effect == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * deviation, rel=0.05)


def test_the_graphs_to_add_bring_the_detectable_effect_down_to_the_difference() -> None:
    w = windows()
    scores = nets(w, 2)["b"]
    (pair,) = compare_scores({"a": scores[0], "b": scores[1]}, w).pairs
    assert not pair.is_significant
    graphs = 30 * (pair.minimum_detectable_effect / pair.accuracy) ** 2
    assert pair.additional_graphs == int(np.ceil(graphs - 30)) > 0


def test_the_same_seeds_twice_do_not_differ_significantly() -> None:
    w = windows()
    scores = nets(w, 3)["a"]
    (pair,) = compare_scores({"a": scores, "b": scores}, w, resamples=50).pairs
    assert (pair.accuracy, pair.p_value, pair.additional_graphs) == (0, 1.0, None)
    assert pair.low < 0 < pair.high


def test_intervals_cover_and_tests_hold_in_simulated_windows() -> None:
    for tally in simulate("unequal sizes", 10, 120, seed=1):
        if tally.metric == "false alarm":
            assert tally.ours <= 0.11, tally
        else:
            assert tally.ours >= 0.9, tally


@pytest.mark.slow
@pytest.mark.parametrize("graphs", [5, 10, 50])
@pytest.mark.parametrize("name", SCENARIOS)
def test_intervals_cover_and_tests_hold_in_every_scenario(name: str, graphs: int) -> None:
    for tally in simulate(name, graphs, 400, seed=1):
        if tally.metric == "false alarm":
            assert tally.ours <= 0.085, tally
        else:
            assert tally.ours >= (0.88 if graphs == 5 else 0.91), tally
