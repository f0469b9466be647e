"""Counter-examples: true, as small as can be, and the same every time."""

import itertools

import numpy as np
import pytest
import torch

from gnnmax import RULES, InputError, Windows, audit, build, load_recipe, on_values
from gnnmax.auditing.group_actions import Rearrangement
from gnnmax.auditing.transformations import cropped
from gnnmax.evaluation.adapters import from_module
from tests.support.scorers import TRUTH, DeepSet, K, net, windows


def first_fault(scorer, name, w=None, threshold=0.0):
    w = windows() if w is None else w
    report = audit(scorer, w, rng=np.random.default_rng(0), transformations=[name], threshold=threshold)
    return report[name].smallest


@pytest.mark.parametrize("size", [1e-1, 1e-3])
@pytest.mark.parametrize("place", [(0, 3), (4, 1)])
def test_one_wrong_weight_shows_in_one_swap_on_a_window_with_one_entry(size, place):
    broken = net(DeepSet)
    with torch.no_grad():
        broken.each[place] += size
    found = first_fault(from_module(broken), "relabelling")
    assert found.action.size == 2
    assert np.count_nonzero(found.window.values) == 1
    assert set(np.unique(found.window.values)) == {0, 1}
    # The entry is at the broken weight before or after.
    either = {tuple(np.argwhere(w.values[0])[0]) for w in (found.window, found.action(found.window))}
    assert place in either


@pytest.mark.parametrize("who", ["circular CNN", "zero-padded CNN", "LSTM over entries", "corner value"])
def test_a_counter_example_is_true_and_its_scores_are_those_that_are_printed(who):
    scorer = TRUTH[who][0]
    report = audit(scorer, windows(), rng=np.random.default_rng(0))
    shown = [finding.smallest for finding in report.values() if finding.smallest is not None]
    assert len(shown) == sum(fault.startswith("notices") for fault in report.faults)
    for found in shown:
        before, after = (float(np.asarray(scorer(w))[0]) for w in (found.window, found.action(found.window)))
        assert (before, after) == pytest.approx((found.before, found.after), rel=1e-6)
        assert before != after
        assert found.window.label == found.action(found.window).label
        assert f"{found.before:.6g} becomes {found.after:.6g}" in str(found)


def needed(scorer, swaps, k):
    """The fewest entries that are not 0 in a window of zeros and ones on which some swap changes a score."""
    for ones in range(k * k + 1):
        images = np.zeros((0, k, k), dtype=np.float32)
        for chosen in itertools.combinations(range(k * k), ones):
            image = np.zeros(k * k, dtype=np.float32)
            image[list(chosen)] = 1
            images = np.concatenate([images, image.reshape(1, k, k)])
        w = Windows.from_values(images)
        for rows, columns in swaps:
            action = Rearrangement(np.tile(rows, (len(w), 1)), np.tile(columns, (len(w), 1)))
            if (np.abs(scorer(action(w)) - scorer(w)) > 1e-6).any():
                return ones
    raise AssertionError


PLANES = {
    "one entry": (lambda v: v[:, 0, 0], 1),
    "a pair": (lambda v: v[:, 0, 1] * v[:, 1, 0], 2),
    "three": (lambda v: v[:, 0, 0] * v[:, 0, 2] * v[:, 1, 0], 3),
}


@pytest.mark.parametrize("name", PLANES)
def test_a_counter_example_is_no_larger_than_needed(name):
    function, entries = PLANES[name]
    scorer = on_values(lambda v: function(v.astype(np.float64)))
    still, swap = np.arange(3), np.array([2, 1, 0])
    assert needed(scorer, [(swap, still), (still, swap)], 3) == entries
    found = first_fault(scorer, "relabelling", windows(k=3))
    assert found.action.size == 2
    assert np.count_nonzero(found.window.values) == entries


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("additive_constant", "add -1 to every value: 1 becomes 0"),
        ("increasing_map", "add -1 to every value: 1 becomes 0"),
        ("multiplicative_constant", None),
    ],
)
def test_a_map_of_values_is_shrunk_to_a_changed_decision(name, words):
    found = first_fault(on_values(lambda v: v[:, K // 2, K // 2].astype(np.float64)), name)
    assert (found is None) == (words is None)
    if words:
        assert np.count_nonzero(found.window.values) == 1
        assert str(found).endswith(words)


def test_a_map_that_no_shift_or_factor_stands_for_is_shrunk_to_a_few_knots():
    def skewness(values):
        entries = values.reshape(len(values), -1).astype(np.float64)
        centred = entries - entries.mean(axis=1, keepdims=True)
        spread = np.maximum(entries.std(axis=1), 1e-9)
        return ((centred / spread[:, None]) ** 3).mean(axis=1)  # the skewness: no shift and no factor changes it

    w = windows()
    report = audit(on_values(skewness), w, rng=np.random.default_rng(0))
    assert report["additive_constant"] == "invariant"
    assert report["multiplicative_constant"] == "invariant"
    assert report["increasing_map"].unexpected_flips > 0
    found = report["increasing_map"].smallest
    assert len(found.action.knots[0][0]) <= 3
    assert (found.before > 0) != (found.after > 0)
    assert len(str(found).splitlines()[-1]) < 120


def test_a_map_that_must_stretch_far_keeps_two_knots_and_whole_targets():
    found = first_fault(on_values(lambda v: np.ptp(v.astype(np.float64), axis=(1, 2)) - 5), "increasing_map")
    ((sources, targets),) = found.action.knots
    assert len(sources) <= 2
    assert (targets == np.round(targets)).all()


def test_contexts_that_are_not_needed_become_zero_and_those_that_are_stay():
    w = windows(contexts=True)
    of_values = first_fault(on_values(lambda v: v[:, 0, 0].astype(float)), "relabelling", w)
    assert not of_values.window.row_context.any()
    of_contexts = first_fault(lambda w: w.row_context[:, 0, 1].astype(float), "relabelling", w)
    assert of_contexts.window.row_context.any()
    assert not of_contexts.window.values.any()


def test_windows_that_a_scorer_refuses_are_no_counter_examples():
    def picky(w):
        if (np.count_nonzero(w.values, axis=(1, 2)) < 4).any():
            raise InputError("too empty")
        return w.values[:, 0, 0].astype(float)

    found = first_fault(picky, "relabelling")
    assert np.count_nonzero(found.window.values) == 4
    assert found.action.size == 2


def test_a_refused_window_is_found_by_halves_in_a_bounded_number_of_calls():
    calls = 0

    def picky(w):
        nonlocal calls
        calls += 1
        assert calls < 20_000, "the search for the refused windows does not end"
        assert len(w), "a scorer is asked for no windows"
        if (w.values == 0).all(axis=(1, 2)).any():
            raise InputError("empty")
        return w.values[:, 0, 0].astype(float)

    found = first_fault(picky, "relabelling")
    assert np.count_nonzero(found.window.values) == 1
    assert found.action.size == 2


def test_nothing_is_shrunk_where_nothing_is_wrong_or_nothing_was_asked():
    report = audit(TRUTH["rank"][0], windows(), rng=np.random.default_rng(0))
    assert all(finding.smallest is None for finding in report.values())
    lazy = audit(TRUTH["corner value"][0], windows(), rng=np.random.default_rng(0), shrink=False)
    assert lazy["relabelling"] == "neither"
    assert lazy["relabelling"].smallest is None


def test_the_same_counter_example_comes_out_every_time():
    assert len({str(first_fault(TRUTH["circular CNN"][0], "relabelling")) for _ in range(3)}) == 1


def test_a_window_with_entries_that_were_not_observed_is_shrunk_too():
    values = windows().values.copy()
    values[:, 1, 1] = np.nan
    found = first_fault(
        on_values(lambda v: np.nan_to_num(v)[:, 0, 0].astype(float)), "relabelling", Windows.from_values(values)
    )
    assert found.to_dict()["action"] == found.action.words()
    assert found.action.size == 2


class Reaching(torch.nn.Module):
    """A broken scorer: the sum of all entries, with a larger weight for the entry some rows above the centre."""

    def __init__(self, reach: int):
        super().__init__()
        self.reach, self.weight = reach, torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, values):
        middle = values.shape[1] // 2
        special = values[:, middle - self.reach, middle] if self.reach <= middle else 0
        return values.sum(dim=(1, 2)) + self.weight * special


def smallest_of(scorer, name="relabelling", w=None, **options):
    w = windows(k=9) if w is None else w
    return audit(scorer, w, rng=np.random.default_rng(0), transformations=[name], **options)[name].smallest


@pytest.mark.parametrize(("reach", "side"), [(1, 3), (2, 5), (4, 9)])
def test_a_counter_example_is_of_the_smallest_side_that_shows_the_error(reach, side):
    found = smallest_of(from_module(Reaching(reach)), any_k=True)
    assert found.window.k == side
    assert np.count_nonzero(found.window.values) == 1
    assert found.action.size == 2
    assert found.before != found.after


def test_the_side_stays_where_nobody_says_that_the_scorer_takes_any():
    assert smallest_of(from_module(Reaching(1))).window.k == 9


def test_an_error_that_needs_a_tie_is_found_in_a_smaller_window_without_any():
    found = smallest_of(RULES["nms"], "relabelling", build(load_recipe("tiny")).test, any_k=True)
    assert (found.window.k, np.count_nonzero(found.window.values)) == (3, 2)


def test_an_error_that_every_relabelling_of_a_smaller_window_hides_keeps_its_side():
    def corners(w):
        return w.values[:, 0, 0].astype(float) if w.k == 9 else np.zeros(len(w))

    assert smallest_of(corners, any_k=True).window.k == 9
    assert smallest_of(lambda w: w.values[:, 0, 0].astype(float), any_k=True).window.k == 3


@pytest.mark.parametrize("name", ["flip", "quarter_turn", "simultaneous_relabelling", "increasing_map"])
def test_every_sort_of_transformation_is_shrunk_to_a_smaller_side(name):
    found = smallest_of(lambda w: w.values[:, 0, 0].astype(float) - 0.5, name, any_k=True)
    assert found.window.k == 3
    assert found.action(found.window).label == found.window.label


def test_windows_with_a_planted_peak_and_contexts_are_cropped_with_all_that_they_hold():
    w = build(load_recipe("noise-9-mu2").replace(splits={"test": 2}, contexts=True)).test
    found = smallest_of(lambda w: w.row_context[:, 0, 1].astype(float), w=w, any_k=True)
    assert found.window.k == 3
    assert found.window.row_context.shape == found.window.column_context.shape == (1, 3, 3)
    for k in (3, 5, 7):
        smaller, edge = cropped(w, k), (9 - k) // 2
        assert (smaller.values == w.values[:, edge : 9 - edge, edge : 9 - edge]).all()
        assert (smaller.label == w.label).all()
        inside = (np.abs(w.offset) <= k // 2).all(axis=1)
        assert (smaller.offset[inside] == w.offset[inside]).all()
        assert set(smaller.kind[~inside]) <= {"background"}
