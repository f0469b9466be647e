"""Bumps against the noise of affinities: the graph net needs them, the image net in natural order does not."""

import pytest

from gnnmax.errors import InputError
from gnnmax.experiments.reproduction import CellOptions, reproduce
from gnnmax.experiments.reproduction import affinity as module


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(module, "HOSTS", 3)
    folder = tmp_path_factory.mktemp("affinity") / "cells"
    found = reproduce("affinity", (0,), options=CellOptions(quick=True, folder=folder))
    yield found, folder
    patch.undo()


def test_the_graph_net_needs_the_affinities_and_the_image_net_does_not(outcome):
    sure, noisy = outcome[0].rows
    assert sure["shuffled: graph net"] > noisy["shuffled: graph net"] + 0.05
    assert sure["shuffled: seriated"] > noisy["shuffled: seriated"] + 0.05
    assert sure["natural: image net"] == noisy["natural: image net"]
    assert noisy["best"] > noisy["shuffled: graph net"]


def test_cells_are_kept_and_the_figure_has_a_panel_for_each_amplitude(outcome, monkeypatch):
    found, folder = outcome
    monkeypatch.setattr(module._Cell, "accuracy", lambda self, scorer: pytest.fail("measured again"))
    assert reproduce("affinity", (0,), options=CellOptions(quick=True, folder=folder)).to_dict() == found.to_dict()
    figure, axes = found.plot()
    assert len(figure.axes) == 1 and axes.get_title() == "amplitude 2"


def test_sides_are_rows_of_their_own_and_share_no_cell(outcome, monkeypatch):
    found, folder = outcome
    measured = []
    accuracy = module._Cell.accuracy
    monkeypatch.setattr(
        module._Cell, "accuracy", lambda self, scorer: measured.append(self.k) or accuracy(self, scorer)
    )
    options = CellOptions(quick=True, folder=folder, sizes=(5, 9))
    rows = reproduce("affinity", (0,), options=options).rows
    assert [row["k"] for row in rows] == [5, 5, 9, 9]
    assert rows[2:] == found.rows
    assert set(measured) == {5}
    assert rows[0]["best"] < rows[2]["best"]


def test_nets_to_train_are_refused():
    with pytest.raises(InputError, match="leave out nets"):
        reproduce("affinity", (0,), options=CellOptions(nets=("cnn",)))
