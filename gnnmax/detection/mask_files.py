"""Arrays from files that say something about each entry of a matrix: a mask, labels or thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.array_storage import hands_out_slices
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.sparse_storage import is_sparse
from gnnmax.errors import InputError

__all__ = ["read_entries", "read_mask"]

LARGEST = 2**32
"""Most entries of a mask, a byte each."""


def read_entries(path: str | Path, needed: str) -> Any:
    """Read an array as :func:`gnnmax.detection.matrix_files.read_matrix` does, dense or sparse; refuse anything else.

    Args:
        path: The file.
        needed: The beginning of the error: the kind of array that is needed.

    Raises:
        InputError: no such file, or no array.
    """
    found = read_matrix(path)
    if not (isinstance(found, np.ndarray) or is_sparse(found) or hands_out_slices(found)):
        raise InputError(f"{needed}, not a list of edges or bins: {path}")
    return found


def read_mask(path: str | Path, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Read a mask of a matrix: an array of its shape that is 1, or True, where nothing was measured, else 0.

    Args:
        path: A file of an array as :func:`gnnmax.detection.matrix_files.read_matrix` takes it, dense or sparse.
        shape: The shape of the matrix.

    Raises:
        InputError: no such file, no array, another shape, or other values.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder, "mask.npy"), np.eye(2))
        ...     read_mask(Path(folder, "mask.npy"), (2, 2)).tolist()
        [[True, False], [False, True]]
    """
    found = read_entries(path, "a mask is an array, such as a .npy, .npz or .mtx file")
    if tuple(found.shape) != tuple(shape):
        raise InputError(f"the mask {path} has shape {tuple(found.shape)}, not {tuple(shape)}, that of the matrix")
    if len(shape) == 2 and shape[0] * shape[1] > LARGEST:
        raise InputError(f"a mask has at most {LARGEST:,} entries, not {shape[0] * shape[1]:,}: mark them with NaN")
    mask: Any = found.toarray() if is_sparse(found) else found if isinstance(found, np.ndarray) else found[:, :]
    if mask.dtype.kind != "b" and (mask.dtype.kind not in "iuf" or not ((mask == 0) | (mask == 1)).all()):
        raise InputError(f"a mask holds 1 where nothing was measured and 0 elsewhere: {path} has other values")
    return np.asarray(mask, dtype=np.bool_)
