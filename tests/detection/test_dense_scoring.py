"""Score maps stop where windows do: at the border of the matrix, at missing entries and at breaks."""

import numpy as np
import pytest

from gnnmax import RULES, load_model
from gnnmax.detection.dense_scoring import compare_with_rule, score_map
from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.search import search_matrix
from gnnmax.detection.search_options import SearchOptions

MATRIX = np.random.default_rng(0).random((14, 12))


@pytest.mark.parametrize("name", ["argmax", "gnn"])
def test_a_window_across_a_break_has_no_score(name):
    model = RULES[name] if name in RULES else load_model(name)
    source = as_source(MATRIX, breaks=([6], [7]))
    scores = score_map(model, source, 3)
    parts = [(rows, columns) for rows in (slice(0, 6), slice(6, 14)) for columns in (slice(0, 7), slice(7, 12))]
    for rows, columns in parts:
        alone = score_map(model, as_source(MATRIX[rows, columns]), 3)
        assert np.array_equal(np.isnan(scores[rows, columns]), np.isnan(alone))
        assert np.allclose(scores[rows, columns], alone, equal_nan=True, atol=1e-5)


def test_the_rule_on_a_score_map_finds_what_the_search_finds_between_breaks():
    source = as_source(MATRIX, breaks=([6], [7]))
    scores = score_map(RULES["argmax"], source, 3)
    maxima = search_matrix(source, SearchOptions(3, border="drop", triangle="both"))
    assert np.argwhere(scores > 0).tolist() == sorted([row, column] for row, column, _ in maxima)
    assert compare_with_rule(scores, source, 3).recall == 1.0
