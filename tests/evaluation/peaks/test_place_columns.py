"""Places from arrays, data frames, mappings, objects and the lists of other programs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from gnnmax import InputError, evaluate_peaks, find_maxima
from gnnmax.detection.table import detections_of
from gnnmax.evaluation.peaks.place_columns import read_places

ROWS = np.array([[1, 3, 4, 0.5], [0, 7, 2, 0.25]])
COLUMNS = {"map": ROWS[:, 0], "row": ROWS[:, 1], "column": ROWS[:, 2], "score": ROWS[:, 3]}
STRUCTURED = np.array(
    [(1, 3, 4, 0.5), (0, 7, 2, 0.25)], dtype=[("map", "i4"), ("row", "u2"), ("column", "i8"), ("score", "f4")]
)
FORMS = {
    "array": ROWS,
    "list": ROWS.tolist(),
    "tensor": torch.tensor(ROWS),
    "structured": STRUCTURED,
    "mapping": COLUMNS,
    "text": {name: [f"{value:g}" for value in column] for name, column in COLUMNS.items()},
    "data frame": pd.DataFrame(COLUMNS),
    "i and j": pd.DataFrame(COLUMNS).rename(columns={"row": "i", "column": "j"}),
    "arrow": pa.table(COLUMNS),
    "object": SimpleNamespace(**COLUMNS),
    "rows and columns": SimpleNamespace(map=ROWS[:, 0], rows=ROWS[:, 1], columns=ROWS[:, 2], scores=ROWS[:, 3]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_places(form):
    found = read_places(FORMS[form], "the calls")
    assert (found.map.tolist(), found.row.tolist(), found.column.tolist()) == (["1", "0"], [3, 7], [4, 2])
    assert found.score.tolist() == [0.5, 0.25]


def test_what_is_not_there_is_missing_and_not_guessed():
    found = read_places(ROWS[:, 1:3], "the calls")
    assert found.map is None and found.score is None and found.amplitude is None
    unknown = SimpleNamespace(row=np.array([3]), column=np.array([4]), amplitude=np.array([np.nan]))
    assert read_places(unknown, "the calls").score is None
    assert read_places(unknown, "the truth", height="amplitude").amplitude is None
    assert read_places(pd.DataFrame({"i": [3], "j": [4], "strength": [2.0]}), "the calls").score is None
    assert read_places([], "the calls").row.shape == (0,)


def test_maxima_and_their_table_are_calls_whose_score_is_the_value_or_the_score_after_the_steps():
    matrix = np.random.default_rng(0).random((20, 20))
    for steps in ((), ("rank",)):
        maxima = find_maxima(matrix, k=5, steps=steps)
        expected = maxima.values if maxima.scores is None else maxima.scores
        table = pd.DataFrame(detections_of(maxima).as_rows())
        for form in (maxima, maxima.to_pandas(), table):
            found = read_places(form, "the calls")
            assert found.row.tolist() == maxima.rows.tolist()
            assert np.array_equal(found.score, expected)


def test_columns_are_chosen_by_role_and_a_minus_turns_the_score():
    frame = pd.DataFrame({"y": [3, 7], "x": [4, 2], "FDR": [0.01, 0.2], "image": ["b", "a"], "score": [1.0, 2.0]})
    roles = {"row": "y", "column": "x", "score": "-FDR", "map": "image"}
    found = read_places(frame, "the calls", columns=roles)
    assert (found.score.tolist(), found.map.tolist()) == ([-0.01, -0.2], ["b", "a"])
    truth = np.array([[3, 4]])
    del roles["map"]
    table = evaluate_peaks({"frame": frame[:1], "exact": truth}, truth, columns={"frame": roles})
    assert table.verdicts["frame"].recall == 1 and table.verdicts["exact"].reasons["froc"]


BEDPE = {
    "chrom1": ["chr1", "chr1", "chr2"],
    "start1": [95_000, 250_000, 30_000],
    "end1": [115_000, 255_000, 40_000],
    "chrom2": ["chr1", "chr1", "chr1"],
    "start2": [200_000, 300_000, 500_000],
    "end2": [210_000, 305_000, 510_000],
}
MUSTACHE = ("BIN1_CHR", "BIN1_START", "BIN1_END", "BIN2_CHROMOSOME", "BIN2_START", "BIN2_END")
JUICER = ("chr1", "x1", "x2", "chr2", "y1", "y2")


@pytest.mark.parametrize("names", [tuple(BEDPE), MUSTACHE, JUICER])
def test_places_in_base_pairs_become_the_bins_of_their_middles_and_chromosomes_are_maps(names):
    table = dict(zip(names, BEDPE.values(), strict=True))
    found = read_places(table, "the calls", resolution=10_000)
    assert (found.row.tolist(), found.column.tolist()) == ([10, 25, 50], [20, 30, 3])
    assert found.map.tolist() == ["chr1", "chr1", "chr1,chr2"]
    with pytest.raises(InputError, match="are base pairs: give the resolution"):
        read_places(table, "the calls")


def test_between_two_chromosomes_halves_are_not_one_place():
    calls = {name: column[2:] for name, column in BEDPE.items()}
    turned = {name[:-1] + str(3 - int(name[-1])): column for name, column in calls.items()}
    verdict = evaluate_peaks({"turned": turned}, calls, resolution=10_000, symmetric=True).verdicts["turned"]
    assert (verdict.recall, verdict.matched_distance) == (1.0, 0.0)
    other = {name: turned[name] if name[-2] != "m" else column for name, column in calls.items()}
    assert evaluate_peaks({"other": other}, calls, resolution=10_000, symmetric=True).verdicts["other"].recall == 0
    assert list(verdict.slices["diagonal"]) == ["unknown"]


def test_a_column_of_points_holds_no_score():
    assert read_places({"i": [1], "j": [2], "score": np.array(["."])}, "the calls").score is None


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ({"x": [1], "y": [2]}, {}, "no columns i, j or row, column or those of BEDPE among the calls, but x, y"),
        ({"i": [1], "j": [2, 3]}, {}, "column has 2 entries and row has 1"),
        ({"i": [1], "j": [2]}, {"columns": {"score": "p"}}, "unknown column of the calls 'p'"),
        ({"i": [1], "j": [2]}, {"columns": {"points": "j"}}, "unknown role of a column of the calls 'points'"),
        ({"i": [1], "j": [2]}, {"columns": {"row": "i"}}, "name both"),
        ({"i": ["1_0"], "j": [2]}, {}, "column i: must be numbers: not a plain number: '1_0'"),
        ({"i": [1], "j": [2], "map": [0.5]}, {}, "the maps of the calls: 0.5 at index 0"),
        ({"i": [True], "j": [2], "map": [True]}, {}, "must be numbers or names"),
        ({"i": [[1]], "j": [2]}, {}, "must be one number for each place"),
        ({**BEDPE, "end1": [0, 0, 0]}, {"resolution": 10}, "end1 must not lie before start1"),
        ({**BEDPE, "chrom2": ["chr1"]}, {"resolution": 10}, "must have one length"),
        ("calls.csv", {}, "not of shape"),
    ],
)
def test_columns_that_hold_no_places_are_refused(given, options, message):
    with pytest.raises(InputError, match=message):
        read_places(given, "the calls", **options)
