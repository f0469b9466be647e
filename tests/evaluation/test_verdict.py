"""A verdict: metrics as attributes, plain data both ways, and nothing that can be changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from gnnmax import RULES, Windows, build, evaluate, load_recipe
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
