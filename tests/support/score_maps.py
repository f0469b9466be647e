"""Scorers of windows whose score maps are known, for searches by a net."""

import pickle
from concurrent.futures import Executor, Future

import numpy as np
from loky.backend.reduction import dumps

from gnnmax.errors import InputError


class CentreValue:
    """A net that returns the value of the centre: its score map is the matrix itself, wherever it was measured."""

    name = "centre"
    encoding = ""
    takes_missing = True
    needs_contexts = False

    def __call__(self, w):
        middle = w.k // 2
        return w.values[:, middle, middle]


class ContextSum:
    """A net that reads contexts: the sum of both, and of the window with a weight that tells them apart."""

    name = "contexts"
    encoding = ""
    needs_contexts = True

    def __call__(self, w):
        sums = [part.astype(np.float64).sum(axis=(1, 2)) for part in (w.values, w.row_context, w.column_context)]
        return (sums[0] + 10 * sums[1] + 100 * sums[2]).astype(np.float32)


class Shifted:
    """A net that reads the whole matrix and returns it, moved and with holes."""

    name = "shifted"

    def __init__(self):
        self.structures = []

    def score_matrix(self, matrix, *, structure):
        self.structures.append(structure)
        scores = matrix + 5
        return np.where(np.eye(*matrix.shape, dtype=bool), -np.inf, scores)


class Elsewhere(Executor):
    """An executor that works at once, on copies: as far from the matrix as another process."""

    _max_workers = 2

    def submit(self, function, item):
        future = Future()
        function, item = pickle.loads(dumps((function, item)))
        try:
            future.set_result(function(item))
        except InputError as error:
            future.set_exception(error)
        return future
