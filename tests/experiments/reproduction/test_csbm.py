"""The table of the contextual block model: cells are kept, and a net that is given the answer is noticed."""

import numpy as np
import pytest

from gnnmax.errors import InputError
from gnnmax.experiments.reproduction import CellOptions, reproduce
from gnnmax.experiments.reproduction import csbm as module


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(module, "STRENGTHS", (0.0, 2.0))
    monkeypatch.setattr(module, "NETS", ("features alone", "gcn"))
    monkeypatch.setattr(module, "STEPS", 40)


def test_a_net_has_a_gap_and_a_stopped_run_resumes(short, tmp_path, monkeypatch):
    options = CellOptions(sizes=(800,), folder=tmp_path / "cells")
    outcome = reproduce("csbm", (0, 1), options=options)
    assert [row["scorer"] for row in outcome.rows] == ["bp-amp", "features alone", "gcn"] * 2
    assert outcome.rows[3]["accuracy"] > outcome.rows[5]["accuracy"] > 0.6
    assert outcome.plot()[1].get_xlabel() == "graph strength lam"
    next(iter(options.folder.iterdir())).unlink()
    again = reproduce("csbm", (0, 1), options=options)
    assert (again.rows, again.checks) == (outcome.rows, outcome.checks)
    assert again.note.endswith(" CPU minutes in all")


def test_a_net_that_knows_the_answer_passes_the_optimal_inference_and_is_noticed(short, monkeypatch):
    monkeypatch.setattr(module._Graph, "net", lambda self, kind: 1.0 - 0.001 * (self.seed + 1))
    outcome = reproduce("csbm", (0, 1), options=CellOptions(sizes=(800,)))
    assert any("no net passes" in check.claim for check in outcome.checks if not check.holds)


@pytest.mark.parametrize("wrong", [{"sizes": (50,)}, {"sizes": (300, 400)}, {"nets": ("gcn",)}])
def test_a_wrong_call_is_refused(wrong):
    with pytest.raises(InputError, match="the table csbm has"):
        reproduce("csbm", (0,), options=CellOptions(**wrong))


def test_a_graph_depends_on_its_seed_and_strength():
    one, same, other = (module._Graph(300, seed, 1.0, 2.0, 0.1).blocks for seed in (0, 0, 1))
    assert np.array_equal(one.edges, same.edges) and np.array_equal(one.features, same.features)
    assert not np.array_equal(one.group, other.group)
