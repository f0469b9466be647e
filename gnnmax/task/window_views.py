"""Views of windows: as text, tables and pictures, and as objects of other libraries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.label import KINDS
from gnnmax.task.plotting import draw_matrix, grid_of_axes, mark_entry
from gnnmax.task.public import public
from gnnmax.task.tabulation import Shown, TableText, data_frame, number_text, percent_text

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

__all__ = ["WindowViews"]


class WindowViews(Shown):
    """Base of :class:`gnnmax.task.windows.Windows`: its views; the fields are those of windows."""

    values: npt.NDArray[np.float32]
    kind_code: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int16]
    margin: npt.NDArray[np.float32]
    graph: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    label_rule: Any
    amplitude: npt.NDArray[np.float32] | None
    names: Mapping[int, tuple[str, ...]]

    @property
    def k(self) -> int:
        """Side of the windows."""
        return int(self.values.shape[1])

    @property
    def label(self) -> npt.NDArray[np.bool_]:
        """The label, shape ``(N,)``."""
        raise NotImplementedError

    @property
    def kind(self) -> npt.NDArray[np.str_]:
        """Names of the kinds, shape ``(N,)``."""
        return np.array(KINDS)[self.kind_code]

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __repr__(self) -> str:
        share = float(self.label.mean()) if len(self) else float("nan")
        return f"Windows(N={len(self)}, k={self.k}, label={self.label_rule}, centred={share:.3f})"

    def tables(self) -> list[TableText]:
        """Return a table of the kinds: windows, share labelled centred, and median margin."""
        rows = []
        for code, kind in enumerate(KINDS):
            own = self.kind_code == code
            if own.any():
                centred, middle = float(self.label[own].mean()), float(np.median(self.margin[own]))
                rows.append([kind, f"{int(own.sum()):,}", percent_text(centred), number_text(middle)])
        return [TableText(repr(self), ["kind", "windows", "centred", "median margin"], rows)]

    def names_of(self, index: int) -> tuple[list[str], list[str]]:
        """Return the names of the rows and of the columns of a window: numbers, where the nodes have no names.

        Example:
            >>> from gnnmax import Windows
            >>> Windows.from_values(np.eye(3)[None]).names_of(0)
            (['0', '1', '2'], ['3', '4', '5'])
        """
        known = self.names.get(int(self.graph[index]))
        sides = (self.rows[index].tolist(), self.columns[index].tolist())
        rows, columns = ([str(node) if known is None else known[node] for node in side] for side in sides)
        return rows, columns

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame, one row a window: label, kind, offset, margin, graph, the centre's nodes and value.

        Where nodes have names, ``row_name`` and ``column_name`` are those of the centre.

        Raises:
            InputError: pandas is not installed.

        Example:
            >>> from gnnmax import Windows
            >>> frame = Windows.from_values(np.eye(3)[None]).to_pandas()
            >>> bool(frame.label[0]), frame.kind[0], int(frame.offset_row[0])
            (False, 'tied', -1)
        """
        middle = self.k // 2
        extra: dict[str, Any] = {} if self.amplitude is None else {"amplitude": self.amplitude}
        if self.names:
            centres = [[side[middle] for side in self.names_of(index)] for index in range(len(self))]
            extra |= {"row_name": [row for row, _ in centres], "column_name": [column for _, column in centres]}
        return data_frame(
            {
                "label": self.label,
                "kind": self.kind.astype(object),
                "offset_row": self.offset[:, 0],
                "offset_column": self.offset[:, 1],
                "margin": self.margin,
                "graph": self.graph,
                "row": self.rows[:, middle],
                "column": self.columns[:, middle],
                "value": self.values[:, middle, middle],
                **extra,
            }
        )

    def to_pyg(self, **options: Any) -> list[Any]:
        """Convert each window to a ``Data`` of torch_geometric, see :func:`gnnmax.to_data` for the options."""
        graphs: list[Any] = public("to_data")(self, **options)
        return graphs

    def save(self, path: str | Path, *, split: str = "test", force: bool = False) -> Path:
        """Write the windows into a folder that :func:`gnnmax.open_dataset` reads, as its only split.

        Args:
            path: The folder to write, which must be absent or empty.
            split: Name of the split.
            force: Whether to replace an existing data set.

        Returns:
            The folder.

        Raises:
            InputError: no windows, a name that no split can have, or a folder in use.
        """
        folder: Path = public("save_dataset")({split: self}, path, force=force)
        return folder

    def plot(self, most: int = 12) -> tuple[Figure, npt.NDArray[Any]]:
        """Draw some windows, spread evenly: darker is larger, the centre is framed, the title is the label and kind.

        Args:
            most: Largest number of windows to draw.

        Returns:
            A figure of matplotlib, which ``figure.savefig(path)`` writes, and its axes, one for each window.

        Raises:
            InputError: there is no window.

        Example:
            >>> from gnnmax import Windows
            >>> figure, axes = Windows.from_values(np.eye(3)[None]).plot()
            >>> axes[0].get_title()
            'not centred, tied'
        """
        if not len(self) or most < 1:
            raise InputError("there is no window to draw: give at least one, and most = 1 or more")
        chosen = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).astype(np.intp))
        figure, every = grid_of_axes(len(chosen), side=1.6)
        for axes, index in zip(every, chosen.tolist(), strict=True):
            draw_matrix(axes, self.values[index])
            mark_entry(axes, self.k // 2, self.k // 2)
            if self.names:
                rows, columns = self.names_of(index)
                axes.set_yticks(range(self.k), rows, fontsize=5)
                axes.set_xticks(range(self.k), columns, fontsize=5, rotation=90)
            said = "centred" if self.label[index] else "not centred"
            kind = str(self.kind[index])
            axes.set_title(said if kind == "centred" else f"{said}, {kind.replace('_', ' ')}", fontsize=8)
        return figure, every
