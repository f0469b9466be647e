"""scikit-image as a reference: where its two searches for maxima have the same rule, they have the same answer."""

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnnmax import find_maxima
from gnnmax.detection.footprints import footprint_of
from tests.support.skips import skip_outside_ci

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def peers():
    """``local_maxima``, ``peak_local_max``, ``label`` and ``disk``."""
    if find_spec("skimage") is None:
        skip_outside_ci("scikit-image is not installed")
    from skimage.feature import peak_local_max
    from skimage.measure import label
    from skimage.morphology import disk, local_maxima

    return {"local_maxima": local_maxima, "peaks": peak_local_max, "label": label, "disk": disk}


def places(maxima):
    return {(i, j) for i, j, _ in maxima}


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, levels=st.sampled_from([1, 2, 1000]), symmetric=st.booleans(), ties=st.sampled_from(
    ["strict", "plateau"]))  # fmt: skip
def test_plateaus_of_windows_of_side_3_are_its_local_maxima(peers, seed, levels, symmetric, ties):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, levels + 1, (11, 11))
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix
    labels = peers["label"](peers["local_maxima"](matrix, connectivity=2), connectivity=2)
    expected = set()
    for number in range(1, labels.max() + 1):
        plateau = np.argwhere(labels == number)
        if ties == "plateau" or len(plateau) == 1:
            expected.add(tuple(plateau[0].tolist()))
    assert places(find_maxima(matrix, 3, ties=ties, directed=True)) == expected


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, k=st.sampled_from([3, 5, 9]), footprint=st.sampled_from(["square", "disk", "cross"]),
       symmetric=st.booleans(), labelled=st.booleans(), border=st.sampled_from(["shrink", "drop"]),
       threshold=st.sampled_from([None, 0.5, "80%"]))  # fmt: skip
def test_strict_maxima_of_distinct_values_are_its_peaks(
    peers, seed, k, footprint, symmetric, labelled, border, threshold
):
    rng = np.random.default_rng(seed)
    matrix = 1 + rng.permutation(20 * 20).reshape(20, 20) / 400
    labels = rng.integers(0, 3, (20, 20)) if labelled and not symmetric else None
    matrix = np.triu(matrix) + np.triu(matrix, 1).T if symmetric else matrix
    inside = footprint_of(footprint, (k, k))
    inside = np.ones((k, k), dtype=bool) if inside is None else inside.copy()
    inside[k // 2, k // 2] = True
    limit = {"threshold_rel": float(threshold[:-1]) / 100} if isinstance(threshold, str) else {}
    limit = {"threshold_abs": 1 + threshold} if isinstance(threshold, float) else limit or {"threshold_abs": 0}
    ours = 1 + threshold if isinstance(threshold, float) else threshold
    if border == "drop" and labels is not None:
        border = "shrink"  # to a window, entries of other labels are missing
    edge = k // 2 if border == "drop" else False
    found = peers["peaks"](matrix, footprint=inside, labels=labels, exclude_border=edge, **limit)
    options = {"footprint": footprint, "labels": labels, "border": border, "threshold": ours, "directed": True}
    expected = {(i, j) for i, j in found.tolist()}
    if not symmetric:
        assert places(find_maxima(matrix, k, **options)) == expected
        return
    ties = places(find_maxima(matrix, k, **{**options, "border": "shrink"}, ties="all"))  # it takes equal peaks too
    inner = (lambda i, j: min(i, j) >= k // 2 and max(i, j) < 20 - k // 2) if border == "drop" else lambda i, j: True
    assert {place for place in ties if inner(*place)} == expected


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, top=st.integers(1, 5))
def test_the_largest_of_each_label_are_its_peaks_per_label(peers, seed, top):
    rng = np.random.default_rng(seed)
    matrix, labels = rng.permutation(900).reshape(30, 30), rng.integers(0, 4, (30, 30))
    found = peers["peaks"](
        matrix,
        footprint=np.ones((5, 5)),
        labels=labels,
        num_peaks_per_label=top,
        exclude_border=False,
        threshold_abs=-1,
    )
    ours = find_maxima(matrix, 5, labels=labels, top=top, top_per="label")
    assert places(ours) == {(i, j) for i, j in found.tolist()}


def test_a_disk_is_its_disk(peers):
    for radius in range(1, 8):
        ours = footprint_of("disk", (2 * radius + 1,) * 2)
        ours[radius, radius] = True
        assert np.array_equal(ours, peers["disk"](radius).astype(bool))
