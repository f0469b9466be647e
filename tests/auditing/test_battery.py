"""The audit: scorers and nets whose symmetry is known get the verdict that is known."""

import numpy as np
import pytest
import torch
from torch import nn

from gnnmax import RULES, InputError, Windows, audit, load_model, on_values
from gnnmax.auditing.group_actions import Rearrangement, ValueMap
from gnnmax.auditing.transformations import TRANSFORMATIONS, framed
from gnnmax.data.store import load_data
from gnnmax.evaluation.adapters import from_module
from gnnmax.models.registry import MODELS, build_model
from gnnmax.testing import sample_windows
from tests.support.scorers import TRUTH, DeepSet, K, net, windows

REARRANGED = ("relabelling", "simultaneous_relabelling", "transposition", "flip", "quarter_turn")
MAPPED = ("increasing_map", "additive_constant", "multiplicative_constant")
MOVED = ("translation", "roll")

WORDS = {"i": "invariant", "e": "equivariant", "n": "neither"}


@pytest.mark.parametrize("who", TRUTH)
def test_every_scorer_of_known_symmetry_gets_the_right_verdict_in_every_column(who):
    scorer, letters = TRUTH[who]
    report = audit(scorer, windows(), rng=np.random.default_rng(1))
    assert tuple(report) == REARRANGED + MAPPED + MOVED
    assert {name: report[name].verdict for name in report} == {
        name: WORDS[letter] for name, letter in zip(report, letters.replace(" ", ""), strict=True)
    }


CONCLUSIONS = {
    "rank": "right symmetry",
    "margin": "right symmetry",
    "constant": "constant",
    "sorted entries": "wrong: ignores translation, ignores roll",
    "unmarked exchangeable net": "ignores translation, ignores roll",
    "circular CNN": "notices relabelling, notices simultaneous_relabelling, notices transposition",
}


@pytest.mark.parametrize("who", CONCLUSIONS)
def test_the_conclusion_names_what_is_wrong_and_calls_a_constant_a_constant(who):
    conclusion = audit(TRUTH[who][0], windows(), rng=np.random.default_rng(1)).conclusion
    assert CONCLUSIONS[who] in conclusion
    assert conclusion.startswith("wrong") == (who in ("sorted entries", "unmarked exchangeable net", "circular CNN"))


def test_a_scorer_of_zeros_is_a_constant_that_notices_nothing():
    report = audit(lambda w: np.zeros(len(w)), windows(), rng=np.random.default_rng(0))
    assert report.conclusion == "constant"
    assert {finding.verdict for finding in report.values()} == {"invariant"}


def test_a_scorer_that_is_equivariant_on_some_windows_alone_is_not_equivariant():
    some = lambda w: np.where(w.label, w.values[:, K // 2, K // 2], 0.0)  # noqa: E731
    report = audit(some, windows(), rng=np.random.default_rng(0), transformations=["additive_constant"], shrink=False)
    assert report["additive_constant"] == "neither"


def test_a_score_that_depends_on_the_window_but_not_on_its_values_is_no_constant():
    by_graph = audit(lambda w: w.graph.astype(float), windows(), rng=np.random.default_rng(0))
    assert by_graph.conclusion == "wrong: ignores translation, ignores roll"


@pytest.mark.parametrize("name", MODELS)
def test_registered_nets_have_the_symmetry_that_they_declare(name):
    group = MODELS[name].group
    scorer = from_module(build_model(name, k=K), contexts=True)
    report = audit(
        scorer,
        sample_windows(K, 40, rng=np.random.default_rng(0), contexts=True),
        rng=np.random.default_rng(0),
        shrink=False,
    )
    assert (report["relabelling"] == "invariant") >= group.relabelling
    assert (report["transposition"] == "invariant") >= group.transposition
    assert (report["roll"] == "invariant") >= group.translation


@pytest.mark.parametrize("size", [1e-1, 1e-2, 1e-3])
def test_a_net_broken_in_one_weight_is_caught(size):
    broken = net(DeepSet)
    assert audit(from_module(broken), windows(), rng=np.random.default_rng(0))["relabelling"] == "invariant"
    with torch.no_grad():
        broken.each[0, 3] += size
    report = audit(from_module(broken), windows(), rng=np.random.default_rng(0))
    assert report["relabelling"] == "neither"
    assert "notices relabelling" in report.conclusion


def test_contexts_are_rearranged_with_the_window():
    w = windows(contexts=True)
    still = np.tile(np.arange(K), (len(w), 1))
    order = np.tile([3, 1, 2, 0, 4], (len(w), 1))
    for action in (Rearrangement(order, still), Rearrangement(np.roll(still, 1, axis=1), still)):
        moved = action(w)
        p = action.rows[0]
        assert (moved.values == w.values[:, p]).all()
        assert (moved.row_context == w.row_context[:, p][:, :, p]).all()
        assert (moved.column_context == w.column_context).all()
        assert (moved.rows == w.rows[:, p]).all()
        assert (moved.label == Windows.from_values(moved.values).label).all()
    turned = Rearrangement(still, still[:, ::-1], turned=True)(w)
    assert (turned.values == np.rot90(w.values, axes=(1, 2))).all()
    assert (turned.row_context == w.column_context.transpose(0, 2, 1)[:, ::-1, ::-1]).all()


def test_a_scorer_that_reads_contexts_is_held_to_them_too():
    def walks(w):
        """Weight of all paths row, row, centre column."""
        return np.einsum("nij,nj->n", w.row_context.astype(float), w.values[:, :, K // 2].astype(float))

    def unmoved(w):
        return w.row_context[:, 0, 1].astype(float)

    w = windows(contexts=True)
    names = ["relabelling", "simultaneous_relabelling"]
    assert all(audit(walks, w, rng=np.random.default_rng(0), transformations=names)[n] == "invariant" for n in names)
    assert all(audit(unmoved, w, rng=np.random.default_rng(0), transformations=names)[n] == "neither" for n in names)


def test_a_planted_label_moves_with_its_peak():
    data = load_data("noise-9-mu2")
    w = data.test[:200]
    report = audit(data.bayes, w, rng=np.random.default_rng(0))
    assert report["relabelling"] == "invariant"
    assert report["roll"].expected_flips is not None
    shift = Rearrangement(np.tile(np.roll(np.arange(w.k), 1), (len(w), 1)), np.tile(np.arange(w.k), (len(w), 1)))
    moved = shift(w)
    assert not moved.label[w.label].any()
    assert (moved.offset[w.label] == [1, 0]).all()
    above = (w.offset == [-1, 0]).all(axis=1) & (w.kind == "shifted")
    assert moved.label[above].all()


def test_flips_are_unexpected_where_the_label_stays_and_expected_where_it_changes():
    report = audit(RULES["argmax"], windows(), rng=np.random.default_rng(0))
    assert (report["relabelling"].unexpected_flips, report["relabelling"].expected_flips) == (0.0, None)
    assert (report["roll"].unexpected_flips, report["roll"].expected_flips) == (0.0, 1.0)
    blind = audit(on_values(lambda v: v.max(axis=(1, 2)) - 1.5), windows(), rng=np.random.default_rng(0))
    assert blind["roll"].expected_flips == 0.0
    contrary = audit(lambda w: -RULES["argmax"](w), windows(), rng=np.random.default_rng(0))
    assert contrary["roll"].expected_flips == 1.0


def test_an_unrelated_copy_of_gaussian_scores_has_the_relative_error_that_is_stated():
    noise = np.random.default_rng(3)
    report = audit(lambda w: 3 * noise.normal(size=len(w)), windows(4000), rng=noise, most=4000)
    assert report["relabelling"].relative == pytest.approx(2 / np.sqrt(np.pi), rel=0.05)


def test_the_smallest_change_above_rounding_is_noticed_and_rounding_is_not():
    w = windows()
    for size, verdict in ((1e-7, "invariant"), (1e-3, "neither")):
        report = audit(lambda w, s=size: 1 + s * w.values[:, 0, 0], w, rng=np.random.default_rng(0))
        assert report["relabelling"] == verdict


def test_windows_in_which_adding_makes_ties_are_left_out():
    values = windows().values.copy()
    values[:20, 0, 0] = 1e-30
    values[:20, 0, 2] = 2e-30
    report = audit(RULES["margin"], Windows.from_values(values), rng=np.random.default_rng(0))
    assert report["additive_constant"].windows == 40
    assert report["multiplicative_constant"].windows == 60


def test_maps_of_values_are_increasing_and_exact_at_their_knots():
    w = windows()
    for name in MAPPED:
        action = TRANSFORMATIONS[name].draw(w, np.random.default_rng(0))
        moved = action(w)
        assert (moved.label == w.label).all()
        assert (moved.values != w.values).any()
        centre = w.values[:, 2, 2].astype(float)
        assert action.of_scores(centre).astype(np.float32) == pytest.approx(moved.values[:, 2, 2], rel=1e-6)
        assert (action.of_scores(centre + 3) > action.of_scores(centre)).all()
    assert ValueMap.affine([1.0], [2.0]).words() == "add 2 to every value"


def test_a_framed_window_keeps_all_its_content_when_it_moves_by_a_step():
    w = framed(windows())
    moved = TRANSFORMATIONS["translation"].draw(w, np.random.default_rng(0))(w)
    assert (np.sort(moved.values.reshape(len(w), -1)) == np.sort(w.values.reshape(len(w), -1))).all()
    assert not moved.label[w.label].any()
    assert (w.values[:, 0] == 0).all()


def test_the_report_is_a_mapping_whose_findings_equal_their_verdict():
    report = audit(RULES["argmax"], windows(), rng=np.random.default_rng(0), transformations=["roll", "flip"])
    assert list(report) == ["roll", "flip"]
    assert dict(report)["flip"] == "invariant"
    assert str(report["roll"]).startswith("neither")
    assert report.to_dict()["findings"]["flip"]["verdict"] == "invariant"
    assert str(report).endswith("right symmetry")


def test_the_same_generator_gives_the_same_report_and_the_windows_are_left_alone():
    w = windows()
    before = w.values.copy()
    found = [str(audit(RULES["nms"], w, rng=np.random.default_rng(5))) for _ in range(2)]
    assert found[0] == found[1]
    assert (w.values == before).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windows": np.zeros((3, 3, 3))}, "Windows.from_values"),
        ({"windows": windows()[:0]}, "no windows"),
        ({"transformations": ["relabeling"]}, "relabelling"),
        ({"transformations": "flip"}, "not one name"),
        ({"tolerance": 0}, "tolerance"),
        ({"most": 0}, "most"),
        ({"scorer": np.zeros(60)}, "callable"),
        ({"scorer": nn.Linear(1, 1)}, "from_module"),
        ({"scorer": lambda w: np.full(len(w), np.nan)}, "finite"),
        ({"scorer": lambda w: np.zeros((len(w), 2))}, "shape"),
    ],
)
def test_wrong_input_is_refused(changes, message):
    given = {"scorer": RULES["argmax"], "windows": windows(), "rng": np.random.default_rng(0)} | changes
    with pytest.raises(InputError, match=message):
        audit(given.pop("scorer"), given.pop("windows"), **given)


def test_the_windows_that_translation_moves_are_framed_and_those_that_roll_are_not():
    seen = {}
    for name in ("translation", "roll"):
        shown = []
        audit(
            lambda w, shown=shown: shown.append(w.values) or np.zeros(len(w)),
            windows(),
            rng=np.random.default_rng(0),
            transformations=[name],
        )
        seen[name] = (shown[0][:, 0] == 0).all()
    assert seen == {"translation": True, "roll": False}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 1e-45, 0.0, -1.0])
@pytest.mark.parametrize("everywhere", [True, False])
def test_rules_stand_the_audit_on_extreme_windows(value, everywhere):
    values = windows(20).values.copy()
    values[:, 1, 1] = value
    if everywhere:
        values[:10] = value
    report = audit(RULES["argmax"], Windows.from_values(values), rng=np.random.default_rng(0))
    assert report.conclusion == "right symmetry"
    assert report["relabelling"].windows == 20


@pytest.mark.parametrize("recipe", ["tiny", "noise-9-mu2", "real-karate"])
@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_the_label_stays_where_that_is_said_and_moves_on_every_positive_elsewhere(recipe, name):
    transformation = TRANSFORMATIONS[name]
    w = transformation.prepare(load_data(recipe).test[:100])
    moved = transformation.draw(w, np.random.default_rng(0))(w)
    if transformation.label_stays:
        assert (moved.label == w.label).all()
    else:
        assert not moved.label[w.label].any()
    assert len(moved) == len(w)
    if w.label_rule == "observed" or (w.k == 9 and name != "translation"):
        assert ((moved.offset == 0).all(axis=1) >= moved.label).all()
    if w.label_rule == "observed":
        assert (moved.label == Windows.from_values(moved.values).label).all()


def test_a_scorer_that_calls_a_window_without_any_edge_centred_is_found_out():
    w = sample_windows(5, rng=np.random.default_rng(0))
    beats_none = on_values(lambda v: (v[:, 2, 2] >= v.max(axis=(1, 2))) - 0.5)
    found = audit(beats_none, w, rng=np.random.default_rng(0), shrink=False)
    assert found.blank_called is True and "without any edge" in str(found) and "without any edge" in found._repr_html_()
    assert type(found).from_dict(found.to_dict()).blank_called is True
    assert audit(RULES["argmax"], w, rng=np.random.default_rng(0)).blank_called is False
    with np.errstate(all="ignore"):
        by_spread = on_values(lambda v: (v[:, 2, 2] - v.mean(axis=(1, 2))) / v.std(axis=(1, 2)))
        assert audit(by_spread, w, rng=np.random.default_rng(0), shrink=False).blank_called is None


@pytest.mark.parametrize("name", ["cnn", "gnn"])
def test_the_shipped_nets_call_no_window_without_any_edge_centred(name):
    w = sample_windows(9, 40, rng=np.random.default_rng(0))
    assert audit(load_model(name), w, rng=np.random.default_rng(0), shrink=False).blank_called is False
