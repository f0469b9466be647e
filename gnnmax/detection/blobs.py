"""Blobs of a scale: how far a Gaussian mean around an entry exceeds a wider one, whatever the scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.block_reading import FittedNormalisation
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.smoothing import gaussian_means, gaussian_weights
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["by_blob"]

Floats = npt.NDArray[np.float64]

RATIO = 1.6
"""The standard deviation of the wider Gaussian over that of the narrower one."""

LEAST, LARGEST = 0.35, 50.0
"""Bounds of the scale: both Gaussians have to be ones that the step smooth takes."""


def by_blob(source: MatrixSource, scale: float) -> FittedNormalisation:
    """Replace each entry by the response of a blob of a scale ``s``: the scale-normalised difference of Gaussians.

    That is ``(G(s / sqrt(1.6)) - G(s * sqrt(1.6))) / c``: two means of the measured entries around, as in the step
    ``smooth``, and ``c = (1.6 - 1 / 1.6) / 2``. It approximates ``-s^2`` times the Laplacian of the matrix smoothed by
    ``s``, to 6 % for a bump. A bump with the standard deviation ``s`` and the height ``h`` has ``0.47 h`` in its
    middle, and less at any other scale: so responses at several scales compare, and the largest says how wide a bump
    is. Where all entries are equal the response is 0; beside a bump it is negative. Missing entries are left out of
    both means and stay missing; beside them a slope is no longer wholly taken out.

    Cost: that of two steps ``smooth``.

    Raises:
        InputError: a scale that is too small or too large; while it is searched, a matrix with infinite values.

    References:
        Lindeberg, "Feature detection with automatic scale selection", International Journal of Computer Vision, 1998.
        Lowe, "Distinctive image features from scale-invariant keypoints", International Journal of Computer Vision,
        2004: the difference of Gaussians. Marr and Hildreth, "Theory of edge detection", Proceedings of the Royal
        Society B, 1980: the ratio.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> by_blob(as_source(np.eye(3)), 2.0).reach
        10
    """
    del source
    if not LEAST <= scale <= LARGEST:
        raise InputError(f"the step blob takes a scale from {LEAST:g} to {LARGEST:g}, not {scale:g}")
    narrow, wide = gaussian_weights(scale / math.sqrt(RATIO)), gaussian_weights(scale * math.sqrt(RATIO))
    spare = len(wide) - len(narrow)
    unit = (RATIO - 1 / RATIO) / 2

    def constant(values: npt.NDArray[Any], rows: Places, columns: Places) -> Floats:
        del rows, columns
        return np.where(np.isnan(values), np.nan, 0.0)

    def around(values: Floats, *, corner: tuple[int, int], shear: int, below: npt.NDArray[np.bool_] | None) -> Floats:
        del corner  # the same everywhere
        aside = spare * (1 + shear)
        inner = values[spare : values.shape[0] - spare, aside : values.shape[1] - aside]
        near = gaussian_means(inner, narrow, step="blob", shear=shear, below=below)
        return (near - gaussian_means(values, wide, step="blob", shear=shear, below=below)) / unit

    return FittedNormalisation(
        f"blob:{scale:g}", constant, by_value=True, flat_zeros=True, signed=True, reach=len(wide) - 1, around=around
    )
