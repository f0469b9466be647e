"""The table of bumps: nets are compared with the exact posterior, at every side, and cells are kept."""

import numpy as np
import pytest
import torch

from gnnmax import InputError
from gnnmax.experiments.reproduction import bump as module
from gnnmax.experiments.reproduction import reproduce
from gnnmax.experiments.reproduction.cells import CellOptions
from gnnmax.training.drawn_bumps import AMPLITUDE, BumpWindows


class Exact(torch.nn.Module):
    """The exact log likelihood of a bump at every entry, for rows and columns in order."""

    def forward(self, values, *, symmetric):
        profile = BumpWindows(values.shape[1], 1, torch.device("cpu"), shuffled=False).profile
        energy = profile.square().sum(dim=1)
        return AMPLITUDE * (profile @ values @ profile) - AMPLITUDE**2 / 2 * energy[:, None] * energy


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "STEPS", {"natural": 2, "shuffled": 2})
    monkeypatch.setattr(module, "TRAINED", {9: 2, 15: 2})
    monkeypatch.setattr(module, "HOSTS", {9: 4, 31: 2})


def measured(sizes=(9, 31), **options):
    return reproduce("bump", (0, 1), options=CellOptions(sizes=sizes, **options))


def test_nets_that_learnt_nothing_are_far_below_the_best_rule(small):
    outcome = measured()
    assert [check.holds for check in outcome.checks] == [False, False, True]
    assert [(row["order"], row["k"]) for row in outcome.rows] == [
        (order, k) for order in ("natural", "shuffled") for k in (9, 31)
    ]
    for row in outcome.rows:
        assert row["bayes"] > row["argmax"] + 0.2
        assert row["gap"] == pytest.approx(row["bayes"] - row["net"])
        assert row["gap of the worst net"] >= row["gap"]
        assert 0 < row["s.e."] < 0.1


def test_the_best_rule_in_the_place_of_the_nets_has_no_gap_where_the_order_is_known(small, monkeypatch):
    monkeypatch.setattr(module._Test, "net", Exact())
    outcome = measured()
    assert [check.holds for check in outcome.checks] == [True, False, True]
    assert all(row["gap"] == 0 for row in outcome.rows if row["order"] == "natural")


def test_a_net_that_knows_the_place_is_noticed(small, monkeypatch):
    def told(_test, w):
        evidence = np.zeros(w.values.shape)
        evidence[np.arange(len(w)), *(w.offset + w.k // 2).T] = 1
        return evidence

    monkeypatch.setattr(module._Test, "_evidence", told)
    assert measured().checks[2].holds is False


def test_cells_are_kept(small, monkeypatch, tmp_path):
    first = measured((9,), folder=tmp_path)

    def train(*_args, **_options):
        raise AssertionError("trained again")

    monkeypatch.setattr(module.DeviceTraining, "run", train)
    assert measured((9,), folder=tmp_path).rows == first.rows


@pytest.mark.parametrize(
    ("options", "problem"), [({"sizes": (8,)}, "odd and at least 3, not 8"), ({"nets": ("cnn",)}, "has its own nets")]
)
def test_other_sides_and_nets_are_refused(options, problem):
    with pytest.raises(InputError, match=problem):
        reproduce("bump", (0,), options=CellOptions(**options))
