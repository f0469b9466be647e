"""A verdict: metrics as attributes, plain data both ways, and nothing that can be changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from gnnmax import RULES, InputError, Windows, build, compare_scores, evaluate, load_recipe
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.verdict import Verdict

NOISY = build(load_recipe("noise-9-mu2").replace(splits={"test": 6})).test
GROUPED = Windows.from_values(np.random.default_rng(0).normal(size=(200, 3, 3)))
GROUPED.graph[:] = np.arange(200) // 10
LABEL = np.arange(40) % 3 == 0


VERDICTS: dict[str, Callable[[], Verdict]] = {
    "noisy": lambda: evaluate(RULES["bayes"], NOISY, scale="logits", resamples=20),
    "localised": lambda: evaluate(GROUPED.label - 0.4, GROUPED, resamples=20),
    "labels": lambda: evaluate(np.zeros(40), LABEL, resamples=20),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_a_verdict_is_read_back_as_it_was_written(name: str) -> None:
    verdict = VERDICTS[name]()
    for twin in (
        Verdict.from_dict(msgspec.json.decode(verdict.to_json())),
        copy.deepcopy(verdict),
    ):
        assert twin.to_dict() == verdict.to_dict()
        assert repr(twin) == repr(verdict)
        assert twin._rows() == verdict._rows()


@pytest.mark.parametrize("name", VERDICTS)
def test_every_metric_is_an_attribute_and_a_key(name: str) -> None:
    verdict = VERDICTS[name]()
    for metric, entry in METRICS.items():
        owner = verdict.localisation if entry.localises else verdict
        if owner is not None:
            assert getattr(owner, metric) == verdict.value(metric) == owner.to_dict()[metric]
            assert (verdict.interval(metric) is None) == (verdict.value(metric) is None), metric
        low, high = verdict.interval(metric) or entry.range
        assert entry.range[0] <= low <= high <= entry.range[1]


def test_what_is_no_metric_is_refused_by_name() -> None:
    verdict = VERDICTS["localised"]()
    with pytest.raises(AttributeError, match="a verdict has no 'accuracies': expected a field, or one of the metrics"):
        verdict.accuracies  # noqa: B018
    with pytest.raises(AttributeError, match="a verdict has no 'found'"):  # it is one of the localisation
        verdict.found  # noqa: B018
    with pytest.raises(AttributeError, match="a localisation has no 'accuracy': its metrics are found, exact"):
        verdict.localisation.accuracy  # noqa: B018
    assert {"accuracy", "to_dict", "slices"} <= set(dir(verdict))


def test_a_verdict_cannot_be_changed() -> None:
    verdict = VERDICTS["labels"]()
    for name in ("accuracy", "n", "other"):
        with pytest.raises(AttributeError, match=f"a verdict cannot be changed: '{name}'"):
            setattr(verdict, name, 1.0)
    with pytest.raises(TypeError, match="each of its fields once: accuracy, by_seed"):
        Verdict(accuracy=1.0, **{k: v for k, v in vars(verdict).items() if k != "by_seed"})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"accuracy": None}, "a verdict without an accuracy"),
        ({"n": "many"}, "Expected `int`, got `str`"),
        ({"mcc": "high"}, "Expected `float | null`, got `str`"),
        ({"intervals": {"accuracy": [0.1]}}, "Expected `array` of length 2, got 1"),
        ({"offsets": {"flagged": [[0.5]]}}, "missing required field `count`"),
        ({"offsets": {"flagged": [[0.5]], "count": [[1, 2]]}}, "two tables of the same shape"),
        ({"localisation": {"found": 1.0}}, "Expected `int`, got `null`"),
    ],
)
def test_what_is_no_verdict_is_refused(change: dict[str, Any], complaint: str) -> None:
    plain = VERDICTS["localised"]().to_dict()
    with pytest.raises(msgspec.ValidationError, match=complaint):
        Verdict.from_dict(plain | change)


def test_a_verdict_is_read_back_from_its_json_and_anything_else_is_refused_in_one_line() -> None:
    verdict = VERDICTS["localised"]()
    assert Verdict.from_json(verdict.to_json()).to_dict() == verdict.to_dict()
    assert Verdict.from_json(verdict.to_json().encode()).to_dict() == verdict.to_dict()
    for text in ("", "[]", "{}", '{"accuracy": 1}', b"\xff", "nan"):
        with pytest.raises(InputError, match="this JSON holds no verdict") as refused:
            Verdict.from_json(text)
        assert "\n" not in str(refused.value)


def test_a_verdict_of_one_graph_says_that_nothing_follows() -> None:
    verdict = evaluate(GROUPED.label - 0.4, GROUPED.label, graph=np.zeros(200, int))
    assert verdict.warnings == (
        "all windows are of one graph: nothing follows about other graphs, so every interval is the whole range",
    )
    assert verdict.warnings[0] in verdict._repr_html_()


def test_a_class_of_one_graph_has_no_interval_and_the_verdict_says_so() -> None:
    graph = np.arange(120) // 10
    label = graph == 3
    verdict = evaluate(np.where(np.arange(120) % 7 == 0, 1.0, -1.0), label, graph=graph)
    for name in ("recall", "auroc", "f1", "balanced_accuracy"):
        assert verdict.intervals[name] == (0.0, 1.0), name
    assert verdict.intervals["accuracy"] != (0.0, 1.0)
    (warning,) = verdict.warnings
    assert warning.startswith("the centred windows are all of one graph")
    assert "recall" in warning and "AUROC" in warning and "specificity" not in warning


def test_a_scorer_that_calls_nothing_has_a_small_f1() -> None:
    label, graph = np.tile([True, False], 200), np.repeat(np.arange(20), 20)
    verdict = evaluate(np.zeros(400), label, graph=graph, threshold=0.5)
    recall = verdict.intervals["recall"][1]
    assert recall == pytest.approx(1 - 0.05 ** (1 / 20))
    assert verdict.f1 == 0 and verdict.intervals["f1"] == pytest.approx((0.0, 2 * recall / (1 + recall)))


def test_few_graphs_are_called_few() -> None:
    label = np.arange(90) % 2 == 0
    (warning,) = evaluate(label - 0.5, label, graph=np.arange(90) // 30).warnings
    assert "weigh as much as 3.0 graphs of equal size: with fewer than 5, intervals are rough" in warning
    assert evaluate(label - 0.5, label, graph=np.arange(90) // 10).warnings == ()


def test_probabilities_taken_for_scores_are_worth_one_warning() -> None:
    scores = np.random.default_rng(0).normal(size=200) + 2 * GROUPED.label
    shares = 1 / (1 + np.exp(-scores))
    (warning,) = evaluate(shares, GROUPED).warnings
    assert warning == (
        "every window is called centred, and every score lies in [0, 1] as probabilities do: if they are, "
        "pass scale='probabilities' and threshold=0.5"
    )
    assert "not centred" in evaluate(shares, GROUPED, threshold=1.5).warnings[0]
    several = compare_scores({"net": [scores, shares], "other": scores}, GROUPED)
    assert several.verdicts["net"].warnings == (warning,)
    assert f"net: {warning}" in several._repr_html_().replace("&#x27;", "'")
    for given, options in [
        (shares, {"scale": "probabilities", "threshold": 0.5}),
        (shares, {"threshold": 0.5}),
        (scores, {}),
        (shares - 0.5, {}),
        (np.zeros(200), {}),
    ]:
        assert evaluate(given, GROUPED, **options).warnings == ()


def test_results_written_before_warnings_are_read() -> None:
    plain = VERDICTS["labels"]().to_dict()
    del plain["warnings"]
    assert Verdict.from_dict(plain).warnings == ()
