"""The classifier passes scikit-learn's own checks, and stands in its tools."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from gnnmax import InputError, WindowClassifier, audit, evaluate
from gnnmax.evaluation.adapters import from_estimator
from gnnmax.testing import sample_windows

SAMPLE = sample_windows(3, 60, rng=np.random.default_rng(0))
FLAT = SAMPLE.values.reshape(60, 9)
SMALL = {"steps": 2, "batch_size": 8, "random_state": 0}


class AnyFeatures(WindowClassifier):
    """Takes any number of features: scikit-learn's checks draw 1 to 40 of them, which are no windows.

    They are put row by row into the smallest window that holds them, zeros behind them. All other code is that of
    the class. A net that looks for a maximum at the centre need not learn the checks' blobs, hence ``poor_score``.
    """

    def _squares(self, rows):
        k = next(k for k in range(3, 99, 2) if k * k >= rows.shape[1])
        return np.pad(rows, [(0, 0), (0, k * k - rows.shape[1])]).reshape(-1, k, k)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


EXCEPTED = {"check_array_api_input": "runs only where SCIPY_ARRAY_API is set: nets compute with torch, not with arrays"}
CHECKS = list(estimator_checks_generator(AnyFeatures("question", **SMALL), legacy=True))


def name_of(check):
    return getattr(check, "func", check).__name__


@pytest.mark.parametrize("check", CHECKS, ids=lambda pair: name_of(pair[1]))
@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.DataConversionWarning")
def test_scikit_learn_finds_no_fault(check):
    estimator, checked = check
    if name_of(checked) in EXCEPTED:
        return
    checked(estimator)


def test_no_more_is_excepted_than_is_named():
    assert len(CHECKS) - len([check for _, check in CHECKS if name_of(check) in EXCEPTED]) > 50


def test_it_clones_stands_in_a_pipeline_and_cross_validates_and_is_searched():
    net = WindowClassifier("cnn", **SMALL)
    assert clone(net).get_params() == net.get_params()
    pipeline = make_pipeline(FunctionTransformer(np.exp), net)
    assert cross_val_score(pipeline, FLAT, SAMPLE.label, cv=2).shape == (2,)
    assert cross_val_score(net, SAMPLE, SAMPLE.label, cv=2).shape == (2,)
    found = GridSearchCV(net, {"steps": [1, 2]}, cv=2).fit(SAMPLE.values, SAMPLE.label)
    assert found.best_params_["steps"] in (1, 2)


def test_windows_in_every_form_have_the_same_scores_and_equal_seeds_the_same_weights():
    first = WindowClassifier("cnn", **SMALL).fit(FLAT, SAMPLE.label)
    again = WindowClassifier("cnn", **SMALL).fit(SAMPLE.values, SAMPLE.label)
    assert np.array_equal(first.decision_function(FLAT), again.decision_function(SAMPLE))
    shares = first.predict_proba(FLAT)
    assert np.array_equal(first.predict(FLAT), shares[:, 1] > 0.5) and np.allclose(shares.sum(axis=1), 1)


def test_the_second_class_has_positive_scores_whatever_the_classes_are_called():
    words = np.where(SAMPLE.label, "centred", "shifted")
    net = WindowClassifier("cnn", **SMALL).fit(FLAT, words)
    assert net.classes_.tolist() == ["centred", "shifted"]
    assert np.array_equal(net.predict(FLAT) == "shifted", net.decision_function(FLAT) > 0)


def test_it_learns_and_its_scores_are_evaluated_and_audited():
    w = sample_windows(3, 400, rng=np.random.default_rng(1))
    net = WindowClassifier("gnn", steps=60, batch_size=64, learning_rate=0.02, random_state=0).fit(w)
    assert net.score(w, w.label) > 0.9
    assert evaluate(from_estimator(net), w).accuracy == net.score(w, w.label)
    report = audit(net, w[:50], rng=np.random.default_rng(0), transformations=["relabelling"], shrink=False)
    assert report["relabelling"] == "invariant"


def test_whole_graphs_of_windows_choose_the_weights():
    w = sample_windows(3, 60, rng=np.random.default_rng(0))
    w.graph[:] = np.arange(60) // 6
    held, kept = WindowClassifier(validation_fraction=0.2)._held_out(w, np.random.RandomState(0))
    assert not set(w.graph[held]) & set(w.graph[kept]) and held.sum() == 12


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"net": "cnm"}, "did you mean cnn"),
        ({"config": {"width": 0}}, "config of model"),
        ({"steps": 0}, "WindowClassifier"),
        ({"validation_fraction": 1.5}, "validation_fraction"),
        ({"device": "tpu"}, "WindowClassifier"),
    ],
)
def test_a_parameter_out_of_range_is_refused_when_it_is_fitted(change, match):
    net = WindowClassifier(**{"net": "cnn", **SMALL, **change})
    with pytest.raises(InputError, match=match):
        net.fit(FLAT, SAMPLE.label)


def test_what_is_no_window_is_refused():
    with pytest.raises(InputError, match="k odd and at least 3"):
        WindowClassifier(**SMALL).fit(FLAT[:, :4], SAMPLE.label)
