"""What entries are expected to be, and how far they scatter, by distance, row and column."""

import numpy as np
import pytest

from benchmarks.simulated_maps import BUMPS, ContactMap
from gnnmax.detection.local_background_model import LocalModel
from gnnmax.detection.matrix_input import as_source


def test_the_borders_of_domains_do_not_make_their_bins_noisy_far_from_the_diagonal():
    # Counts are Poisson's: each variance is the mean. Near the diagonal, borders deviate from every fit.
    beside, inside = [], []
    for seed in range(3):
        drawn = np.random.default_rng(seed).integers(12, 41, 16)
        borders = np.cumsum(drawn)[np.cumsum(drawn) < 200]
        model = LocalModel.of(as_source(ContactMap(domains=10.0)(np.random.default_rng(seed))), (7, 7))
        apart = np.abs(borders[:, None] - 0.5 - np.arange(200)).min(axis=0)
        entries, ratio = model.entries, model.variances() / np.maximum(model.local, 1e-9)
        far = (entries.columns - entries.rows > 40) & (model.local > 0)
        nearest = np.minimum(apart[entries.rows], apart[entries.columns])
        beside.append(ratio[far & (nearest < 2)])
        inside.append(ratio[far & (nearest > 7)])
    near, middle = (np.concatenate(part).mean() for part in (beside, inside))
    assert 0.8 < middle < 1.1 and 0.9 < near < 1.25


@pytest.mark.parametrize(
    "kind", [{}, {"balanced": True, "bad": 0.1}, {"domains": 2.5}, {"balanced": True, "bad": 0.1, "domains": 2.5}]
)
def test_a_higher_peak_stands_out_more(kind):
    # Its deviations raise the scatter of its distance, row and column. They must not make it look like noise.
    typical = []
    for height in (3.0, 6.0, 12.0, 30.0):
        maps = [ContactMap(bumps=height, **kind)(np.random.default_rng(seed)) for seed in range(4)]
        models = [LocalModel.of(as_source(one), (7, 7)) for one in maps]
        typical.append(np.median([model.excess(*np.transpose(BUMPS)) for model in models]))
    assert typical[0] < typical[1] < typical[2] and typical[3] > 6
