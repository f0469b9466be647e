"""Gaussian means of measured entries from the filters of scipy, and the scores of a whole matrix."""

import numpy as np
from scipy import ndimage

from gnnmax.detection.matrix_input import as_source
from gnnmax.detection.normalisation import normalise


def scores_of(matrix, steps, **options):
    source = normalise(as_source(matrix, **options), steps)
    block = source.block(0, 0, *source.shape, (0, 0))
    return block.values if block.missing is None else np.where(block.missing, np.nan, block.values)


def by_scipy(matrix, scale):
    """Smooth the values and the marks of what was measured; where it was, the quotient."""
    known = ~np.isnan(matrix)
    sums, totals = (
        ndimage.gaussian_filter(part, scale, mode="constant") for part in (np.where(known, matrix, 0.0), known * 1.0)
    )
    return np.where(known, sums / np.where(known, totals, 1), np.nan)
