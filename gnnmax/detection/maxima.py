"""The maxima of a matrix, one row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gnnmax.detection.bedpe import bedpe_columns
from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.halves import UNCHECKED, Symmetry
from gnnmax.detection.search_options import Mode
from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array
from gnnmax.task.plotting import COLOURS, axes_for, draw_matrix
from gnnmax.task.tabulation import Shown, TableText, data_frame

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Dropped", "Maxima", "Places", "descending_order", "margin_over", "sorted_by_value"]

Places = npt.NDArray[np.intp]


class Dropped(NamedTuple):
    """The number of maxima that a filter dropped.

    Attributes:
        filter: The filter, as the command spells it, such as ``--min-distance 5``.
        dropped: The number of maxima that it dropped; in an undirected matrix each pair counts once.
        of: The number of maxima that it was given.
    """

    filter: str
    dropped: int
    of: int


@dataclass(frozen=True, eq=False, repr=False)
class Maxima(Shown):
    """The maxima of a matrix, the largest first, equal ones by row, then by column.

    Attributes:
        rows: Row of each, shape ``(M,)``.
        columns: Its column.
        values: Its value, in the type of the matrix.
        margin: By how much it exceeds the largest other entry of its window (of its row and column, in graph mode), in
            the matrix's own units, float64; 0 at a tie, ``inf`` where there is no other.
        ties: Number of other entries of the window that are as large.
        missing: Number of entries of the window that were not measured or lie outside the matrix; 0 in graph mode.
        mode: ``ordered`` or ``graph``.
        k: Rows and columns of the windows; None in graph mode.
        names: Names of the rows and of the columns, if the input has them; else None.
        scores: The values after normalisation, float64. The search compares these, ``margin`` is theirs, and the
            largest is first. None without normalisation.
        steps: Names of the normalisations, in the order applied.
        symmetry: How the two halves of the matrix agree, and whether it was read as undirected.
        prominence: How far one must go down from each to reach a higher entry, float64; None if the search did not ask
            for it.
        members: Number of maxima that were merged into each, itself included; None if the search did not ask for it.
        extent: First row, last row, first column and last column of these, shape ``(M, 4)``; likewise.
        centroid: Row and column of the centroid of its window, shape ``(M, 2)``, float64, NaN where there is none; None
            if the search did not ask for it.
        dropped: What each filter dropped, in the order applied.
        bins: The bins of a genome that rows and columns are, if the input has them; else None.
        attributes: Attributes of the nodes that the search was asked for, by name, one array over all nodes each.
        scale: Side of the largest windows in which each is a maximum, the longer one if they are not square; None if
            the search has one scale.
        scales: All scales at which each is a maximum, as text, such as ``"5,9"``; None if there is one.
        labels: The label of each: a whole number, or those of its row and column as text; None without labels.
    """

    rows: Places
    columns: Places
    values: npt.NDArray[Any]
    margin: npt.NDArray[np.float64]
    ties: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]
    mode: Mode
    k: tuple[int, int] | None
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    scores: npt.NDArray[np.float64] | None = None
    steps: tuple[str, ...] = ()
    symmetry: Symmetry = UNCHECKED
    prominence: npt.NDArray[np.float64] | None = None
    members: npt.NDArray[np.int64] | None = None
    extent: npt.NDArray[np.int64] | None = None
    centroid: npt.NDArray[np.float64] | None = None
    dropped: tuple[Dropped, ...] = ()
    bins: GenomeBins | None = None
    attributes: Mapping[str, npt.NDArray[Any]] | None = None
    scale: npt.NDArray[np.int64] | None = None
    scales: npt.NDArray[Any] | None = None
    labels: npt.NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        """Yield ``(row, column, value)``, one tuple a maximum."""
        return iter(zip(self.rows.tolist(), self.columns.tolist(), self.values.tolist(), strict=True))

    def __getitem__(self, index: Any) -> Maxima:
        """Select maxima by slice, mask or indices; a whole number selects one."""
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            if not -len(self) <= index < len(self):
                raise IndexError(f"maximum {index} of {len(self)}")
            index = slice(index, index + 1 or None)
        chosen = {name: getattr(self, name)[index] for name in _COLUMNS}
        for name in _OPTIONAL:
            column = getattr(self, name)
            chosen[name] = None if column is None else column[index]
        return replace(self, **chosen)

    def __repr__(self) -> str:
        sides = "" if self.k is None else f", windows {self.k[0]} x {self.k[1]}"
        largest = f", the largest {self.values[0]:g} at {self._named(0)}" if len(self) else ""
        return f"<Maxima: {len(self):,}, mode {self.mode}{sides}{largest}>"

    def _named(self, index: int) -> str:
        """Write the position of a maximum, by names if the matrix has any."""
        row, column = int(self.rows[index]), int(self.columns[index])
        return f"({row}, {column})" if self.names is None else f"({self.names[0][row]}, {self.names[1][column]})"

    def columns_by_name(self) -> dict[str, npt.NDArray[Any]]:
        """Return one array a column, as the table of ``gnnmax detect`` has them.

        ``i`` and ``j`` are row and column, ``row`` and ``column`` their names, if there are any.
        """
        found: dict[str, npt.NDArray[Any]] = {"i": self.rows, "j": self.columns}
        if self.names is not None:
            rows, columns = (np.array([str(name) for name in side], dtype=object) for side in self.names)
            found |= {"row": rows[self.rows], "column": columns[self.columns]}
        found |= self.node_columns()
        found["value"] = self.values
        if self.scores is not None:
            found["score"] = self.scores
        found |= {"margin": self.margin, "ties": self.ties, "missing": self.missing}
        further = {"prominence": self.prominence, "scale": self.scale, "scales": self.scales, "label": self.labels}
        return found | {name: column for name, column in further.items() if column is not None} | self.measures()

    def node_columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the attributes of the node of the row, and of that of the column, of each maximum, by name."""
        sides = {"row": self.rows, "column": self.columns}
        attributes = (self.attributes or {}).items()
        return {f"{side}_{name}": found[places] for name, found in attributes for side, places in sides.items()}

    def measures(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of merged maxima and of centroids, by name; none if the search did not ask for them."""
        found: dict[str, npt.NDArray[Any]] = {} if self.members is None else {"members": self.members}
        for names, parts in ((EXTENT, self.extent), (CENTROID, self.centroid)):
            found |= {} if parts is None else dict(zip(names, parts.T, strict=True))
        return found

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame, one row a maximum, the largest first.

        Raises:
            InputError: pandas is not installed.

        Example:
            >>> from gnnmax import find_maxima
            >>> find_maxima(np.diag([1.0, 5.0, 2.0]), k=3).to_pandas()[["i", "j", "value"]].values.tolist()
            [[1.0, 1.0, 5.0]]
        """
        return data_frame(self.columns_by_name())

    def to_bedpe(self) -> pandas.DataFrame:
        r"""Return a data frame in BEDPE, one row a maximum, the largest first; the matrix has bins of a genome.

        ``score`` is the number by which maxima are sorted; columns of :meth:`columns_by_name` follow the ten of BEDPE.
        Write it by ``to_csv(path, sep="\t", index=False)``.

        Raises:
            InputError: rows and columns are no bins of a genome, or pandas is not installed.

        Example:
            >>> from gnnmax import find_maxima
            >>> find_maxima(np.diag([1.0, 5.0, 2.0]), k=3).to_bedpe()
            Traceback (most recent call last):
            ...
            gnnmax.errors.InputError: BEDPE needs bins of a genome, as a contact map has them: write .csv instead
        """
        return data_frame(bedpe_columns(self.bins, self.rows, self.columns, self.columns_by_name()))

    def tables(self) -> list[TableText]:
        """Return a table of the largest maxima."""
        shown = {name: column[:SHOWN] for name, column in self.columns_by_name().items()}
        rows = [
            [f"{entry:g}" if isinstance(entry, float) else str(entry) for entry in row]
            for row in zip(*(column.tolist() for column in shown.values()), strict=True)
        ]
        notes = [f"and {len(self) - SHOWN:,} more"] if len(self) > SHOWN else []
        notes += [self.symmetry.note] if self.symmetry.note else []
        return [TableText(repr(self), list(shown), rows, notes)]

    def plot(self, matrix: Any, *, most: int = 500, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw the maxima over their matrix: darker is larger, each maximum is ringed.

        Args:
            matrix: The matrix that was searched, dense or sparse, of at most 4,096 rows and columns; cut out the part
                to look at of a larger one.
            most: Largest number of maxima to ring, the largest first.
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.

        Raises:
            InputError: a matrix that is too large, or that has no such entries.

        Example:
            >>> from gnnmax import find_maxima
            >>> matrix = np.diag([1.0, 5.0, 2.0])
            >>> figure, axes = find_maxima(matrix, k=3).plot(matrix)
            >>> axes.collections[0].get_offsets().tolist()
            [[1.0, 1.0]]
        """
        dense = as_array(matrix.toarray() if hasattr(matrix, "toarray") else matrix, "the matrix")
        if dense.ndim != 2 or max(dense.shape, default=0) > LARGEST_PICTURE:
            raise InputError(
                f"a picture shows a matrix of at most {LARGEST_PICTURE} rows and columns, not of shape {dense.shape}: "
                "cut out a part"
            )
        if len(self) and (self.rows.max() >= dense.shape[0] or self.columns.max() >= dense.shape[1]):
            raise InputError(f"some maxima lie outside a matrix of shape {dense.shape}: give the matrix searched")
        figure, axes = axes_for(ax, 6.0, 5.2)
        image = draw_matrix(axes, dense.astype(np.float64))
        figure.colorbar(image, ax=axes, label="value")
        some = self[:most]
        axes.scatter(some.columns, some.rows, s=60, facecolors="none", edgecolors=COLOURS[0], linewidths=1.4)
        if self.names is not None and max(dense.shape) <= NAMED:
            axes.set_yticks(range(dense.shape[0]), [str(name) for name in self.names[0]], fontsize=6)
            axes.set_xticks(range(dense.shape[1]), [str(name) for name in self.names[1]], fontsize=6, rotation=90)
        counted = "1 maximum" if len(self) == 1 else f"{len(self):,} maxima"
        axes.set(title=f"{counted}, mode {self.mode}", xlabel="column", ylabel="row")
        return figure, axes


EXTENT = ("first_i", "last_i", "first_j", "last_j")
CENTROID = ("centroid_i", "centroid_j")
"""Names of columns that the table shows if the search was asked for them."""

SHOWN = 20
"""Number of maxima that a table shows."""

NAMED = 60
"""Rows and columns of the largest matrix whose picture shows their names."""

LARGEST_PICTURE = 4096
"""Rows and columns of the largest matrix that a picture shows."""

_COLUMNS = ("rows", "columns", "values", "margin", "ties", "missing")
_OPTIONAL = ("scores", "prominence", "scale", "scales", "labels", "members", "extent", "centroid")


def sorted_by_value(maxima: Maxima) -> Maxima:
    """Sort maxima by value in place, the largest first; equal ones keep their order."""
    order = descending_order(maxima.values)
    for name in (*_COLUMNS, *_OPTIONAL):  # column by column: there may be many maxima, and memory is short
        column = getattr(maxima, name)
        if column is not None and column.any():
            column[:] = column[order]
    return maxima


def margin_over(rivals: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Subtract rivals that are no larger from values; whole numbers are subtracted before they are rounded.

    Example:
        >>> margin_over(np.array([2**62, -(2**63)]), np.array([2**62 + 1, 2**63 - 1]))
        array([1.00000000e+00, 1.84467441e+19])
    """
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            return values.astype(np.float64) - rivals.astype(np.float64)
    difference: npt.NDArray[np.unsignedinteger[Any]] = (values - rivals).view(f"u{values.dtype.itemsize}")
    return difference.astype(np.float64)


PIECE = 2**19
"""Approximate number of values sorted together: more need memory and exceed the processor's cache."""


def descending_order(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the stable order that sorts values from the largest down; none is NaN.

    Cost: two passes of a radix sort; for many values, one more comparison of all of them for each piece.

    Example:
        >>> descending_order(np.array([-0.0, 3, -1, 3, 0], dtype=np.float32))
        array([1, 3, 0, 4, 2])
    """
    if len(values) <= PIECE:
        return _by_digits(values)
    sample = np.sort(values[:: max(1, PIECE // 1024)])
    pieces = -(-len(values) // PIECE)
    cuts = np.unique(sample[len(sample) * np.arange(1, pieces) // pieces])[::-1]
    order, start = np.empty(len(values), dtype=np.intp), 0
    for above, least in pairwise([None, *cuts, None]):
        inside = np.ones(len(values), dtype=np.bool_) if least is None else values >= least
        if above is not None:
            inside &= values < above
        places = np.flatnonzero(inside)
        order[start : start + len(places)] = places[_by_digits(values[places])]
        start += len(places)
    return order


def _by_digits(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Sort in single precision, by the lower half of the bits and then by the upper; correct the rest by a sort."""
    with np.errstate(over="ignore"):
        bits = np.add(values, 0, dtype=np.float32, casting="unsafe").view(np.int32)  # -0.0 becomes 0.0
    bits ^= (bits >> 31) & np.int32(2**31 - 1)  # as integers with a sign they are in order now
    bits = ~bits
    order = np.argsort(bits.astype(np.uint16), kind="stable")
    order = order[np.argsort((bits >> 16).astype(np.int16)[order], kind="stable")]
    if values.dtype == np.float32:
        return order
    ordered = values[order]
    if (ordered[1:] > ordered[:-1]).any():  # nearly in order: the sort takes little more than a pass
        order = order[np.argsort(-ordered if values.dtype.kind == "f" else ~ordered, kind="stable")]
    return order
