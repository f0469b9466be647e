"""Windows of bumps drawn on a device: those of the recipes, in order or shuffled, and their loss."""

import numpy as np
import pytest
import torch

from gnnmax import build, load_recipe
from gnnmax.models.graphs.product import ProductNet
from gnnmax.models.maps.registry import build_map_model
from gnnmax.training.device_training import DeviceTraining
from gnnmax.training.drawn_bumps import BumpWindows
from gnnmax.training.objectives import OTHER, PEAK

CPU = torch.device("cpu")


def drawn(k=9, batch=400, *, shuffled, seed=0):
    return BumpWindows(k, batch, CPU, shuffled=shuffled).draw(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shuffled", [False, True])
def test_each_window_has_one_peak_of_the_height_of_the_recipes_at_any_entry(shuffled):
    (values, _, _), codes = drawn(shuffled=shuffled)
    assert bool(((codes == PEAK).sum(dim=(1, 2)) == 1).all()) and set(codes.unique().tolist()) == {OTHER, PEAK}
    assert float(values[codes == PEAK].mean()) == pytest.approx(2, abs=0.2)
    rows = (codes == PEAK).nonzero()[:, 1]
    assert bool((torch.bincount(rows, minlength=9) > 20).all())


def test_values_and_contexts_have_the_law_of_the_recipe():
    (values, rows, columns), _ = drawn(batch=2_000, shuffled=False)
    w = build(load_recipe("bump-9-natural").replace(splits={"test": 16}, seed=9)).test
    for mine, theirs in ((rows, w.row_context), (columns, w.column_context)):
        assert torch.equal(mine, mine.mT)
        assert np.allclose(mine.mean(dim=0), theirs.mean(axis=0), atol=0.02)
        assert np.allclose(mine.std(dim=0), theirs.std(axis=0), atol=0.02)
    assert float(values.std()) == pytest.approx(float(w.values.std()), abs=0.03)


def test_shuffled_windows_keep_each_row_with_its_context():
    """Near rows are joined strongly, and near rows have near entries: their values are similar at the peak."""
    (values, rows, columns), codes = drawn(batch=3_000, shuffled=True)
    peak = (codes == PEAK).nonzero()
    window, row, column = peak.T
    nearest_row, nearest_column = rows[window, row].argmax(dim=1), columns[window, column].argmax(dim=1)
    assert float(values[window, nearest_row, column].mean()) > 1.0
    assert float(values[window, row, nearest_column].mean()) > 1.0
    assert float(values[window, (row + 1) % 9, column].mean()) < 0.8


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_net_trained_for_some_updates_moves_and_the_seed_decides_its_weights(shuffled):
    def net():
        made = ProductNet(width=4, edge=4, neighbours=8, encoding="none") if shuffled else build_map_model("map-cnn")
        source = BumpWindows(5, 3, CPU, shuffled=shuffled)
        assert DeviceTraining(made, CPU).run([source], steps=4) == 4
        return made

    weights = []
    for _ in range(2):
        torch.manual_seed(0)
        weights.append(torch.cat([weight.detach().reshape(-1) for weight in net().parameters()]))
    assert torch.equal(*weights)
