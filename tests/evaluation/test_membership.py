"""Verdicts on scores of nodes: overlap, exact recovery, and their intervals over maps."""

import numpy as np
import pytest

from gnnmax import InputError, build
from gnnmax.evaluation.membership import evaluate_block
from tests.support.maps import BLOCK, BLOCKS, map_recipe

MAPS = build(map_recipe(12, plant=BLOCK, peaks=[0, 1], order="shuffled")).test


def test_the_verdict_is_the_mean_over_maps_with_a_block():
    there = MAPS.row_block.any(axis=1)
    scores = MAPS.row_block.astype(float)
    half = np.flatnonzero(there)[0]
    members = np.flatnonzero(MAPS.row_block[half])
    scores[half, members[:3]] = -1
    verdict = evaluate_block(scores, MAPS)
    assert verdict.maps == there.sum() > 3
    assert np.isclose(verdict.overlap, 1 - 0.5 / there.sum())
    assert np.isclose(verdict.exact, 1 - 1 / there.sum())
    for value, (low, high) in (
        (verdict.overlap, verdict.overlap_interval),
        (verdict.exact, verdict.exact_interval),
    ):
        assert 0 < low < value < high <= 1
    assert np.isclose(verdict.chance, 6 * there.sum() / (20 * 12))
    assert set(verdict.to_dict()) >= {"overlap", "exact", "confidence"}
    assert verdict.tables()[0].rows[1][0] == "exact recovery"
    assert "exact recovery" in verdict._repr_html_()


def test_an_interval_contains_the_truth_and_one_map_says_nothing():
    rng = np.random.default_rng(0)
    recipe, inside = map_recipe(1, plant=BLOCK), 0
    maps = build(recipe.replace(splits={"test": 20})).test
    for _ in range(60):
        verdict = evaluate_block(rng.random((20, 20)), maps)
        low, high = verdict.overlap_interval
        inside += low <= 0.3 <= high
    assert inside >= 52
    assert evaluate_block(maps[:1].membership, maps[:1]).overlap_interval == (0.0, 1.0)


def test_rows_and_columns_of_a_rectangle_count_together():
    maps = build(map_recipe(3, **BLOCKS["rectangle"])).test
    rows_only = np.concatenate([maps.row_block, np.zeros_like(maps.column_block)], axis=1).astype(float)
    rows_only[:, 24:] = -maps.column_block.astype(float)
    assert evaluate_block(rows_only, maps).overlap == pytest.approx(6 / 15)
    assert evaluate_block(maps.membership, maps).exact == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate_block(np.zeros((12, 20)), np.zeros((12, 20))), "are judged on Maps"),
        (lambda: evaluate_block(np.zeros((12, 20)), MAPS, confidence=1.0), "between 0 and 1"),
        (lambda: evaluate_block(np.zeros((2, 20)), build(map_recipe(2, plant=BLOCK, peaks=0)).test), "nothing to find"),
        (lambda: evaluate_block(np.zeros((12, 3)), MAPS), "one a node"),
    ],
)
def test_one_line_says_what_is_wrong(call, message):
    with pytest.raises(InputError, match=message):
        call()
