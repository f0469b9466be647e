"""The profile of every row or column of a matrix: its entries as ranks, in few numbers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from gnnmax.detection.matrix import MatrixSource
from gnnmax.errors import InputError

__all__ = ["Axis", "axis_profiles"]

Axis = Literal["nodes", "rows", "columns"]
"""The thing that has an order: the nodes of a graph, which are rows and columns at once; or rows, or columns, alone."""

Floats = npt.NDArray[np.float32]

ENTRIES = 2**22
"""Most entries that are ranked and compared: of a larger matrix, some columns are chosen at random."""

FEWEST = 256
"""Fewest columns that are chosen."""

DIMENSIONS = (256, 64)
"""Numbers that stand for a long sparse row: up to :data:`MANY` rows, and above."""

MANY = 2**14
STRIP = 128


def axis_profiles(source: MatrixSource, axis: Axis, rng: np.random.Generator) -> Floats:
    """Return one vector for each node, row or column; their inner products say how similar these are.

    The entries become ranks among all measured entries, from -1/2 to 1/2; equal entries share their mean rank. A
    missing entry is 0: it makes no two rows similar. Of ``nodes``, the entry of a node with itself is the largest of
    all, whatever the matrix holds there: so two nodes are similar if their other entries are, and if the entry between
    them is high. The vectors are centred, and their mean square length is 1.

    If nodes are relabelled, the vectors are relabelled with them and nothing else changes: the columns to compare are
    drawn without regard to the order, and long sparse rows are projected at random.

    Args:
        source: The matrix.
        axis: What has an order. The profile of a node is its row, and its column too if the matrix is directed.
        rng: The source of the choice and of the projection; not used for a matrix of up to 2,048 x 2,048.

    Returns:
        Shape ``(n, d)``, float32.

    Example:
        >>> from gnnmax.detection.matrix_input import as_source
        >>> rows = np.array([[0.0, 1.0, 2.0], [0.5, 1.5, 2.5], [9.0, 8.0, 7.0]])
        >>> found = axis_profiles(as_source(rows), "rows", np.random.default_rng(0))
        >>> (10 * found @ found[0]).astype(int).tolist()
        [7, 4, -12]
    """
    if axis != "nodes":
        profiles = _profiles(source, rng, of_columns=axis == "columns", one_set=False)
    elif source.undirected:
        profiles = _profiles(source, rng, of_columns=True, one_set=True)
    else:
        parts = [_profiles(source, rng, of_columns=columns, one_set=True) for columns in (False, True)]
        profiles = np.concatenate(parts, axis=1)
    profiles -= profiles.mean(axis=0, dtype=np.float64).astype(np.float32)
    length = float(np.sqrt(np.square(profiles).sum(axis=1, dtype=np.float64).mean()))
    return profiles / np.float32(length if length > 0 else 1.0)


def _profiles(source: MatrixSource, rng: np.random.Generator, *, of_columns: bool, one_set: bool) -> Floats:
    n, m = source.shape[::-1] if of_columns else source.shape
    known_zeros = source.sparse and (source.unstored == "missing" or source.skips_zeros)
    if known_zeros and n * m > ENTRIES:
        return _projected(source, rng, of_columns=of_columns, one_set=one_set)
    width = min(m, max(FEWEST, ENTRIES // n))
    chosen = np.arange(m) if width == m else np.sort(rng.choice(m, width, replace=False))
    values, known = _entries(source, chosen, of_columns=of_columns)
    if one_set:
        known[chosen, np.arange(len(chosen))] = False
    if not known.any():
        raise InputError(f"no entry of the {n} x {m} matrix was measured{' outside the diagonal' * one_set}")
    profiles = np.zeros((n, len(chosen)), dtype=np.float32)
    profiles[known] = _centred(rankdata(values[known]), int(known.sum()))
    if one_set:
        profiles[chosen, np.arange(len(chosen))] = 0.5
    return profiles


def _centred(ranks: Any, total: int) -> Any:
    """Map ranks from 1 to ``total`` to numbers between -1/2 and 1/2."""
    return (ranks - (total + 1) / 2) / max(total, 1)


def _entries(
    source: MatrixSource, chosen: npt.NDArray[np.intp], *, of_columns: bool
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Read some columns of a matrix, or some rows turned into columns, and whether each entry was measured."""
    n, m = source.shape
    if of_columns:
        blocks = [source.block(row, 0, 1, m, (0, 0)) for row in chosen.tolist()]
        values = np.concatenate([block.values for block in blocks]).T
        known = np.concatenate([_known(block) for block in blocks]).T
        return values, known
    strips = (source.block(row, 0, min(STRIP, n - row), m, (0, 0)) for row in range(0, n, STRIP))
    parts = [(block.values[:, chosen], _known(block)[:, chosen]) for block in strips]
    return np.concatenate([values for values, _ in parts]), np.concatenate([known for _, known in parts])


def _known(block: Any) -> npt.NDArray[np.bool_]:
    return np.ones(block.values.shape, dtype=np.bool_) if block.missing is None else ~block.missing


def _projected(source: MatrixSource, rng: np.random.Generator, *, of_columns: bool, one_set: bool) -> Floats:
    """Project the rank profiles of sparse rows at random: inner products stay, but for noise of 1 / sqrt(d)."""
    from scipy.sparse import csr_array

    values, rows, columns = (np.concatenate(part) for part in zip(*source.measured(), strict=True))
    n, m = source.shape[::-1] if of_columns else source.shape
    rows, columns = (columns, rows) if of_columns else (rows, columns)
    if one_set:
        off = rows != columns
        values, rows, columns = values[off], rows[off], columns[off]
    if not len(values) and source.unstored == "missing":
        raise InputError(f"no entry of the {n} x {m} matrix is stored{' outside the diagonal' * one_set}")
    cells = n * m - (n if one_set else 0)
    zeros = 0 if source.unstored == "missing" else cells - len(values)
    below, equal, total = int((values < 0).sum()), int((values == 0).sum()), len(values) + zeros
    ranks = rankdata(values) + zeros * (values > 0) + zeros / 2 * (values == 0)
    of_zero = _centred(below + (equal + zeros + 1) / 2, total) if zeros else 0.0
    entries = _centred(ranks, total) - of_zero
    if one_set:
        each = np.arange(n)
        entries = np.concatenate([entries, np.full(n, 0.5 - of_zero)])
        rows, columns = np.concatenate([rows, each]), np.concatenate([columns, each])
    dimensions = DIMENSIONS[0] if n <= MANY else DIMENSIONS[1]
    signs = rng.integers(0, 2, size=(m, dimensions), dtype=np.int8).astype(np.float32) * 2 - 1
    signs /= np.float32(np.sqrt(dimensions))
    stored = csr_array((entries.astype(np.float32), (rows, columns)), shape=(n, m))
    return np.asarray(stored @ signs + np.float32(of_zero) * signs.sum(axis=0), dtype=np.float32)
