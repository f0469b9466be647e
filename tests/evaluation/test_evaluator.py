"""The evaluator: figures against independent references, intervals that hold, and wrong input that is refused."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy.stats import t as student
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score

from gnnmax.errors import InputError
from gnnmax.evaluation import clustered_metrics, evaluation_set
from gnnmax.evaluation.evaluator import compare_scores, evaluate, on_values
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.unit_sums import batches_of
from gnnmax.task.bayes import ceiling_of
from gnnmax.task.rules import RULES
from gnnmax.task.windows import Windows


def windows(n: int = 600, graphs: int = 20, k: int = 3, seed: int = 0) -> Windows:
    """Windows full of ties, in graphs."""
    rng = np.random.default_rng(seed)
    w = Windows.from_values(rng.integers(0, 6, size=(n, k, k)))
    return dataclasses.replace(w, graph=rng.integers(graphs, size=n))


def spikes(n: int, k: int, mu: float, seed: int = 0) -> Windows:
    rng = np.random.default_rng(seed)
    entries = rng.normal(size=(n, k * k))
    label = np.arange(n) % 2 == 0
    middle = k * k // 2
    elsewhere = rng.integers(k * k - 1, size=n)
    entries[np.arange(n), np.where(label, middle, elsewhere + (elsewhere >= middle))] += mu
    w = Windows.from_values(entries.reshape(n, k, k).astype(np.float32), label)
    return dataclasses.replace(w, amplitude=np.full(n, mu, np.float32), graph=np.arange(n) // 50)


def noisy(w: Windows, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(w)) + 1.5 * w.label - 0.7


# ---------------------------------------------------------------- figures


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.sampled_from([1, 2, 4, 500]), st.integers(0, 2**32 - 1))
def test_metrics_agree_with_scikit_learn_under_ties(n: int, distinct: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = (rng.integers(distinct, size=n) - distinct // 2) * 0.1
    label = rng.random(n) < 0.5
    label[:2] = True, False
    verdict = evaluate(scores, label, resamples=20)
    assert abs(verdict.accuracy - accuracy_score(label, scores > 0)) < 1e-12
    assert abs(verdict.auroc - roc_auc_score(label, scores)) < 1e-12
    assert abs(verdict.average_precision - average_precision_score(label, scores)) < 1e-12


def test_a_score_at_the_threshold_is_not_called_centred() -> None:
    label = np.array([True, False])
    assert evaluate(np.array([0.0, -1.0]), label).accuracy == 0.5
    assert evaluate(np.array([0.0, -1.0]), label, threshold=-0.5).accuracy == 1.0
    assert evaluate(np.array([0.25, 0.2]), label, threshold=0.25).accuracy == 0.5


def test_a_constant_score_is_at_chance() -> None:
    w = windows()
    verdict = evaluate(np.zeros(len(w)), w)
    assert verdict.auroc == 0.5
    assert verdict.intervals["auroc"] == (0.5, 0.5)
    assert verdict.accuracy == 1 - w.label.mean()


def test_auroc_does_not_notice_an_increasing_map_but_the_accuracy_does() -> None:
    w = windows()
    before, after = evaluate(noisy(w), w), evaluate(np.exp(noisy(w)), w)
    assert (before.auroc, before.average_precision) == (after.auroc, after.average_precision)
    assert before.accuracy != after.accuracy == w.label.mean()


def test_slices_are_the_windows_of_each_kind_and_margin() -> None:
    w, scores = windows(), noisy(windows())
    verdict = evaluate(scores, w, resamples=50)
    for name, part in verdict.slices["kind"].items():
        mask = w.kind == name
        assert part.n == mask.sum() > 0
        assert part.accuracy == pytest.approx(((scores > 0) == w.label)[mask].mean())
        assert part.flagged == pytest.approx((scores > 0)[mask].mean())
        assert 0 <= part.low <= part.accuracy <= part.high <= 1
    assert sum(part.n for part in verdict.slices["kind"].values()) == len(w)
    assert sum(part.n for part in verdict.slices["margin"].values()) == len(w)
    assert verdict.slices["margin"]["0"].n == (w.margin == 0).sum() == (w.kind == "tied").sum()


def test_margin_slices_are_closed_below_and_open_above() -> None:
    w = windows(9, 9)
    margin = np.array([0.0, -0.01, 0.05, 0.0999, -0.1, 2.0, np.inf, np.nan, 1.999], dtype=np.float32)
    w = dataclasses.replace(w, margin=margin, observed=np.arange(9) < 4)
    parts = evaluate(noisy(w), w, resamples=10).slices["margin"]
    expected = {
        "0": 1,
        "(0, 0.05)": 1,
        "[0.05, 0.1)": 2,
        "[0.1, 0.2)": 1,
        "[1, 2)": 1,
        "[2, inf)": 2,
        "not observed": 1,
    }
    assert {name: part.n for name, part in parts.items()} == expected


def test_the_heat_map_counts_each_window_at_its_offset() -> None:
    w = Windows.from_values(np.random.default_rng(0).normal(size=(600, 5, 5)))
    scores = noisy(w)
    offsets = evaluate(scores, w, resamples=10).offsets
    assert offsets is not None
    count, flagged = np.zeros((5, 5), int), np.zeros((5, 5))
    for (dr, dc), score in zip(w.offset, scores, strict=True):
        count[2 + dr, 2 + dc] += 1
        flagged[2 + dr, 2 + dc] += score > 0
    assert np.array_equal(offsets.count, count)
    assert np.allclose(offsets.flagged, flagged / count)
    assert count.sum() == len(w)


def test_the_heat_map_of_the_argmax_rule_is_one_point() -> None:
    w = windows()
    offsets = evaluate(RULES["argmax"], w, resamples=10).offsets
    assert offsets is not None
    assert offsets.flagged[1, 1] == 1.0
    assert np.delete(offsets.flagged.ravel(), 4).max() == 0.0


def test_an_offset_without_windows_has_no_share() -> None:
    w = windows()
    near = w[(w.offset == 0).all(axis=1) | (w.offset[:, 0] == 1)]
    offsets = evaluate(noisy(near), near, resamples=10).offsets
    assert offsets is not None
    assert np.isnan(offsets.flagged[0]).all()
    assert offsets.to_dict()["flagged"][0] == [None, None, None]


# ---------------------------------------------------------------- Bayes


def test_the_bayes_rule_has_no_gap_and_others_fall_short_on_the_same_windows() -> None:
    w = spikes(4000, 9, 2.0, seed=1)
    best, argmax = evaluate(RULES["bayes"], w), evaluate(RULES["argmax"], w)
    assert best.bayes_gap == 0.0
    assert best.intervals["bayes_gap"] == (0.0, 0.0)
    assert best.accuracy == best.bayes_accuracy == argmax.bayes_accuracy
    assert argmax.bayes_gap == pytest.approx(best.accuracy - argmax.accuracy)
    low, high = argmax.intervals["bayes_gap"]
    assert 0.1 < low < ceiling_of(9, 2.0).accuracy - 0.6709 < high < 0.25


def test_without_an_amplitude_there_is_no_bayes_gap() -> None:
    verdict = evaluate(RULES["bayes"], windows())
    assert verdict.bayes_accuracy is verdict.bayes_gap is None
    assert "bayes_gap" not in verdict.intervals


# ---------------------------------------------------------------- intervals


def logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def test_the_intervals_are_those_of_a_loop_that_leaves_one_graph_out() -> None:
    w, scores = windows(480, 12), noisy(windows(480, 12))
    w = dataclasses.replace(w, graph=np.arange(480) % 12)  # equal sizes
    measures = {
        "accuracy": lambda label, s: accuracy_score(label, s > 0),
        "brier": lambda label, s: ((1 / (1 + np.exp(-s)) - label) ** 2).mean(),
    }
    verdict = evaluate(scores, w, scale="logits")
    for name, measure in measures.items():
        kept = [w.graph != graph for graph in range(12)]
        left_out = np.array([measure(w.label[mask], scores[mask]) for mask in kept])
        value = verdict.value(name)
        error = np.sqrt(11 / 12 * ((value - left_out) ** 2).sum())
        by_graph = np.array([measure(w.label[~mask], scores[~mask]) for mask in kept])
        for end, side, held in zip(verdict.intervals[name], (-1, 1), (1 - by_graph, by_graph), strict=True):
            freedom = min(11, held.sum() ** 2 / (held**2).sum())  # few graphs may hold most of it
            half = student.ppf(0.975, freedom) * error / (value * (1 - value))
            assert logit(end) == pytest.approx(logit(value) + side * half, abs=1e-9), name


def test_every_metric_is_left_out_graph_by_graph_as_evaluate_computes_it() -> None:
    w, scores = windows(300, 8), noisy(windows(300, 8))
    data = evaluation_set.EvaluationSet.of(w)
    decisions = clustered_metrics.Decisions.of(data, scores, threshold=0.0, scale="logits")
    left_out = clustered_metrics.ClusteredMetrics.of(data, decisions, np.arange(data.n_graphs)).left_out()
    for place, graph in enumerate(np.unique(w.graph)):
        kept = w.graph != graph
        verdict = evaluate(scores[kept], w[kept], scale="logits")
        for name in METRICS:
            if verdict.value(name) is not None:
                assert left_out[name][place] == pytest.approx(verdict.value(name), abs=1e-12), name
        for part, slice_ in zip(verdict.slices["kind"].values(), left_out["slice kind"][:, place], strict=True):
            assert slice_ == pytest.approx(part.accuracy, abs=1e-12)


def test_batches_of_graphs_and_coarse_levels_give_the_same_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    w = spikes(3000, 3, 2.0)
    alone = dataclasses.replace(w, graph=np.arange(len(w)))
    scores = noisy(alone)
    exact = evaluate(scores, alone, resamples=3000)
    monkeypatch.setattr(clustered_metrics, "EXACT_LEVELS", 100)
    monkeypatch.setattr(clustered_metrics, "COARSE_LEVELS", 64)
    coarse = evaluate(scores, alone, resamples=700)
    assert exact.auroc == coarse.auroc
    for name, (low, high) in exact.intervals.items():
        assert coarse.intervals[name] == pytest.approx((low, high), abs=0.12 * (high - low)), name
    for group, parts in exact.slices.items():
        for name, part in parts.items():
            if part.n > 50:
                tolerance = 0.15 * (part.high - part.low)
                assert coarse.slices[group][name].low == pytest.approx(part.low, abs=tolerance), name


def test_fewer_scores_than_the_limit_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    w = windows(2000, 5)
    scores = noisy(w)
    before = evaluate(scores, w).intervals
    monkeypatch.setattr(clustered_metrics, "COARSE_LEVELS", 2)
    assert evaluate(scores, w).intervals == before
    monkeypatch.setattr(clustered_metrics, "EXACT_LEVELS", 100)
    assert evaluate(scores, w).intervals["auroc"] != before["auroc"]


def test_blocks_of_units_do_not_change_the_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    w = windows(400, 30)
    before = evaluate(noisy(w), w).to_dict()
    monkeypatch.setattr(clustered_metrics, "_CELLS", 1)
    assert evaluate(noisy(w), w).to_dict() == before


def test_batches_are_as_large_as_each_other_and_hold_every_graph_once() -> None:
    batch = batches_of(100, 16, np.random.default_rng(0))
    assert set(np.bincount(batch).tolist()) == {6, 7}
    assert (np.sort(batch) != batch).any()


def simulated(rng: np.random.Generator, graphs: int = 40, size: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right with probability 0.7 on average, but equal within a graph."""
    skill = rng.beta(1.4, 0.6, size=graphs)
    label = rng.random((graphs, size)) < 0.5
    right = rng.random((graphs, size)) < skill[:, None]
    scores = np.where(right == label, 1.0, -1.0) * rng.uniform(0.1, 1, size=(graphs, size))
    return scores.ravel(), label.ravel(), np.repeat(np.arange(graphs), size)


def test_intervals_over_graphs_cover_the_truth_and_intervals_over_windows_do_not() -> None:
    repeats, covered, naive = 200, 0, 0
    blank = Windows.from_values(np.zeros((400, 3, 3)))
    for seed in range(repeats):
        scores, label, graph = simulated(np.random.default_rng(seed))
        w = dataclasses.replace(blank, observed=label, graph=graph)
        low, high = evaluate(scores, w, resamples=400).intervals["accuracy"]
        covered += low <= 0.7 <= high
        low, high = evaluate(scores, label, resamples=400).intervals["accuracy"]
        naive += low <= 0.7 <= high
    assert 0.90 <= covered / repeats <= 0.99
    assert naive / repeats < 0.75


def test_the_paired_test_raises_five_false_alarms_in_a_hundred_and_mcnemar_more() -> None:
    repeats, alarms, naive = 300, 0, 0
    blank = Windows.from_values(np.zeros((240, 3, 3)))
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        graph = np.repeat(np.arange(30), 8)
        label = rng.random(240) < 0.5
        lead = rng.random(30)[graph]  # whichever scorer a graph favours, it favours on all its windows
        first_right = rng.random(240) < lead
        sign = np.where(label, 1.0, -1.0)
        given_scores = {"a": np.where(first_right, sign, -sign), "b": np.where(first_right, -sign, sign)}
        w = dataclasses.replace(blank, observed=label, graph=graph)
        (pair,) = compare_scores(given_scores, w).pairs
        alarms += pair.p_value <= 0.05
        naive += pair.mcnemar_p_value <= 0.05
    assert 0.02 <= alarms / repeats <= 0.085
    assert naive / repeats > 0.12


def test_from_one_graph_nothing_follows_about_others() -> None:
    w = windows(graphs=1)
    verdict = evaluate(noisy(w), w)
    assert verdict.n_graphs == 1
    assert verdict.intervals == dict.fromkeys(verdict.intervals, (0.0, 1.0)) | {"mcc": (-1.0, 1.0)}
    assert all((part.low, part.high) == (0, 1) for parts in verdict.slices.values() for part in parts.values())
    (pair,) = compare_scores({"a": noisy(w), "b": RULES["argmax"]}, w).pairs
    assert (pair.low, pair.high, pair.p_value, pair.is_significant) == (-1.0, 1.0, 1.0, False)


def test_a_scorer_that_never_errs_is_still_in_doubt() -> None:
    w = windows(600)
    low, high = evaluate(RULES["argmax"], w).intervals["accuracy"]
    size = np.bincount(w.graph)
    graphs = size.sum() ** 2 / (size**2).sum()
    assert (low, high) == (pytest.approx(0.05 ** (1 / graphs)), 1.0)
    low, high = evaluate(-RULES["argmax"](w), w).intervals["accuracy"]
    assert (low, high) == (0.0, pytest.approx(1 - 0.05 ** (1 / graphs)))
    assert evaluate(RULES["argmax"](w), w.label).intervals["accuracy"][0] == pytest.approx(0.05 ** (1 / 600))


def test_equal_input_has_equal_verdicts_and_no_global_state_is_touched() -> None:
    w = windows()
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first, second = evaluate(noisy(w), w), evaluate(noisy(w), w)
    assert first.to_json() == second.to_json()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    assert evaluate(noisy(w), w, rng=np.random.default_rng(5)).intervals == first.intervals
    batches = [evaluate(noisy(w), w, resamples=7, rng=np.random.default_rng(seed)) for seed in (5, 6)]
    assert batches[0].intervals != batches[1].intervals
    assert batches[0].accuracy == batches[1].accuracy == first.accuracy


def test_a_higher_confidence_makes_a_wider_interval() -> None:
    w = windows()
    narrow, wide = (evaluate(noisy(w), w, confidence=c).intervals["auroc"] for c in (0.5, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


# ---------------------------------------------------------------- comparison


def test_a_comparison_holds_the_verdicts_that_evaluate_gives() -> None:
    w = spikes(500, 3, 2.0)
    scores = {"noisy": noisy(w), "argmax": RULES["argmax"], "noisy\nbayes": RULES["bayes"]}
    table = compare_scores(scores, w)
    assert list(table.verdicts) == list(scores)
    for name, given_scores in scores.items():
        assert table.verdicts[name].to_dict() == evaluate(given_scores, w).to_dict()
    assert [(p.first, p.second) for p in table.pairs] == [
        ("noisy", "argmax"),
        ("noisy", "noisy\nbayes"),
        ("argmax", "noisy\nbayes"),
    ]


def test_a_paired_difference_is_that_of_a_loop_that_leaves_one_graph_out() -> None:
    w = windows(480, 12)
    w = dataclasses.replace(w, graph=np.arange(480) % 12)
    a, b = noisy(w, 1), noisy(w, 2)
    (pair,) = compare_scores({"a": a, "b": b}, w).pairs
    for measure, value, ends in (
        (lambda label, s: ((s > 0) == label).mean(), pair.accuracy, (pair.low, pair.high)),
        (roc_auc_score, pair.auroc, None),
    ):
        left_out = []
        for graph in range(12):
            kept = w.graph != graph
            left_out.append(measure(w.label[kept], a[kept]) - measure(w.label[kept], b[kept]))
        assert value == pytest.approx(measure(w.label, a) - measure(w.label, b))
        error = np.sqrt(11 / 12 * ((value - np.array(left_out)) ** 2).sum())
        if ends is None:
            assert (pair.auroc_high - pair.auroc_low) / 2 == pytest.approx(error * student.ppf(0.975, 11), rel=0.05)
        else:
            assert ends == pytest.approx(student.interval(0.95, 11, loc=value, scale=error), abs=1e-12)
            assert pair.p_value == pytest.approx(2 * student.sf(abs(value) / error, 11))
    assert pair.first_only - pair.second_only == round(pair.accuracy * len(w))


def test_pairing_narrows_the_interval_of_a_difference() -> None:
    w = windows(2000, 50)
    hard = noisy(w)
    nearly = hard + 0.05 * np.random.default_rng(9).normal(size=len(w))
    table = compare_scores({"a": hard, "b": nearly}, w)
    (pair,) = table.pairs
    low, high = table.verdicts["a"].intervals["accuracy"]
    assert pair.high - pair.low < 0.5 * (high - low)


def test_the_same_scores_do_not_differ_significantly() -> None:
    w = windows()
    (pair,) = compare_scores({"a": noisy(w), "b": noisy(w)}, w).pairs
    assert (pair.accuracy, pair.auroc, pair.low) == (0, 0, -pair.high)
    assert 0 < pair.high < 0.2
    assert (pair.p_value, pair.mcnemar_p_value) == (1.0, 1.0)
    assert pair.sentence().startswith("no significant difference between a and b: 0.0 points [-14")


def test_the_better_scorer_is_named_first_whichever_was_given_first() -> None:
    w = windows()
    table = compare_scores({"noisy": noisy(w), "rank": RULES["argmax"]}, w)
    assert table.sentences()[0].startswith("rank beats noisy by ")
    forward, backward = table.between("noisy", "rank"), table.between("rank", "noisy")
    assert forward.accuracy == -backward.accuracy < 0
    assert forward.sentence() == backward.sentence()
    assert backward.reversed() == forward
    assert (backward.low, backward.first_only) == (-forward.high, forward.second_only)
    with pytest.raises(InputError, match="unknown pair 'noisy and gnn': did you mean noisy and rank"):
        table.between("noisy", "gnn")


# ---------------------------------------------------------------- faces


def test_scores_tensors_and_scorers_say_the_same() -> None:
    w = windows()
    scores = noisy(w).astype(np.float32)
    expected = evaluate(scores, w).to_dict()
    tensor = torch.tensor(scores, requires_grad=True)
    assert evaluate(tensor, w).to_dict() == expected
    assert evaluate(lambda given: scores, w).to_dict() == expected
    assert evaluate(lambda given: tensor * 1, w).to_dict() == expected
    assert evaluate(tensor.to(torch.bfloat16), w).auroc == pytest.approx(expected["auroc"], abs=0.01)
    labels = evaluate(scores, torch.tensor(w.label)).to_dict()
    assert labels == evaluate(scores, w.label.astype(int)).to_dict()
    assert labels["accuracy"] == expected["accuracy"]


def test_integer_scores_are_scores() -> None:
    label = np.array([True, False, True])
    assert evaluate(np.array([1, -1, 0]), label).accuracy == pytest.approx(2 / 3)
    assert evaluate(torch.tensor([1, -1, 0]), label).accuracy == pytest.approx(2 / 3)


def test_on_values_makes_a_scorer_of_a_function_of_the_values() -> None:
    w = windows()
    scorer = on_values(lambda values: values[:, 1, 1] - 2.5)
    assert evaluate(scorer, w).to_dict() == evaluate(w.values[:, 1, 1] - 2.5, w).to_dict()


def test_a_label_array_gives_no_slices_and_each_window_its_own_graph() -> None:
    w = windows()
    verdict = evaluate(noisy(w), w.label)
    assert (verdict.slices, verdict.offsets, verdict.n_graphs) == ({}, None, len(w))
    assert verdict.auroc == evaluate(noisy(w), w).auroc


def test_a_verdict_is_json_without_anything_that_is_not_a_number() -> None:
    w = spikes(300, 5, 2.0)[:40]
    table = compare_scores({"rank": RULES["argmax"], "nms": RULES["nms"]}, w, resamples=50)
    for result in (table, table.verdicts["rank"]):
        plain = result.to_dict()
        assert json.loads(result.to_json()) == plain

        def refuse(token: str) -> None:
            raise AssertionError(token)

        json.loads(json.dumps(plain), parse_constant=refuse)


def drawn(result: object) -> str:
    console = Console(width=140)
    with console.capture() as capture:
        console.print(result)
    return capture.get()


def test_tables_are_drawn_for_the_terminal_and_for_notebooks() -> None:
    w = spikes(300, 3, 2.0)
    table = compare_scores({"my[net]<b>": noisy(w), "rank": RULES["argmax"]}, w, resamples=50)
    for result in (table, table.verdicts["rank"]):
        text = drawn(result)
        assert "accuracy" in text
        assert "300 windows of 6 graphs, 150 centred" in text
        assert result._repr_html_().startswith("<table>")
    assert drawn(table).count("my[net]<b>") == 2  # in its row and in the sentence
    assert "my[net]&lt;b&gt;" in table._repr_html_()
    assert "<b>" not in table._repr_html_()


def test_importing_the_evaluator_loads_neither_torch_nor_scikit_learn() -> None:
    heavy = ("torch", "sklearn", "rich", "scipy.stats")
    code = f"import sys, gnnmax.evaluation.evaluator; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- wrong input

LABEL = np.array([True, False, True])
GOOD = np.array([1.0, -1.0, 2.0])
W3 = Windows.from_values([np.eye(3)[[1, 0, 2]], np.diag([0, 5.0, 0]), np.zeros((3, 3))])


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.array([1.0, np.nan, np.inf]), LABEL, "2 of 3 are NaN or infinite, the first at index 1"),
        (np.array([1.0, 2.0]), LABEL, "one entry for each of 3 windows, not 2"),
        (GOOD[:, None], LABEL, r"shape \(3,\), not \(3, 1\): take its one column"),
        (np.zeros((3, 2)), LABEL, r"not \(3, 2\): give one score per window"),
        (np.array(1), LABEL, r"shape \(3,\), not \(\)"),
        (GOOD.tolist(), LABEL, r"not list: pass np.asarray\(scores\)"),
        ("scores", LABEL, "not str"),
        (None, LABEL, "not NoneType"),
        (GOOD > 0, LABEL, "real scores, not decisions"),
        (torch.tensor(GOOD > 0), LABEL, "real scores, not decisions"),
        (GOOD + 0j, LABEL, "real numbers, not complex128"),
        (torch.tensor(GOOD + 0j), LABEL, "real numbers, not complex128"),
        (GOOD.astype(str).astype(object), LABEL, "real numbers, not objects"),
        (GOOD.astype(str), LABEL, "real numbers, not <U"),
        (np.ma.masked_array(GOOD, [False, True, False]), LABEL, "must not be masked"),
        (np.array([2**60, 2**60 + 1, 0]), LABEL, r"exceed 2\*\*53"),
        (lambda w: GOOD, LABEL, "a scorer needs Windows"),
        (lambda w: GOOD[:2], W3, r"\(what the scorer returned\) must have one entry for each of 3 windows, not 2"),
        (lambda w: None, W3, "what the scorer returned.* not NoneType"),
        (W3, GOOD, "swap the arguments"),
        (GOOD, GOOD, "labels must be booleans or zeros and ones"),
        (GOOD, np.array([0, 1, 2]), "labels must be booleans or zeros and ones"),
        (GOOD, np.array([[True, False, True]]), r"labels must have shape \(N,\)"),
        (GOOD, [[True], [True, False]], "labels must be an array of numbers"),
        (GOOD, {"test": W3}, "must be Windows or a label array .* not dict"),
        (GOOD, lambda w: GOOD, "must be Windows or a label array"),
        (GOOD, np.ones(3, bool), "all 3 windows are labelled centred"),
        (GOOD, np.zeros(3), "all 3 windows are labelled not centred"),
        (GOOD[:0], LABEL[:0], "no windows to evaluate"),
        (GOOD[:0], W3[:0], "no windows to evaluate"),
    ],
)
def test_wrong_input_is_refused_in_one_line_that_says_what_to_do(scores: object, labels: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as first:
        evaluate(scores, labels)  # type: ignore[arg-type]
    assert "\n" not in str(first.value)
    with pytest.raises(InputError, match=message):
        compare_scores({"mine": scores}, labels)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"threshold": np.nan}, "threshold must be a finite number, not nan"),
        ({"threshold": "0"}, "threshold must be a finite number"),
        ({"threshold": True}, "threshold must be a finite number"),
        ({"threshold": np.zeros(3)}, "threshold must be a finite number"),
        ({"resamples": 0}, "resamples must be an integer and at least 1"),
        ({"resamples": 10.0}, "resamples must be an integer"),
        ({"confidence": 95}, "confidence must lie between 0 and 1, not 95"),
        ({"rng": 3}, r"pass np.random.default_rng\(seed\)"),
    ],
)
def test_impossible_options_are_refused(option: dict[str, object], message: str) -> None:
    for call in (lambda: evaluate(GOOD, LABEL, **option), lambda: compare_scores({"a": GOOD}, LABEL, **option)):  # type: ignore[arg-type]
        with pytest.raises(InputError, match=message):
            call()


@pytest.mark.parametrize("scores", [{}, [GOOD, GOOD], GOOD, {1: GOOD}, W3])
def test_a_comparison_needs_names(scores: object) -> None:
    with pytest.raises(InputError, match="takes a mapping of at least one name to scores"):
        compare_scores(scores, LABEL)  # type: ignore[arg-type]


def test_the_message_names_the_scorer_at_fault() -> None:
    with pytest.raises(InputError, match="scores of 'cnn' must be finite"):
        compare_scores({"gnn": GOOD, "cnn": GOOD * np.nan}, LABEL)


def test_on_values_refuses_what_is_not_a_function() -> None:
    with pytest.raises(InputError, match="takes a function"):
        on_values(GOOD)  # type: ignore[arg-type]


# ---------------------------------------------------------------- graphs and weights


def test_labels_with_graphs_have_the_intervals_of_windows_with_these_graphs() -> None:
    w = windows()
    expected = evaluate(noisy(w), w)
    for graph in (
        w.graph,
        torch.tensor(w.graph),
        w.graph.astype(str),
        w.graph.tolist(),
        w.graph.astype(object).astype(str),
    ):
        verdict = evaluate(noisy(w), w.label, graph=graph)
        assert verdict.n_graphs == expected.n_graphs
        for name in ("accuracy", "auroc", "mcc"):
            assert verdict.intervals[name] == pytest.approx(expected.intervals[name], abs=1e-12)
    other = evaluate(noisy(w), w, graph=np.arange(len(w)) // 60)
    assert other.n_graphs == 10
    assert other.slices.keys() == expected.slices.keys()
    alone = evaluate(noisy(w), w.label)
    assert alone.intervals["accuracy"] != expected.intervals["accuracy"]


def test_weights_are_those_of_scikit_learn() -> None:
    w, weight = windows(), np.random.default_rng(5).exponential(size=600)
    scores = noisy(w)
    verdict = evaluate(scores, w, sample_weight=weight, scale="logits")
    assert verdict.accuracy == pytest.approx(accuracy_score(w.label, scores > 0, sample_weight=weight))
    assert verdict.auroc == pytest.approx(roc_auc_score(w.label, scores, sample_weight=weight))
    assert verdict.average_precision == pytest.approx(average_precision_score(w.label, scores, sample_weight=weight))
    right = (scores > 0) == w.label
    for name, part in verdict.slices["kind"].items():
        mask = w.kind == name
        assert part.accuracy == pytest.approx(np.average(right[mask], weights=weight[mask]))
    shares = 1 / (1 + np.exp(-scores))
    assert verdict.brier == pytest.approx(np.average((shares - w.label) ** 2, weights=weight))


def test_whole_weights_are_windows_given_as_often() -> None:
    w, weight = windows(), np.random.default_rng(5).integers(0, 4, size=600)
    scores = noisy(w)
    once, often = (
        evaluate(scores, w, sample_weight=weight),
        evaluate(np.repeat(scores, weight), w[np.repeat(np.arange(600), weight)]),
    )
    for name, value in often.metrics.items():
        assert once.metrics[name] == pytest.approx(value, abs=1e-12), name
        assert value is None or once.intervals[name] == pytest.approx(often.intervals[name], abs=1e-9), name
    assert once.n == (weight > 0).sum()
    for group in ("kind", "margin", "offset"):
        for name, part in often.slices[group].items():
            assert dataclasses.replace(once.slices[group][name], n=part.n).low == pytest.approx(part.low, abs=1e-9)
    assert np.allclose(once.offsets.flagged, often.offsets.flagged, equal_nan=True)


def test_equal_weights_change_nothing_and_pairs_are_weighted_too() -> None:
    w = windows()
    scores = {"a": noisy(w), "rank": RULES["argmax"]}
    plain, twos = (compare_scores(scores, w, sample_weight=weight) for weight in (None, np.full(600, 2.0)))
    assert twos.pairs[0].p_value == pytest.approx(plain.pairs[0].p_value)
    assert twos.verdicts["a"].accuracy == plain.verdicts["a"].accuracy
    only = np.where(w.graph < 9, 1.0, 0.0)
    some = compare_scores({"a": noisy(w), "rank": RULES["argmax"](w)}, w, sample_weight=only)
    part = w.graph < 9
    expected = compare_scores({"a": noisy(w)[part], "rank": RULES["argmax"](w)[part]}, w[part])
    assert some.to_dict() == expected.to_dict()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"graph": [1, 2]}, r"graph must have one entry for each of 3 windows, not shape \(2,\)"),
        ({"graph": [0.5, 1.0, 2.0]}, "graph must hold integers or names, not float64"),
        ({"graph": torch.tensor([0.0, 1.0, 2.0], dtype=torch.bfloat16)}, "graph must hold integers or names"),
        ({"sample_weight": [1, 2]}, "sample_weight must have one entry for each of 3 windows"),
        ({"sample_weight": [1, -1, 1]}, "finite and not negative, not -1.0 at index 1"),
        ({"sample_weight": [1, np.nan, 1]}, "finite and not negative, not nan"),
        ({"sample_weight": ["a", "b", "c"]}, "sample_weight must hold real numbers"),
        ({"sample_weight": [0, 1, 0]}, "0 for all windows centred: both classes"),
    ],
)
def test_impossible_graphs_and_weights_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(GOOD, LABEL, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        compare_scores({"a": GOOD}, LABEL, **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- a comparison elsewhere


def test_a_comparison_is_a_data_frame_with_the_ends_of_every_interval() -> None:
    w = windows()
    table = compare_scores({"a": noisy(w), "rank": RULES["argmax"]}, w)
    frame = table.to_pandas()
    assert list(frame.index) == ["a", "rank"]
    for name in METRICS:
        if table.verdicts["a"].value(name) is not None:
            low, high = table.verdicts["a"].interval(name)
            row = frame.loc["a", [name, f"{name}_low", f"{name}_high"]]
            assert row.tolist() == [table.verdicts["a"].value(name), low, high]


def test_a_comparison_is_latex_with_every_special_character_escaped() -> None:
    w = windows()
    lines = compare_scores({"50%_&~^{\\": noisy(w), "[b]": RULES["argmax"]}, w).to_latex().splitlines()
    assert r"50\%\_\&\textasciitilde{}\textasciicircum{}\{\textbackslash{} & " in "\n".join(lines)
    assert any(line.startswith("{[}b{]} & 1.0000 &") for line in lines)
    assert lines[0].startswith("% 600 windows of 20 graphs")
    assert lines[-1] == r"\end{tabular}"
