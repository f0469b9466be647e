"""Judging batch after batch says what judging at once says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import RULES, InputError, Windows, build, evaluate, load_recipe
from gnnmax.evaluation.streaming import Evaluator

W = build(load_recipe("noise-9-mu2").replace(splits={"test": 4})).test
SCORES = RULES["centre_value"](W)
FAMILY = np.where(W.graph % 2 == 0, "even", "odd of a longer name")


def streamed(edges: list[int], **options: object) -> Evaluator:
    evaluator = Evaluator(**options)  # type: ignore[arg-type]
    for start, stop in zip([0, *edges], [*edges, len(W)], strict=True):
        evaluator.update(SCORES[start:stop], W[start:stop], {"family": FAMILY[start:stop]})
    return evaluator


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, len(W)), max_size=6).map(sorted))
def test_any_batches_give_the_verdict_of_all_windows_at_once(edges: list[int]) -> None:
    options = {"threshold": 0.2, "scale": "logits", "resamples": 20, "confidence": 0.9}
    once = evaluate(SCORES, W, groups={"family": FAMILY}, **options)  # type: ignore[arg-type]
    assert streamed(edges, **options).compute().to_dict() == once.to_dict()


def test_labels_come_in_batches_too() -> None:
    evaluator = Evaluator(resamples=20)
    for part in (slice(0, 100), slice(100, None)):
        evaluator.update(SCORES[part], W.label[part])
    assert evaluator.compute().to_dict() == evaluate(SCORES, W.label, resamples=20).to_dict()


def test_the_verdict_so_far_can_be_had_at_any_time_and_forgotten() -> None:
    evaluator = Evaluator(resamples=5)
    evaluator.update(SCORES[:200], W[:200])
    assert evaluator.compute().n == evaluator.compute().n == 200
    evaluator.update(SCORES[200:], W[200:])
    assert evaluator.compute().n == len(W)
    evaluator.reset()
    with pytest.raises(InputError, match="no windows to evaluate"):
        evaluator.compute()


def test_a_batch_of_one_class_is_taken_and_a_whole_of_one_class_is_refused() -> None:
    evaluator = Evaluator(resamples=5)
    order = np.argsort(W.label, kind="stable")
    half = int((~W.label).sum())
    evaluator.update(SCORES[order[:half]], W[order[:half]])
    with pytest.raises(InputError, match="are labelled not centred"):
        evaluator.compute()
    evaluator.update(SCORES[order[half:]], W[order[half:]])
    assert evaluator.compute().accuracy == evaluate(SCORES, W, resamples=5).accuracy


def test_a_batch_that_is_refused_is_left_out_whole() -> None:
    evaluator = streamed([])
    before = evaluator.compute().to_dict()
    small = Windows.from_values(np.zeros((2, 3, 3)))
    for scores, windows, groups, message in [
        (SCORES * np.nan, W, {"family": FAMILY}, "must be finite"),
        (SCORES[1:], W, {"family": FAMILY}, "one entry for each"),
        (SCORES, W, None, r"the groups \[\] came after \['family'\]"),
        (SCORES, W.label, {"family": FAMILY}, "do not mix"),
        (np.zeros(2), small, {"family": ["a", "b"]}, "do not mix"),
        (W, SCORES, None, "swap the arguments"),
    ]:
        with pytest.raises(InputError, match=message):
            evaluator.update(scores, windows, groups)
    assert evaluator.compute().to_dict() == before
    plain = Evaluator()
    plain.update(np.array([0.0, 1.0]), small)
    with pytest.raises(InputError, match="side 5 came after those of side 3"):
        plain.update(np.array([0.0, 1.0]), Windows.from_values(np.zeros((2, 5, 5))))


def test_no_window_is_held_and_what_is_done_to_a_batch_later_changes_nothing() -> None:
    evaluator = Evaluator(resamples=5)
    batch = dataclasses.replace(W, observed=W.observed.copy(), planted=W.planted.copy(), graph=W.graph.copy())
    scores = SCORES.copy()
    evaluator.update(torch.from_numpy(scores), batch)
    batches = [vars(part).values() for part, _ in evaluator._batches]
    kept = sum(array.nbytes for columns in batches for array in columns if hasattr(array, "nbytes"))
    assert kept <= 50 * len(W) < batch.values.nbytes
    scores[:] = 0
    batch.planted[:] = ~batch.planted
    batch.graph[:] = 0
    assert evaluator.compute().to_dict() == evaluate(SCORES, W, resamples=5).to_dict()


def test_impossible_options_are_refused_before_any_batch() -> None:
    with pytest.raises(InputError, match="threshold must be a finite number"):
        Evaluator(threshold=np.inf)
    with pytest.raises(InputError, match=r"pass threshold=0\.5"):
        Evaluator(scale="probabilities")


# ---------------------------------------------------------------- eval


def test_eval_returns_the_metrics_of_evaluate_in_either_shape_and_keeps_nothing() -> None:
    evaluator = streamed([])
    before = evaluator.compute().to_dict()
    expected = {name: value for name, value in evaluate(SCORES, W.label).metrics.items() if value is not None}
    for y_true, y_pred in [
        (W.label, SCORES),
        (W.label[:, None].astype(int), SCORES[:, None]),
        (torch.as_tensor(W.label).to(torch.bfloat16), torch.as_tensor(SCORES)[:, None]),
    ]:
        assert evaluator.eval({"y_true": y_true, "y_pred": y_pred}) == expected
    assert evaluator.compute().to_dict() == before


def test_eval_states_its_formats_and_takes_graphs_and_weights() -> None:
    for key in ("y_true", "y_pred", "graph", "sample_weight"):
        assert f'"{key}"' in Evaluator.expected_input_format
    assert '"auroc"' in Evaluator().expected_output_format
    given = {"y_true": W.label, "y_pred": SCORES, "graph": W.graph, "sample_weight": 1 + np.arange(len(W))}
    expected = evaluate(SCORES, W.label, graph=W.graph, sample_weight=1 + np.arange(len(W)))
    assert Evaluator().eval(given)["accuracy"] == expected.accuracy


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y_pred": SCORES}, r"the keys 'y_true' and 'y_pred'.* not \['y_pred'\]"),
        ({"y_true": W.label, "y_pred": SCORES, "y_prob": SCORES}, r"not \['y_pred', 'y_prob', 'y_true'\]"),
        (SCORES, "not ndarray"),
        ({"y_true": W.label, "y_pred": SCORES[1:]}, "y_pred must have one entry for each of"),
        ({"y_true": W.label, "y_pred": W.label}, "y_pred must be real scores, not decisions"),
        ({"y_true": W.label, "y_pred": SCORES, "graph": SCORES}, "graph must hold integers or names"),
    ],
)
def test_eval_refuses_another_format(given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Evaluator().eval(given)  # type: ignore[arg-type]


def test_graphs_and_weights_come_in_batches_too() -> None:
    names, weight = np.array([f"g{graph}" for graph in W.graph]), 0.5 + np.arange(len(W)) % 3
    evaluator = Evaluator()
    for part in (slice(0, 150), slice(150, 151), slice(151, None)):
        evaluator.update(SCORES[part], W.label[part], graph=names[part], sample_weight=weight[part])
    expected = evaluate(SCORES, W.label, graph=names, sample_weight=weight)
    assert evaluator.compute().to_dict() == expected.to_dict()
    for options, message in [
        ({"graph": W.graph, "sample_weight": weight}, "names and some as numbers"),
        ({"graph": names}, "give sample_weight in all, or in none"),
        ({"sample_weight": weight}, "do not mix"),
    ]:
        with pytest.raises(InputError, match=message):
            evaluator.update(SCORES, W.label, **options)
    assert evaluator.compute().to_dict() == expected.to_dict()
