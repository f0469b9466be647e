"""Views of maps: as text, tables and pictures, and as windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.plotting import draw_matrix, grid_of_axes, mark_entry
from gnnmax.task.public import public
from gnnmax.task.tabulation import Shown, TableText, data_frame

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from gnnmax.task.windows import Windows

__all__ = ["MapViews"]


class MapViews(Shown):
    """Base of :class:`gnnmax.task.maps.Maps`: its views; the fields are those of maps."""

    values: npt.NDArray[np.float32]
    size: npt.NDArray[np.int64]
    graph: npt.NDArray[np.int64]
    peak_position: npt.NDArray[np.int64]
    structure: Any
    row_block: npt.NDArray[np.bool_] | None
    column_block: npt.NDArray[np.bool_] | None

    @property
    def n(self) -> int:
        """Number of rows of the largest map."""
        return int(self.values.shape[1])

    @property
    def peaks(self) -> Any:
        """The peaks of all maps."""
        raise NotImplementedError

    def along_host(self, peaks: Any = None) -> Any:
        """Return places as true places along the host."""
        raise NotImplementedError

    @property
    def peak_count(self) -> npt.NDArray[np.int64]:
        """Number of peaks of each map, shape ``(M,)``."""
        return np.asarray((self.peak_position[..., 0] >= 0).sum(axis=1))

    @property
    def membership(self) -> npt.NDArray[np.bool_]:
        """Which nodes are in the hidden block, shape ``(M, n)``; of bipartite maps rows, then columns: ``(M, n + m)``.

        Raises:
            InputError: the maps are not of a kind that hides blocks.
        """
        if self.row_block is None or self.column_block is None:
            raise InputError("these maps hide no blocks: draw them from a recipe whose plant is a block")
        if self.structure != "bipartite":
            return self.row_block
        return np.concatenate([self.row_block, self.column_block], axis=1)

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __repr__(self) -> str:
        planted = (
            f"peaks={len(self.peaks):,}" if self.row_block is None else f"blocks={self.row_block.any(axis=1).sum():,}"
        )
        return f"Maps(M={len(self)}, {_span(self.size)}, structure={self.structure}, {planted})"

    def tables(self) -> list[TableText]:
        """Return a table of the maps by their number of peaks."""
        counts = self.peak_count
        rows = [
            [f"{peaks}", f"{int((counts == peaks).sum()):,}", _span(self.size[counts == peaks])]
            for peaks in np.unique(counts).tolist()
        ]
        return [TableText(repr(self), ["peaks a map", "maps", "size"], rows)]

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame, one row a peak: map, graph, position, true place along the host, amplitude, value.

        Raises:
            InputError: pandas is not installed.

        Example:
            >>> from gnnmax import Maps
            >>> maps = Maps.from_values(np.eye(4), structure="directed", peaks=[[0, 3, 1]])
            >>> maps.to_pandas().loc[0, ["row", "column"]].tolist()
            [3, 1]
        """
        peaks, true = self.peaks, self.along_host()
        return data_frame(
            {
                "map": peaks.map,
                "graph": self.graph[peaks.map],
                "row": peaks.row,
                "column": peaks.column,
                "row_place": true.row,
                "column_place": true.column,
                "amplitude": peaks.amplitude,
                "value": self.values[peaks.map, peaks.row, peaks.column],
            }
        )

    def windows(self, k: int, **options: Any) -> Windows:
        """Cut windows of side ``k`` out of the maps, see :func:`gnnmax.cut_windows` for the options."""
        found: Windows = public("cut_windows")(self, k, **options)
        return found

    def plot(self, most: int = 6) -> tuple[Figure, npt.NDArray[Any]]:
        """Draw some maps, spread evenly: darker is larger, peaks are framed.

        Args:
            most: Largest number of maps to draw.

        Returns:
            A figure of matplotlib, which ``figure.savefig(path)`` writes, and its axes, one for each map.

        Raises:
            InputError: there is no map.

        Example:
            >>> from gnnmax import Maps
            >>> figure, axes = Maps.from_values(np.eye(4), structure="directed", peaks=[[0, 3, 1]]).plot()
            >>> axes[0].get_title()
            'map 0, 1 peak'
        """
        if not len(self) or most < 1:
            raise InputError("there is no map to draw: give at least one, and most = 1 or more")
        chosen = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).astype(np.intp))
        figure, every = grid_of_axes(len(chosen), side=3.0, columns=3)
        for axes, index in zip(every, chosen.tolist(), strict=True):
            rows, columns = self.size[index].tolist()
            draw_matrix(axes, self.values[index, :rows, :columns])
            own = self.peak_position[index, self.peak_position[index, :, 0] >= 0]
            for row, column in own.tolist():
                mark_entry(axes, row, column)
            planted = f"{len(own)} peak{'' if len(own) == 1 else 's'}"
            if self.row_block is not None and self.column_block is not None:
                planted = f"block of {self.row_block[index].sum()} x {self.column_block[index].sum()}"
            axes.set_title(f"map {index}, {planted}", fontsize=8)
        return figure, every


def _span(size: npt.NDArray[np.int64]) -> str:
    """Write the sizes of some maps: ``n=64``, ``n=32..64``, ``n=64, m=128``."""
    texts = []
    for name, own in zip("nm", size.T.tolist(), strict=True):
        texts.append(f"{name}={min(own, default=0)}" + (f"..{max(own)}" if len(set(own)) > 1 else ""))
    rows, columns = size.T
    return texts[0] if np.array_equal(rows, columns) else ", ".join(texts)
