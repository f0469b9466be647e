"""Reduced pictures: equal to the maximum over blocks of the whole matrix, however it is stored."""

import numpy as np
import pytest
from scipy.sparse import coo_array

from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.search import prepare_matrix
from gnnmax.detection.search_options import SearchOptions
from gnnmax.report import reduced_matrix as module
from gnnmax.report.reduced_matrix import reduced_matrix


def reference(dense, known, block):
    """The largest known entry of each block, from the definition."""
    shape = [-(-side // length) for side, length in zip(dense.shape, block, strict=True)]
    found = np.full(shape, np.nan)
    i, j = np.nonzero(known)
    np.fmax.at(found, (i // block[0], j // block[1]), dense[i, j])
    return found


class Slices:
    """An array that only hands out slices."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __getitem__(self, key):
        return self.values[key]


@pytest.fixture(params=[(300, 310), (300, 300)], ids=["rectangle", "square"])
def matrix(request):
    rng = np.random.default_rng(0)
    values = np.where(rng.random(request.param) < 0.02, rng.normal(size=request.param) - 0.5, 0.0)
    values[:40, :40] = -1 - rng.random((40, 40))  # a part that is full and negative
    return values + values.T if values.shape[0] == values.shape[1] else values


@pytest.mark.parametrize("kind", [np.asarray, coo_array, Slices], ids=["dense", "sparse", "slices"])
@pytest.mark.parametrize("diagonal", [True, False])
@pytest.mark.parametrize("missing", ["none", "lines", "entries"])
def test_a_reduced_matrix_is_the_maximum_over_blocks(matrix, kind, diagonal, missing, monkeypatch):
    monkeypatch.setattr(module, "PIXELS", 30)
    lines = [np.random.default_rng(1).random(side) < 0.3 for side in matrix.shape]
    lines[1] = lines[0] if matrix.shape[0] == matrix.shape[1] else lines[1]
    lines[0][50:80] = True
    mask = {"none": np.zeros(matrix.shape, bool), "lines": lines[0][:, None] | lines[1]}
    mask["entries"] = mask["lines"].copy()
    given = {"none": None, "lines": tuple(lines), "entries": mask["entries"]}[missing]
    found = reduced_matrix(as_source(kind(matrix), missing=given, diagonal=diagonal))
    known = ~mask[missing]
    if not diagonal:
        np.fill_diagonal(known, False)
    assert found.block == (10, 11 if matrix.shape[1] > 300 else 10)
    assert np.array_equal(found.values, reference(matrix, known, found.block), equal_nan=True)


def test_unstored_entries_that_are_missing_take_no_part(matrix):
    found = reduced_matrix(as_source(coo_array(matrix), unstored="missing"))
    assert np.array_equal(found.values, np.where(matrix == 0, np.nan, matrix), equal_nan=True)


def test_scores_are_drawn_after_normalisation(matrix):
    options = SearchOptions(k=3, steps=["rank"])
    sparse, dense = (prepare_matrix(given, options) for given in (coo_array(matrix), matrix))
    assert np.allclose(reduced_matrix(sparse).values, reduced_matrix(dense).values)


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.bool_, np.float16, np.longdouble, ">f4"])
def test_every_type_of_numbers_is_reduced(dtype):
    values = (np.arange(12).reshape(3, 4) % 5).astype(dtype)
    assert reduced_matrix(as_source(values)).values.tolist() == values.astype(float).tolist()
