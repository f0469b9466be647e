"""The maxima of two matrices, gained, lost or kept: as an object, a picture and a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.detection.maxima import Dropped, Places
from gnnmax.detection.search_options import Mode
from gnnmax.detection.table import Column, Detections
from gnnmax.task.plotting import COLOURS, axes_for, logarithmic
from gnnmax.task.tabulation import Shown, TableText, data_frame

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DIFFERENCE_COLUMNS", "DifferenceTable", "Differences"]

Floats = npt.NDArray[np.float64]

SHOWN = 20
"""Number of maxima that a table shows."""

COMPACT = ("i", "j", "row", "column", "change", "around_a", "around_b", "log_ratio", "q")
"""Columns that a table shows; the file has all."""

CHANGES = ("gained", "lost", "kept")


@dataclass(frozen=True, eq=False, repr=False)
class Differences(Shown):
    """The maxima of the sum of two matrices, each gained, lost or kept; see :func:`gnnmax.find_differences`.

    All arrays have shape ``(M,)``; a pair holds one of the first and one of the second matrix.

    Attributes:
        rows: Row of each.
        columns: Its column.
        values: Its entry in both matrices.
        around: The two numbers that are compared: sums of counts, or means of values, over the window around it.
        are_maxima: Whether it is a maximum of either matrix by itself.
        p: Two-sided p-value of "nothing changed but the depth".
        q: The least false-discovery rate of a list that contains it; 1 where no difference could be significant.
        rise: Above 0 where the second matrix is higher than expected, below 0 where it is lower.
        log_ratio: Binary logarithm of second over first, the ratio of the depths taken out; NaN where there is none.
        rate: The false-discovery rate that was asked for.
        law: ``counts`` or ``values``.
        side: Side of the window that is compared.
        mode: Mode of the search.
        depth: Depth of the second matrix over that of the first; None for values.
        spread: How much counts scatter beyond Poisson's law: given the sum ``n`` of two, the variance is
            ``1 + spread * n`` times that of the binomial law; None for values.
        names: Names of the rows and of the columns, if the matrices have them; else None.
        dropped: What each filter dropped from the maxima of the sum, in the order applied.
    """

    rows: Places
    columns: Places
    values: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    around: tuple[Floats, Floats]
    are_maxima: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]
    p: Floats
    q: Floats
    rise: Floats
    log_ratio: Floats
    rate: float
    law: Literal["counts", "values"]
    side: int
    mode: Mode
    depth: float | None = None
    spread: float | None = None
    names: tuple[tuple[Any, ...], tuple[Any, ...]] | None = None
    dropped: tuple[Dropped, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Differences:
        """Select maxima by slice, mask or indices."""
        single = ("rows", "columns", "p", "q", "rise", "log_ratio")
        chosen: dict[str, Any] = {name: getattr(self, name)[index] for name in single}
        pairs = ("values", "around", "are_maxima")
        chosen |= {name: tuple(part[index] for part in getattr(self, name)) for name in pairs}
        return replace(self, **chosen)

    @property
    def change(self) -> npt.NDArray[np.str_]:
        """``gained`` or ``lost`` where q is at most the rate, else ``kept``."""
        return np.where(self.q > self.rate, "kept", np.where(self.rise > 0, "gained", "lost"))

    @property
    def gained(self) -> Differences:
        """The maxima that the second matrix has gained."""
        return self[self.change == "gained"]

    @property
    def lost(self) -> Differences:
        """The maxima that it has lost."""
        return self[self.change == "lost"]

    @property
    def places(self) -> list[tuple[int, int]]:
        """Row and column of each."""
        return list(zip(self.rows.tolist(), self.columns.tolist(), strict=True))

    def most_significant_first(self) -> Differences:
        """Sort by p-value, equal ones by row and column."""
        return self[np.lexsort((self.columns, self.rows, self.p, self.q))]

    def counted(self) -> dict[str, int]:
        """Count the maxima by change."""
        change = self.change
        return {name: int((change == name).sum()) for name in CHANGES}

    def __repr__(self) -> str:
        found = ", ".join(f"{number:,} {name}" for name, number in self.counted().items())
        return f"<Differences: {found} at a false-discovery rate of {self.rate:g}, {self.law}, mode {self.mode}>"

    def table(self) -> DifferenceTable:
        """Return the table that is written to files."""
        second = self.values[1]
        return DifferenceTable(self.rows, self.columns, second, second.dtype, names=self.names, differences=self)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with the columns of :data:`DIFFERENCE_COLUMNS`, one row a maximum.

        Raises:
            InputError: pandas is not installed.
        """
        return data_frame({name: filled.entries for name, filled in self.table().filled().items()})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON: how it was compared, and the counts; without the rows."""
        plain = {name: getattr(self, name) for name in ("rate", "law", "side", "mode", "depth", "spread")}
        return {**plain, "maxima": len(self), **self.counted(), "filters": [one._asdict() for one in self.dropped]}

    def tables(self) -> list[TableText]:
        """Return a table of the most significant changes."""
        filled = {name: column for name, column in self[:SHOWN].table().filled().items() if name in COMPACT}
        rows = [[_shown(entry) for entry in row] for row in zip(*(f.entries for f in filled.values()), strict=True)]
        notes = [f"and {len(self) - SHOWN:,} more"] if len(self) > SHOWN else []
        notes += [f"{one.dropped:,} of {one.of:,} maxima dropped: {one.filter}" for one in self.dropped if one.dropped]
        if self.depth is not None:
            notes.append(f"depth of the second matrix over the first: {self.depth:.4g}")
        if self.spread:
            notes.append(f"counts scatter more than Poisson's law says: 1 + {self.spread:.3g} n times its variance")
        return [TableText(repr(self)[1:-1], list(filled), rows, notes)]

    def plot(self, *, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw each maximum by the size of its neighbourhood and its change: log ratio of counts, or difference.

        Args:
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.
        """
        figure, axes = axes_for(ax, 6.0, 4.0)
        first, second = self.around
        counts = self.law == "counts"
        level, height = (first + second, self.log_ratio) if counts else ((first + second) / 2, second - first)
        for name, colour in zip(CHANGES, (COLOURS[0], COLOURS[4], "#adb5bd"), strict=True):
            at = self.change == name
            axes.scatter(level[at], height[at], s=14, color=colour, label=f"{int(at.sum()):,} {name}")
        axes.axhline(0, lw=0.6, color="grey")
        if counts and (level > 0).any():
            logarithmic(axes, "x")
        axes.legend(frameon=False)
        axes.set(
            xlabel="counts around the maximum, both matrices" if counts else "mean around the maximum",
            ylabel="log2 of second over first, depths taken out" if counts else "second less first",
            title=f"gained and lost maxima, false-discovery rate {self.rate:g}",
        )
        return figure, axes


def _shown(entry: Any) -> str:
    return "" if entry is None else f"{entry:.4g}" if isinstance(entry, float) else str(entry)


@dataclass(frozen=True, eq=False)
class DifferenceTable(Detections):
    """The table of differences, which :func:`gnnmax.detection.output.write_table` writes.

    Attributes:
        differences: The differences.
    """

    differences: Differences | None = None

    @property
    def listed(self) -> tuple[Column, ...]:
        """The columns of the table."""
        return DIFFERENCE_COLUMNS

    def __getitem__(self, index: slice) -> DifferenceTable:
        """Select a part of the table by slice."""
        assert self.differences is not None
        return self.differences[index].table()


def _of(read: Callable[[Differences], Any]) -> Callable[[Any], Any]:
    return lambda table: read(table.differences)


def _name(axis: int) -> Callable[[Any], Any]:
    def read(found: Differences) -> list[str] | None:
        places = (found.rows, found.columns)[axis].tolist()
        names = found.names
        return None if names is None else [str(names[axis][place]) for place in places]

    return _of(read)


DIFFERENCE_COLUMNS: tuple[Column, ...] = (
    Column("i", "row, from 0", int, lambda table: table.rows),
    Column("j", "column, from 0", int, lambda table: table.columns),
    Column("row", "name of the row", str, _name(0)),
    Column("column", "name of the column", str, _name(1)),
    Column("change", "gained, lost or kept", str, _of(lambda found: found.change)),
    Column("value_a", "entry of the first matrix", None, _of(lambda found: found.values[0])),
    Column("value_b", "entry of the second matrix", None, _of(lambda found: found.values[1])),
    Column("around_a", "sum of counts, or mean of values, around the entry in the first matrix", float,
           _of(lambda found: found.around[0])),
    Column("around_b", "the same in the second matrix", float, _of(lambda found: found.around[1])),
    Column("log_ratio", "binary logarithm of second over first, depths taken out; empty if there is none", float,
           _of(lambda found: np.ma.masked_invalid(found.log_ratio))),
    Column("p", "two-sided p-value of no change but the depth", float, _of(lambda found: found.p)),
    Column("q", "least false-discovery rate of a list that contains the maximum", float, _of(lambda found: found.q)),
    Column("maximum_a", "whether it is a maximum of the first matrix", bool, _of(lambda found: found.are_maxima[0])),
    Column("maximum_b", "whether it is a maximum of the second matrix", bool, _of(lambda found: found.are_maxima[1])),
)  # fmt: skip
"""The columns of the table of differences, in their order."""
