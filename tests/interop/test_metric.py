"""The torchmetrics metric equals evaluate, over batches and processes."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torchmetrics import MetricCollection
from torchmetrics.classification import BinaryAccuracy, BinaryAUROC

from gnnmax import RULES, InputError, build, evaluate, load_recipe
from gnnmax.interop.metric import VerdictMetric

W = build(load_recipe("noise-9-mu2").replace(splits={"test": 6})).test
SCORES = RULES["bayes"](W)
BATCHES = [slice(0, 100), slice(100, 100), slice(100, 101), slice(101, len(W))]


def fed(metric: VerdictMetric, batches: list[slice] = BATCHES, *, graphs: bool = True) -> VerdictMetric:
    for part in batches:
        graph = torch.as_tensor(W.graph[part]) if graphs else None
        metric.update(torch.as_tensor(SCORES[part]), torch.as_tensor(W.label[part]), graph)
    return metric


def assert_says(found, verdict, metric) -> None:
    """Every figure is that of the verdict, and every interval where there are any."""
    for name in metric.metric_names:
        ends = verdict.intervals[name] if f"{name}_low" in found else ()
        said = [found[key].item() for key in (name, f"{name}_low", f"{name}_high") if key in found]
        np.testing.assert_allclose(said, [verdict.value(name), *ends], rtol=0, atol=1e-12)
    assert all(value.shape == () and value.dtype == torch.float64 for value in found.values())


@pytest.mark.parametrize("options", [{}, {"threshold": 0.7}, {"scale": "logits"}, {"k": 9, "scale": "logits"}])
@pytest.mark.parametrize("intervals", [False, True])
def test_over_several_updates_it_says_what_evaluate_says_of_all_windows_at_once(options, intervals):
    metric = fed(VerdictMetric(intervals=intervals, resamples=50, **options))
    verdict = evaluate(SCORES, W, resamples=50, **{key: x for key, x in options.items() if key != "k"})
    found = metric.compute()
    assert_says(found, verdict, metric)
    assert len(found) == len(metric.metric_names) * (3 if intervals else 1)


def test_without_graphs_each_window_stands_alone_and_graphs_widen_the_intervals():
    alone = fed(VerdictMetric(intervals=True, resamples=50), graphs=False)
    assert_says(alone.compute(), evaluate(SCORES, W.label, resamples=50), alone)
    grouped = fed(VerdictMetric(intervals=True, resamples=50)).compute()
    assert grouped["accuracy_low"] != alone.compute()["accuracy_low"]


def test_a_figure_that_does_not_exist_is_nan():
    metric = VerdictMetric(threshold=1e9, intervals=True, resamples=5)
    found = fed(metric).compute()
    assert math.isnan(found["precision"]) and math.isnan(found["precision_low"])
    assert found["recall"] == 0


def test_reset_forgets_all_windows():
    metric = fed(VerdictMetric(), [slice(0, 50)])
    metric.reset()
    assert_says(fed(metric).compute(), evaluate(SCORES, W, resamples=1), metric)


def test_called_like_a_function_it_evaluates_the_batch_and_keeps_it():
    metric = VerdictMetric()
    half = len(W) // 2
    for part in (slice(0, half), slice(half, None)):
        assert_says(metric(SCORES[part], W.label[part], W.graph[part]), evaluate(SCORES[part], W[part]), metric)
    assert_says(metric.compute(), evaluate(SCORES, W), metric)


def test_it_stands_in_a_collection_beside_others():
    collection = MetricCollection(
        {"ours": VerdictMetric(), "accuracy_of_theirs": BinaryAccuracy(), "auroc_of_theirs": BinaryAUROC()},
        prefix="test/",
    )
    probability = torch.sigmoid(torch.as_tensor(SCORES))
    for part in BATCHES[:1] + BATCHES[2:]:
        collection.update(
            preds=probability[part] - 0.5, target=torch.as_tensor(W.label[part]).long(), graph=W.graph[part]
        )
    found = collection.clone().compute()
    verdict = evaluate(SCORES, W)
    assert found["test/accuracy"] == pytest.approx(verdict.accuracy, abs=1e-12)
    assert found["test/auroc"] == pytest.approx(float(found["test/auroc_of_theirs"]), abs=1e-6)
    collection.reset()
    assert not collection["ours"].scores


def test_two_of_them_in_a_collection_keep_their_thresholds():
    collection = MetricCollection({"low": VerdictMetric(threshold=-1.0), "high": VerdictMetric(threshold=1.0)})
    for _ in range(2):  # from the second batch on the two share their state
        collection.update(SCORES, W.label)
    found = collection.compute()
    for name, threshold in (("low", -1.0), ("high", 1.0)):
        verdict = evaluate(SCORES, W, threshold=threshold, resamples=1)
        assert found[f"{name}_accuracy"] == pytest.approx(verdict.accuracy, abs=1e-12)


def test_states_of_two_processes_are_merged():
    one, two = fed(VerdictMetric(), BATCHES[:2]), fed(VerdictMetric(), BATCHES[2:])
    one.merge_state(two)
    assert_says(one.compute(), evaluate(SCORES, W), one)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")  # of a process that saw no window
@pytest.mark.parametrize("graphs", [True, False])
@pytest.mark.parametrize("shares", [(BATCHES[:2], BATCHES[2:]), (BATCHES, []), ([], BATCHES)])
def test_processes_gather_their_states_even_where_one_saw_no_window(graphs, shares):
    other = fed(VerdictMetric(), shares[1], graphs=graphs)
    states = iter((other.scores, other.labels, other.graphs))

    def gathered(own, group):
        """The states of all processes; torchmetrics assumes that they have the same type."""
        theirs = torch.cat(next(states) or [torch.tensor([], dtype=other.dtype)])
        assert theirs.dtype == own.dtype
        return [own, theirs]

    metric = VerdictMetric(intervals=True, resamples=50, dist_sync_fn=gathered, distributed_available_fn=lambda: True)
    verdict = evaluate(SCORES, W if graphs else W.label, resamples=50)
    assert_says(fed(metric, shares[0], graphs=graphs).compute(), verdict, metric)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ((SCORES[:3], W.label[:2]), "preds must have one entry for each of 2 windows"),
        ((W.label, W.label), "not decisions"),
        ((SCORES * np.nan, W.label), "must be finite"),
        ((SCORES[:2], np.array([0, 7])), "label"),
        ((SCORES[:2], W.label[:2], np.array([0.0, 1.0])), "graph must be integers"),
        ((SCORES[:2], W.label[:2], np.array([0])), r"shape \(2,\), not int64 of shape \(1,\)"),
        ((SCORES[:2], W.label[:2], np.array([0, 2**60])), "cannot be distinguished"),
    ],
)
def test_a_wrong_batch_is_refused_and_left_out_whole(call, complaint):
    metric = fed(VerdictMetric())
    with pytest.raises(InputError, match=complaint):
        metric.update(*call)
    assert_says(metric.compute(), evaluate(SCORES, W), metric)


def test_batches_with_and_without_graphs_do_not_mix():
    metric = fed(fed(VerdictMetric(), BATCHES[:1]), BATCHES[2:], graphs=False)
    with pytest.raises(InputError, match="give graph in all of them, or in none"):
        metric.compute()


def test_windows_of_one_class_and_no_windows_are_refused():
    metric = VerdictMetric()
    metric.update(SCORES[:0], W.label[:0])
    with pytest.raises(InputError, match="no windows to evaluate"):
        metric.compute()
    metric.update(SCORES[W.label], W.label[W.label])
    with pytest.raises(InputError, match="labelled centred"):
        metric.compute()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"k": 4}, "k must be odd"),
        ({"k": 1}, "k must be odd"),
        ({"confidence": 2}, "confidence"),
        ({"scale": "percent"}, "scale"),
    ],
)
def test_impossible_options_are_refused(options, complaint):
    with pytest.raises(InputError, match=complaint):
        VerdictMetric(**options)


def test_without_torchmetrics_one_line_names_the_extra():
    code = "import sys; sys.modules['torchmetrics'] = None; import gnnmax.interop.metric"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip().endswith("InputError: the metric needs torchmetrics: pip install 'gnnmax[torchmetrics]'")


def test_nothing_else_loads_torchmetrics():
    code = "import sys, gnnmax, gnnmax.experiments.comparison; assert 'torchmetrics' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("batch", "complaint"),
    [
        ((SCORES * np.nan, W.label, W.graph), "must be finite"),
        ((SCORES[:2], W.label[:3], W.graph[:3]), "one entry for each"),
        ((SCORES, W.label, W.graph.astype(float)), "graph must be integers"),
    ],
)
def test_a_batch_refused_half_way_leaves_the_earlier_ones(batch, complaint):
    metric = fed(VerdictMetric(), BATCHES[:3])
    with pytest.raises(InputError, match=complaint):
        metric(*batch)
    assert_says(fed(metric, BATCHES[3:]).compute(), evaluate(SCORES, W), metric)


def test_a_batch_of_one_class_is_kept_and_its_metrics_are_nan():
    metric = VerdictMetric(intervals=True)
    order = np.argsort(W.label, kind="stable")  # as a class-sorted validation set
    half = int((~W.label).sum())
    for part in (order[:half], order[:0], order[half:]):
        found = metric(SCORES[part], W.label[part], W.graph[part])
        assert all(math.isnan(value) for value in found.values())
    assert found.keys() == metric.compute().keys()
    assert_says(metric.compute(), evaluate(SCORES[order], W[order]), metric)


@pytest.mark.parametrize(
    "cast",
    [lambda m: m.to(torch.float16), lambda m: m.half(), lambda m: m.bfloat16(), lambda m: m.set_dtype(torch.float16)],
)
def test_no_cast_rounds_scores_or_merges_graphs(cast):
    graph = W.graph + 2**40
    metric = VerdictMetric(intervals=True)
    metric.update(SCORES, W.label, graph)
    cast(metric)
    assert_says(metric.compute(), evaluate(SCORES, W), metric)
    assert metric.scores[0].dtype == metric.graphs[0].dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.int8, torch.bool])
def test_labels_of_every_type_are_labels(dtype):
    metric = VerdictMetric()
    metric.update(torch.as_tensor(SCORES), torch.as_tensor(W.label).to(dtype), torch.as_tensor(W.graph))
    assert_says(metric.compute(), evaluate(SCORES, W), metric)
    with pytest.raises(InputError, match="graph must be integers"):
        metric.update(torch.as_tensor(SCORES), torch.as_tensor(W.label), torch.as_tensor(W.graph).to(torch.bfloat16))
