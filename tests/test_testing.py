"""The public assertions: each passes a correct scorer and fails a broken twin."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gnnmax import RULES, InputError, audit, on_values
from gnnmax.evaluation.adapters import from_module
from gnnmax.models.registry import build_model
from gnnmax.testing import (
    assert_translation_sensitive,
    assert_window_invariant,
    check_scorer,
    sample_windows,
)

W = sample_windows(5, 80, rng=np.random.default_rng(0), contexts=True)
FITTED = LogisticRegression().fit(W.values.reshape(80, 25), W.label)


def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize("k", [3, 5, 9])
def test_sample_windows_are_half_centred_and_their_spike_is_the_maximum(k):
    w = sample_windows(k, 100, rng=rng(), contexts=True)
    assert w.label.tolist() == [True, False] * 50
    assert (w.values.max(axis=(1, 2)) > 1).all()
    assert (w.row_context == w.row_context.transpose(0, 2, 1)).all()
    assert not np.diagonal(w.column_context, axis1=1, axis2=2).any()


@pytest.mark.parametrize("name", ["relabelling", "transposition", "increasing_map"])
def test_what_is_invariant_passes_and_what_is_not_is_stopped_with_a_counter_example(name):
    assert_window_invariant(RULES["argmax"], W, name, rng=rng())
    crooked = on_values(lambda v: v[:, 0, 1] - v.mean(axis=(1, 2)))
    with pytest.raises(AssertionError, match=f"not invariant under {name}(.|\n)*becomes"):
        assert_window_invariant(crooked, W, name, rng=rng())


def test_a_torch_module_and_a_scikit_learn_estimator_are_taken():
    assert_window_invariant(from_module(build_model("gnn", k=5), contexts=True), W, rng=rng())
    for crooked in (from_module(build_model("question", k=5), contexts=True), FITTED):
        with pytest.raises(AssertionError, match="swap"):
            assert_window_invariant(crooked, W, rng=rng())
    with pytest.raises(InputError, match="from_module"):
        assert_window_invariant(build_model("gnn", k=5), W, rng=rng())


def test_a_constant_passes_no_assertion():
    constant = on_values(lambda v: np.ones(len(v)))
    with pytest.raises(AssertionError, match="constant"):
        assert_window_invariant(constant, W, rng=rng())
    with pytest.raises(AssertionError, match="ignores translation"):
        assert_translation_sensitive(constant, W, rng=rng())
    with pytest.raises(AssertionError, match="constant"):
        check_scorer(constant, W, rng=rng())


def test_what_notices_translation_passes_and_what_ignores_it_is_stopped():
    assert_translation_sensitive(RULES["argmax"], W, rng=rng())
    with pytest.raises(AssertionError, match="ignores translation, ignores roll"):
        assert_translation_sensitive(RULES["sorted_entries"], W, rng=rng())


def test_a_good_scorer_passes_the_whole_battery():
    assert check_scorer(RULES["argmax"], W, rng=rng()).conclusion == "right symmetry"
    assert check_scorer(RULES["margin"], W, rng=rng())["translation"] == "neither"


def spoiled(w):
    w.values[0, 0, 0] += 1
    return RULES["argmax"](w)


def standardised_over_the_batch(w):
    centre = w.values[:, 2, 2].astype(float)
    return centre - centre.mean()


NOISE = np.random.default_rng(7)
BAD = {
    "changes the windows": spoiled,
    "have other scores": lambda w: RULES["argmax"](w) + 1e-3 * NOISE.random(len(w)),
    "windows beside it": standardised_over_the_batch,
    "notices relabelling": FITTED,
    "ignores translation": RULES["sorted_entries"],
}


@pytest.mark.parametrize("message", BAD)
def test_the_battery_stops_every_kind_of_bad_scorer(message):
    w = sample_windows(5, 80, rng=np.random.default_rng(0))
    with pytest.raises(AssertionError, match=message):
        check_scorer(BAD[message], w, rng=rng())


def test_a_leak_between_windows_is_seen_late_in_the_batch_too():
    with pytest.raises(AssertionError, match="windows beside it"):
        check_scorer(lambda w: RULES["argmax"](w) + 0.1 * (np.arange(len(w)) > 30), W, rng=rng())


@pytest.mark.parametrize(("any_k", "rows"), [(True, 3), (False, 9)])
def test_a_counter_example_is_of_the_smallest_side_where_any_will_do(any_k, rows):
    w = sample_windows(9, rng=np.random.default_rng(0))

    def broken(windows):
        return windows.values[:, 0, 0]

    for check in (check_scorer, assert_window_invariant):
        with pytest.raises(AssertionError, match="relabelling") as told:
            check(broken, w, rng=np.random.default_rng(0), any_k=any_k)
        window = [line for line in str(told.value).splitlines() if line.strip() and set(line) <= set(" 01")]
        assert len(window[0].split()) == rows


@pytest.mark.parametrize("constant", [0.0, 1e3, 1e5])
def test_a_constant_in_the_scores_hides_no_broken_symmetry(constant):
    w = sample_windows(9, rng=np.random.default_rng(0))

    def scorer(windows):
        v = windows.values
        return v[:, 4, 4] + np.float32(0.5) * v[:, 0, 0] + np.float32(constant)

    with pytest.raises(AssertionError, match="not invariant under relabelling"):
        assert_window_invariant(scorer, w, rng=np.random.default_rng(0))
    report = audit(scorer, w, rng=np.random.default_rng(0), threshold=constant + 1, shrink=False)
    assert report["relabelling"].unexpected_flips > 0.01
    assert "notices relabelling" in report.conclusion


@pytest.mark.parametrize("constant", [0.0, 1e3, 1e5])
def test_a_constant_in_the_scores_breaks_no_symmetry(constant):
    w = sample_windows(9, rng=np.random.default_rng(0))

    def scorer(windows):
        total = windows.values.mean(axis=(1, 2), dtype=np.float32)
        return windows.values[:, 4, 4] - total + np.float32(constant)

    assert_window_invariant(scorer, w, rng=np.random.default_rng(0))


def test_a_decision_that_flips_counts_however_little_its_score_changes():
    w = sample_windows(9, rng=np.random.default_rng(0))

    def scorer(windows):
        v = windows.values
        return np.where(w_label(v), 1.0, 0.0) + 1e-9 * np.sign(v[:, 0, 0] - v[:, 0, 1])

    def w_label(v):
        return v[:, 4, 4] >= v.max(axis=(1, 2))

    report = audit(scorer, w, rng=np.random.default_rng(0), transformations=["flip"])
    assert report["flip"].maximum < report["flip"].floor
    assert report["flip"].unexpected_flips > 0.1
    assert report.conclusion == "wrong: notices flip"
    assert "1e-09" in str(report)
