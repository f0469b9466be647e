"""The worth of the order: cells are kept and resumed, crossings have intervals, and a cheating rule is noticed."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from gnnmax.cli.main import main
from gnnmax.data.maps.block_rules import BLOCK_RULES
from gnnmax.errors import InputError
from gnnmax.experiments.reproduction import (
    CellOptions,
    order_checks,
    order_figure,
    order_scorers,
    order_study,
    reproduce,
)
from gnnmax.experiments.reproduction import order as module
from gnnmax.experiments.reproduction.block_training import (
    BLOCK_TRAININGS,
    block_recipe,
    node_scores,
    trained_on_blocks,
)
from gnnmax.experiments.reproduction.cells import Cells
from gnnmax.experiments.reproduction.crossing import crossing
from gnnmax.experiments.reproduction.order_study import PREDICTED, OrderMatrix
from gnnmax.experiments.reproduction.outcome import Outcome
from gnnmax.models.nodes.registry import NODE_MODELS
from gnnmax.models.nodes.unrolled_amp import PosteriorDenoiser, UnrolledAMP
from gnnmax.models.nodes.unrolled_sweep import unrolled_at_heights
from gnnmax.task.block_sweep import height_of
from gnnmax.task.blocks import state_evolution

SHORT = {
    "scan": (0.3, 0.6, 1.2, 2.4),
    "amp": (0.5, 1.3, 2.0, 3.5),
    "refined_eigenvector": (0.5, 1.0, 2.0),
    "eigenvector": (0.6, 1.2, 2.0),
    "degrees": (0.5, 1.0, 1.5, 2.2),
}


def untimed(outcome):
    """Everything but the processor time: cells that are measured again take another."""
    return {**outcome.to_dict(), "note": ""}


@pytest.fixture
def short(monkeypatch):
    rules = {name: replace(rule, multiples=SHORT[name]) for name, rule in module.RULES.items()}
    monkeypatch.setattr(module, "RULES", rules)
    monkeypatch.setattr("gnnmax.experiments.reproduction.crossing.RESAMPLES", 100)


def test_the_order_is_worth_what_the_theorems_say_and_a_stopped_run_resumes(short, tmp_path, monkeypatch):
    options = CellOptions(sizes=(300,), nets=("none",), folder=tmp_path / "cells")
    outcome = reproduce("order", (0, 1), options=options)
    assert all(check.holds for check in outcome.checks if "predicts" not in check.claim), outcome.checks
    assert [row["scorer"] for row in outcome.rows] == list(module.RULES)
    cells = sorted(options.folder.iterdir())
    assert len(cells) == 8 * (sum(map(len, SHORT.values())) + len(PREDICTED) + 2 * 4)
    for cell in cells[:5]:
        cell.unlink()
    again = reproduce("order", (0, 1), options=options)
    assert sorted(options.folder.iterdir()) == cells
    monkeypatch.setattr(OrderMatrix, "_drawn", property(lambda self: pytest.fail("measured again")))
    assert reproduce("order", (0, 1), options=options).to_dict() == again.to_dict()
    assert untimed(again) == untimed(outcome)
    axes = outcome.plot()[1]
    assert axes.get_ylabel().startswith("signal strength")
    assert len(axes.get_legend_handles_labels()[1]) == 5


def test_a_rule_that_reads_the_order_where_it_is_lost_passes_the_hard_line_and_is_noticed(short, monkeypatch):
    monkeypatch.setitem(module.RULES, "amp", replace(module.RULES["amp"], score=module.RULES["scan"].score, sweep=None))
    outcome = reproduce("order", (0,), options=CellOptions(sizes=(300,), nets=("none",)))
    wrong = [check.claim for check in outcome.checks if not check.holds]
    assert any("hidden clique" in claim for claim in wrong)
    assert any("below 1/e by 4 standard errors" in claim for claim in wrong)


def test_strengths_of_one_matrix_share_its_noise_and_set_its_block():
    matrix = OrderMatrix(block_recipe(200, 1.0, seed=0, maps=4), 0)
    weak = matrix.problem(0.5).values.copy()
    strong = matrix.problem(2.0)
    raised = strong.values - weak
    members = np.isin(np.arange(200), matrix.members)
    block = members[:, None] & members & ~np.eye(200, dtype=bool)
    assert np.allclose(raised[block], (math.sqrt(2.0 * 200) - math.sqrt(0.5 * 200)) / 14, atol=1e-5)
    assert (raised[~block] == 0).all()
    assert strong.strength == pytest.approx(2.0)
    assert np.array_equal(matrix.problem(0.5).values, weak)  # whatever was measured before


def test_a_crossing_is_interpolated_and_its_interval_holds_the_truth():
    rng = np.random.default_rng(0)
    strengths = np.geomspace(0.1, 1.6, 9)
    inside = 0
    for _ in range(12):
        own = np.exp(rng.normal(math.log(0.4), 0.3, size=15))  # matrices with their own borders
        found = crossing(strengths, (strengths[:, None] > own).astype(float), 0.5)
        inside += found.low <= 0.4 * 1.09 and found.high >= 0.4 / 1.09
        assert found.low <= found.point <= found.high
    assert inside >= 10
    for flat in (np.zeros((9, 3)), np.ones((9, 3))):
        assert math.isnan(crossing(strengths, flat, 0.5).point)


def test_a_damaged_or_foreign_cell_is_refused_in_one_line(tmp_path):
    cells = Cells(tmp_path)
    assert cells.measured({"n": 1}, lambda: 0.25) == 0.25
    (file,) = tmp_path.iterdir()
    stored = json.loads(file.read_text())
    for content in ("{", json.dumps({**stored, "found": "high"}), json.dumps({**stored, "key": {"n": 2}})):
        file.write_text(content)
        with pytest.raises(InputError, match="delete it, and it is measured again") as caught:
            cells.measured({"n": 1}, lambda: 0.5)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="name another folder"):
        Cells(file)


def test_the_processor_time_of_cells_is_kept_with_them_and_summed(tmp_path, monkeypatch):
    clock = itertools.count(0.0, 45.0)  # each look at it is 45 seconds after the one before
    monkeypatch.setattr("gnnmax.experiments.reproduction.cells.time.process_time", lambda: next(clock))
    cells = Cells(tmp_path)
    for n in (1, 2):
        cells.measured({"n": n}, lambda: 0.25)
    assert cells.cost == "1.5 CPU minutes in all"
    kept = Cells(tmp_path)
    assert kept.measured({"n": 2}, lambda: pytest.fail("measured again")) == 0.25
    assert kept.cost == "0.8 CPU minutes in all"
    for file in tmp_path.iterdir():  # as an earlier version wrote them
        stored = json.loads(file.read_text())
        del stored["seconds"]
        file.write_text(json.dumps(stored))
    old = Cells(tmp_path)
    old.measured({"n": 2}, lambda: pytest.fail("measured again"))
    assert old.cost == "0.0 CPU minutes in all, and an unknown time for 1 of the cells"


@pytest.mark.parametrize(
    "words",
    [
        ["order", "--sizes", "50"],
        ["order", "--sizes", "300", "300"],
        ["order", "--sizes", "many"],
        ["bayes", "--quick"],
        ["bayes", "--figure", "x.svg"],
        ["order", "--quick", "--figure", "x.pdf"],
        ["order", "--nets", "resnet"],
        ["order", "--nets", "gin", "gin"],
        ["order", "--nets", "none", "gin"],
        ["bayes", "--nets", "gin"],
    ],
)
def test_a_wrong_call_is_refused_in_one_line(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_crossing_that_was_not_measured_fails_its_check(short, monkeypatch):
    strong = replace(module.RULES["eigenvector"], multiples=(4.0, 6.0))  # both find the whole block
    monkeypatch.setitem(module.RULES, "eigenvector", strong)
    monkeypatch.setattr(order_checks, "LARGE", 300)
    outcome = reproduce("order", (0,), options=CellOptions(sizes=(300,), nets=("none",)))
    wrong = {check.claim: check.found for check in outcome.checks if not check.holds}
    assert any("of 1 by the eigenvector" in claim and "no crossing" in found for claim, found in wrong.items())
    assert any("rank as the theorems say" in claim for claim in wrong)


def test_large_sizes_are_measured_about_their_crossings_on_fewer_matrices(short, monkeypatch):
    monkeypatch.setattr(order_study, "LARGE", 299)
    monkeypatch.setattr(order_study, "CONTROLLED", 299)
    near = replace(module.RULES["amp"], near=(2.0, 3.5))
    monkeypatch.setitem(module.RULES, "amp", near)
    dear = replace(module.RULES["refined_eigenvector"], largest=299)
    monkeypatch.setitem(module.RULES, "refined_eigenvector", dear)
    outcome = reproduce("order", (0,), options=CellOptions(sizes=(300,), nets=("none",)))
    assert "2 matrices a size" in outcome.title
    assert not any("clique" in check.claim for check in outcome.checks)
    assert [row["scorer"] for row in outcome.rows] == [name for name in module.RULES if name != dear.name]
    assert math.isnan(outcome.rows[1]["50 % point"]) or outcome.rows[1]["50 % point"] > 2.0 / math.e


def test_a_net_is_swept_over_heights_as_it_is_scored_at_each_of_them():
    training = replace(BLOCK_TRAININGS["unrolled-amp"], steps=2, sizes=(100,), entries=20_000, tested={"steps": 12})
    net = trained_on_blocks(training)
    matrix = OrderMatrix(block_recipe(300, 1.0, seed=0, maps=4), 0)
    strengths = (0.3, 1.0, 4.0)
    swept = unrolled_at_heights(
        net, matrix.problem(0.7), matrix.members, [height_of(each, 300, 17) for each in strengths]
    )
    for strength, scores in zip(strengths, swept, strict=True):
        expected = node_scores(net, matrix.problem(strength))
        assert np.abs(scores - expected).max() < 1e-3 * np.abs(expected).max()
    raw = UnrolledAMP(PosteriorDenoiser(0.9, 17), steps=3, standardise=False).eval()
    found = unrolled_at_heights(raw, matrix.problem(0.7), matrix.members, [0.9])[0]
    expected = node_scores(raw, matrix.problem(0.9**2 * 17**2 / 300))
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def test_a_figure_is_written_and_a_table_without_one_says_so(short, tmp_path, capsys):
    file = tmp_path / "order.svg"
    words = ["--sizes", "300", "--nets", "none", "--seeds", "1", "--figure", str(file), "--json"]
    assert main(["reproduce", "order", *words]) in (0, 1)
    assert json.loads(capsys.readouterr().out)["rows"][0]["K"] == 17
    assert file.read_text().startswith("<?xml")
    with pytest.raises(InputError, match="no figure"):
        Outcome("a table", "a source", (), ()).plot()


def test_nets_are_trained_once_kept_and_placed_beside_the_rules(short, tmp_path, monkeypatch):
    trained = []
    for name in ("unrolled-amp", "diagonal-cnn"):
        brief = replace(BLOCK_TRAININGS[name], steps=2, sizes=(100,), entries=20_000)
        monkeypatch.setitem(BLOCK_TRAININGS, name, brief)
        few = replace(order_scorers.NETS[name], multiples=(1.0, 3.0, 9.0))
        monkeypatch.setitem(order_scorers.NETS, name, few)
    whole = order_scorers.trained_on_blocks
    monkeypatch.setattr(order_scorers, "trained_on_blocks", lambda given: trained.append(given.net) or whole(given))
    options = CellOptions(sizes=(200,), nets=("unrolled-amp", "diagonal-cnn"), folder=tmp_path / "cells")
    outcome = reproduce("order", (0,), options=options)
    assert sorted(trained) == ["diagonal-cnn", "unrolled-amp"]
    kinds = {row["scorer"]: (row["kind"], row["order"]) for row in outcome.rows}
    assert kinds["unrolled-amp"] == ("net", "lost") and kinds["diagonal-cnn"] == ("net", "known")
    assert any("image net" in check.claim for check in outcome.checks)
    next(cell for cell in options.folder.iterdir() if b"unrolled-amp" in cell.read_bytes()).unlink()
    assert untimed(reproduce("order", (0,), options=options)) == untimed(outcome)
    assert len(trained) == 2  # the weights are kept
    panels = outcome.plot()[0].axes
    assert len(panels) == 2 and "state evolution" in panels[1].get_legend_handles_labels()[1][0]
    weights = next(options.folder.glob("unrolled-amp-*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-9])
    next(cell for cell in options.folder.glob("*.json") if b"unrolled-amp" in cell.read_bytes()).unlink()
    with pytest.raises(InputError, match="delete them, and the net is trained again"):
        reproduce("order", (0,), options=options)


def test_every_net_of_the_table_is_in_the_registry_has_a_training_and_is_small():
    assert set(order_scorers.NETS) == set(BLOCK_TRAININGS) == set(NODE_MODELS)
    for training in BLOCK_TRAININGS.values():
        assert training.net in NODE_MODELS and max(training.sizes) <= 1_000


def test_every_scorer_is_drawn_and_the_rules_of_graphs_are_those_of_maps():
    assert set(order_figure.NAMES) == {*module.RULES, *order_scorers.NETS}
    assert set(module.RULES) | {"host_scan"} == set(BLOCK_RULES)


def test_a_cell_on_a_graph_says_how_a_net_treats_equal_entries_and_others_keep_their_key():
    scorers = order_scorers.net_scorers(["gin", "gat", "graph-transformer"], None)
    assert scorers["gin"].graph_key == scorers["gin"].key
    for name in ("gat", "graph-transformer"):
        assert scorers[name].graph_key == {**scorers[name].key, "ties": 2}


def test_training_depends_on_its_seed_alone():
    brief = replace(BLOCK_TRAININGS["unrolled-amp"], steps=3, sizes=(60, 80), entries=10_000)
    one, same, other = (trained_on_blocks(brief, seed).state_dict() for seed in (0, 0, 1))
    assert all(bool((one[key] == same[key]).all()) for key in one)
    assert any(bool((one[key] != other[key]).any()) for key in one)


@pytest.mark.slow
def test_the_quick_table_holds():
    outcome = reproduce("order", (0, 1, 2), options=CellOptions(quick=True))
    assert outcome.holds, outcome.checks


@pytest.mark.slow
def test_at_sixteen_thousand_nodes_state_evolution_predicts_the_mean_overlap_of_message_passing():
    nodes = 2 * round(math.sqrt(16_000))
    strengths = tuple(multiple / math.e for multiple in PREDICTED)
    found = [
        OrderMatrix(order_study._block_recipe(16_000, seed, nodes), 0).overlaps(module.RULES["amp"], strengths)
        for seed in (0, 1)
    ]
    for strength in strengths:
        expected = state_evolution(strength, nodes / 16_000, 300)[-1]
        assert abs(np.mean([each[strength] for each in found]) - expected) < 0.02
