"""Two matrices of the same nodes, with the same entries measured, and their sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import NamedMatrix, as_source, check_unstored
from gnnmax.detection.search_options import SearchOptions
from gnnmax.detection.storage import Places
from gnnmax.errors import InputError

__all__ = ["Pair", "pair_of"]

LARGEST_DENSE = 2**27
"""Entries of the largest pair that is held whole: dense matrices, and sparse ones with a mask or with NaN."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two matrices of the same nodes.

    Attributes:
        a: The first matrix; an entry that was not measured in both is missing.
        b: The second one, its nodes in the sequence of the first.
        pooled: Their sum, to be searched.
    """

    a: MatrixSource
    b: MatrixSource
    pooled: NamedMatrix

    def are_counts(self) -> bool:
        """Find out whether all entries are whole numbers of at least 0."""
        return all(((v >= 0) & (v == np.floor(v)) & np.isfinite(v)).all() for v in self._values())

    def lowest(self) -> Any:
        """Return the lowest entry of both matrices."""
        return min((values.min() for values in self._values() if len(values)), default=0)

    def are_finite(self) -> bool:
        """Find out whether all entries are finite."""
        return all(np.isfinite(values).all() for values in self._values())

    def _values(self) -> Iterator[npt.NDArray[Any]]:
        yield from (values for source in (self.a, self.b) for values, _, _ in source.measured())


def pair_of(a: Any, b: Any, options: SearchOptions) -> Pair:
    """Read two matrices of any supported kind; nodes that have names are matched by these.

    Args:
        a: A matrix, see :func:`gnnmax.find_maxima`.
        b: Another one of the same nodes.
        options: How they are read: unstored and missing entries, the diagonal, breaks, and whether they are directed;
            the pair is undirected if both matrices are.

    Raises:
        InputError: other shapes, other names, no entry measured in both, or too many entries.
    """
    shared = ("unstored", "missing", "diagonal", "directed", "breaks", "weight")
    given = {name: getattr(options, name) for name in shared}
    first = as_source(a, **given)
    # A mask is that of the first matrix: nodes of the second may come in another sequence.
    second = as_source(b, **{**given, "missing": None})
    unstored, diagonal = options.unstored, options.diagonal
    check_unstored(unstored, first, second)
    if first.shape != second.shape:
        shapes = " and ".join(f"{n} x {m}" for n, m in (first.shape, second.shape))
        raise InputError(f"two matrices of the same nodes have one shape, not {shapes}: give both the same nodes")
    places = None if first.names is None or second.names is None else _matched(first.names, second.names)
    names = second.names if first.names is None else first.names
    plain = first.sparse and second.sparse and all(one.missing is None and _whole(one) for one in (first, second))
    if plain:
        one, other, pooled = _sparse_pair((first, second), places)
    else:
        one, other, pooled = _dense_pair((first, second), places)
        unstored = "zero"
    one_way = not (first.undirected and second.undirected)
    breaks, bins = _genome_of(first, second, in_sequence=places is None)
    named = [NamedMatrix(matrix, names, None, one_way, breaks, bins=bins) for matrix in (one, other, pooled)]
    first, second = (as_source(matrix, unstored=unstored, diagonal=diagonal) for matrix in named[:2])
    return Pair(first, second, named[2])


def _genome_of(
    first: MatrixSource, second: MatrixSource, *, in_sequence: bool
) -> tuple[tuple[Places, Places] | None, GenomeBins | None]:
    """Return breaks and bins of the first matrix; those of the second if it alone says them, in the same sequence."""
    said = [first, second] if in_sequence else [first]
    breaks = next((one.breaks.inner for one in said if one.breaks is not None), None)
    return breaks, next((one.bins for one in said if one.bins is not None), None)


def _sparse_pair(sources: tuple[MatrixSource, MatrixSource], places: tuple[Places, Places] | None) -> tuple[Any, ...]:
    one, other = (source.matrix.tocsr() for source in sources)
    if places is not None:
        other = other[places[0]][:, places[1]].tocsr()
        other.sort_indices()
    if sources[0].unstored == "missing":
        one, other = _common(one, other)
        pooled = one.copy()
        pooled.data = _wide(one.data) + _wide(other.data)
        return one, other, pooled
    pooled = _wide_matrix(one) + _wide_matrix(other)
    pooled.sort_indices()
    return one, other, pooled


def _whole(source: MatrixSource) -> bool:
    return source.matrix.dtype.kind != "f" or not np.isnan(source.matrix.tocsr().data).any()


def _matched(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Places, Places] | None:
    """Return the rows and the columns of the second matrix in the sequence of the first; None if they agree."""
    found = []
    for side, *both in zip(("row", "column"), one, other, strict=True):
        mine, theirs = ([str(name) for name in names] for names in both)
        place = {name: at for at, name in enumerate(theirs)}
        strange = next((name for name in mine if name not in place), None)
        if strange is not None or len(place) < len(theirs):
            what = f"only the first has the {side} {strange}" if strange is not None else f"a {side} name comes twice"
            raise InputError(f"two matrices of the same nodes have the same names, but {what:.80}: give both all nodes")
        found.append(np.array([place[name] for name in mine], dtype=np.intp))
    in_sequence = all(np.array_equal(places, np.arange(len(places))) for places in found)
    return None if in_sequence else (found[0], found[1])


def _wide(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values in a type that holds the sum of two."""
    return values.astype(np.float64 if values.dtype.kind == "f" else np.int64)


def _wide_matrix(matrix: Any) -> Any:
    return matrix.astype(np.float64 if matrix.dtype.kind == "f" else np.int64)


def _common(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two sparse matrices with only the entries that both store."""
    from scipy.sparse import csr_array

    def keys(matrix: Any) -> npt.NDArray[np.int64]:
        rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
        return np.asarray(rows * matrix.shape[1] + matrix.indices)

    common, mine, theirs = np.intersect1d(keys(one), keys(other), assume_unique=True, return_indices=True)
    if not len(common):
        raise InputError("the two matrices store no common entry: read unstored ones as zero")
    columns, cuts = common % one.shape[1], np.searchsorted(common // one.shape[1], np.arange(one.shape[0] + 1))
    kept = ((one.data[mine], columns, cuts), (other.data[theirs], columns, cuts))
    first, second = (csr_array(parts, shape=one.shape) for parts in kept)
    return first, second


def _dense_pair(sources: tuple[MatrixSource, MatrixSource], places: tuple[Places, Places] | None) -> tuple[Any, ...]:
    n, m = sources[0].shape
    if n * m > LARGEST_DENSE:
        raise InputError(
            f"two matrices of {n} x {m} are held whole, at most {LARGEST_DENSE:,} entries: give sparse matrices "
            "without missing entries, such as the counts of contact maps, or cut out a part"
        )
    blocks = [replace(source, diagonal=True).block(0, 0, n, m, (0, 0)) for source in sources]
    values = [block.values for block in blocks]
    hidden = [np.zeros((n, m), dtype=np.bool_) if block.missing is None else block.missing for block in blocks]
    if places is not None:
        values[1], hidden[1] = values[1][np.ix_(*places)], hidden[1][np.ix_(*places)]
    joint = hidden[0] | hidden[1]
    if joint.all():
        raise InputError("no entry was measured in both matrices: every one is NaN, masked or not stored in one")
    if joint.any():
        values = [np.where(joint, np.nan, one) for one in values]
    return values[0], values[1], _wide(values[0]) + _wide(values[1])
