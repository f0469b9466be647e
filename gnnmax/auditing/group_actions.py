"""Group actions on windows, one element for each window: rearrange rows and columns, or map values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.task.label import KINDS, is_centred, kind_of, margin, offset_of
from gnnmax.task.symmetry import Permutations, permuted
from gnnmax.task.windows import Windows

__all__ = ["GroupAction", "Rearrangement", "ValueMap", "batched", "with_values"]

Scores = npt.NDArray[np.float64]
Knots = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
_CENTRED, _SHIFTED = KINDS.index("centred"), KINDS.index("shifted")
_PEAKED = [KINDS.index(kind) for kind in ("centred", "shifted", "runner_up")]


@dataclass(frozen=True, eq=False)
class Rearrangement:
    """Rearrange rows and columns, then transpose if ``turned``.

    Every relabelling, translation, flip and quarter turn, and the transposition, is a rearrangement.

    Attributes:
        rows: Old position of each new row, shape ``(N, k)``.
        columns: Old position of each new column, shape ``(N, k)``.
        turned: Whether rows and columns change places afterwards.

    Example:
        >>> still, roll = np.array([[0, 1, 2]]), np.array([[2, 0, 1]])
        >>> w = Windows.from_values([[[0, 0, 0], [0, 9, 0], [0, 0, 0]]])
        >>> moved = Rearrangement(still, roll)(w)
        >>> moved.offset.tolist(), moved.label.tolist()
        ([[0, 1]], [False])
    """

    rows: Permutations
    columns: Permutations
    turned: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Rearrangement:
        """Select elements by a slice, mask or index array."""
        return Rearrangement(self.rows[index], self.columns[index], self.turned)

    def __call__(self, windows: Windows) -> Windows:
        """Rearrange each window, its contexts and its nodes by its own element; the label is that of the new centre."""
        middle = windows.k // 2
        fixed = (self.rows[:, middle] == middle).all() and (self.columns[:, middle] == middle).all()
        moved = windows.permuted(self.rows, self.columns) if fixed else self._moved(windows)
        return moved.transposed() if self.turned else moved

    def _moved(self, windows: Windows) -> Windows:
        """Rearrange windows whose centre moves, and recompute the fields that depend on it."""
        n, middle = len(windows), windows.k // 2
        place = windows.offset.astype(np.intp) + middle
        new = [np.argsort(p, axis=1)[np.arange(n), place[:, a]] for a, p in enumerate((self.rows, self.columns))]
        offset = (np.stack(new, axis=1) - middle).astype(np.int16)
        peaked = np.isin(windows.kind_code, _PEAKED)
        centred = peaked & (offset == 0).all(axis=1)
        contexts: dict[str, Any] = {
            name: permuted(array, order, order)
            for name, order in (("row_context", self.rows), ("column_context", self.columns))
            if (array := getattr(windows, name)) is not None
        }
        if windows.label_rule == "planted":
            kind = np.where(peaked, np.where(centred, _CENTRED, _SHIFTED), windows.kind_code).astype(np.uint8)
            windows = dataclasses.replace(windows, offset=offset, kind_code=kind)
        moved: Windows = dataclasses.replace(
            with_values(windows, permuted(windows.values, self.rows, self.columns)),
            planted=centred,
            rows=np.take_along_axis(windows.rows, self.rows, axis=1),
            columns=np.take_along_axis(windows.columns, self.columns, axis=1),
            **contexts,
        )
        return moved

    def cropped(self, k: int) -> Rearrangement:
        """Restrict the rearrangement to the inner ``k`` rows and columns; to the identity if it moves others there."""
        edge = (self.rows.shape[1] - k) // 2
        rows, columns = (order[:, edge : edge + k] - edge for order in (self.rows, self.columns))
        if all(((order >= 0) & (order < k)).all() for order in (rows, columns)):
            return Rearrangement(rows, columns, self.turned)
        still = np.tile(np.arange(k), (len(self), 1))
        return Rearrangement(still, still)

    @property
    def size(self) -> float:
        """Number of rows and columns of all windows that change their position."""
        return float(sum((p != np.arange(p.shape[1])).sum() for p in (self.rows, self.columns)) + self.turned)

    def words(self) -> str:
        """Describe the action on the one window.

        Example:
            >>> Rearrangement(np.array([[2, 1, 0]]), np.array([[0, 1, 2]])).words()
            'swap rows 0 and 2'
        """
        parts = [_arranged(p[0], name) for p, name in ((self.rows, "rows"), (self.columns, "columns"))]
        parts.append("transpose" if self.turned else "")
        return ", then ".join(part for part in parts if part) or "nothing"


def _arranged(order: npt.NDArray[np.intp], name: str) -> str:
    moved = np.flatnonzero(order != np.arange(len(order))).tolist()
    if len(moved) > 2 and (order == np.arange(len(order))[::-1]).all():
        return f"reverse the {name}"
    if len(moved) == 2:
        return f"swap {name} {moved[0]} and {moved[1]}"
    return f"put {name} in the order {' '.join(map(str, order))}" if moved else ""


@dataclass(frozen=True, eq=False)
class ValueMap:
    """Strictly increasing maps of the real numbers: linear between knots, with one slope beyond the outer knots.

    Attributes:
        knots: For each window its knots and their images, both increasing.
        slopes: For each window the slope beyond the knots.

    Example:
        >>> w = Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, 7]]])
        >>> ValueMap.affine([2.0], [1.0])(w).values[0, 1]
        array([ 7., 19.,  9.], dtype=float32)
    """

    knots: tuple[Knots, ...]
    slopes: tuple[float, ...]

    @classmethod
    def affine(cls, slopes: Sequence[float], shifts: Sequence[float]) -> ValueMap:
        """Make the map ``slope * x + shift`` for each window."""
        knots = tuple((np.zeros(1), np.array([float(shift)])) for shift in shifts)
        return cls(knots, tuple(map(float, slopes)))

    @classmethod
    def between(cls, before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> ValueMap:
        """Make the maps between the values of each window, shape ``(N, k, k)``, and others in the same order."""
        knots = []
        for old, new in zip(before, after, strict=True):
            finite = np.isfinite(old)
            sources, first = np.unique(old[finite], return_index=True)
            knots.append((sources.astype(np.float64), new[finite][first].astype(np.float64)))
        return cls(tuple(knots), (1.0,) * len(knots))

    def __len__(self) -> int:
        return len(self.knots)

    def __getitem__(self, index: Any) -> ValueMap:
        """Select elements by a slice, mask or index array."""
        chosen = np.arange(len(self))[index]
        return ValueMap(tuple(self.knots[i] for i in chosen), tuple(self.slopes[i] for i in chosen))

    def __call__(self, windows: Windows) -> Windows:
        """Map the values of each window by its own map; the order stays, so only the margin changes."""
        mapped = [self._map(i, values.astype(np.float64)) for i, values in enumerate(windows.values)]
        with np.errstate(
            over="ignore"
        ):  # windows whose values become infinite no longer keep their order, and are left out later
            values = np.reshape(mapped, windows.values.shape).astype(np.float32)
        return dataclasses.replace(windows, values=values, margin=margin(values).astype(np.float32))

    def of_scores(self, scores: Scores) -> Scores:
        """Map the score of each window by the map of its values."""
        return np.array([self._map(i, score) for i, score in enumerate(scores)], dtype=np.float64)

    def _map(self, index: int, x: npt.NDArray[np.float64]) -> Any:
        (sources, targets), slope = self.knots[index], self.slopes[index]
        if not len(sources):
            return x
        low, high = np.minimum(x - sources[0], 0.0), np.maximum(x - sources[-1], 0.0)
        return np.interp(x, sources, targets) + slope * (low + high)

    def cropped(self, k: int) -> ValueMap:
        """Return the map itself: it does not depend on the side."""
        return self

    @property
    def size(self) -> float:
        """Complexity of the maps: their parameters that are not 0 count; fractions count twice, large ones more."""
        numbers = [*self.slopes, *(x for knots in self.knots for part in knots for x in part)]
        return float(sum(1 + min(abs(x), 9) / 10 + (x != np.round(x)) for x in numbers if x))

    def words(self) -> str:
        """Describe the action on the one window.

        Example:
            >>> ValueMap.affine([1], [2]).words(), ValueMap.affine([4], [0]).words()
            ('add 2 to every value', 'multiply every value by 4')
        """
        (sources, targets), slope = self.knots[0], self.slopes[0]
        if len(sources) == 1 and targets[0] == sources[0] == 0:
            return f"multiply every value by {slope:g}"
        if len(sources) == 1 and slope == 1:
            return f"add {targets[0] - sources[0]:g} to every value"
        if len(sources) == 2 and sources[0] == targets[0]:
            return f"add {targets[1] - sources[1]:g} to every value of at least {sources[1]:g}"
        return "map the values " + ", ".join(f"{a:.4g} to {b:.4g}" for a, b in zip(sources, targets, strict=True))


GroupAction = Rearrangement | ValueMap


def batched(actions: Sequence[GroupAction]) -> list[tuple[GroupAction, npt.NDArray[np.intp]]]:
    """Merge actions that can be applied together, each with the positions of its elements in the sequence.

    Args:
        actions: Actions on one window each.
    """
    maps = [i for i, action in enumerate(actions) if isinstance(action, ValueMap)]
    groups: list[tuple[GroupAction, npt.NDArray[np.intp]]] = []
    if maps:
        parts = [action for action in actions if isinstance(action, ValueMap)]
        whole = ValueMap(tuple(p.knots[0] for p in parts), tuple(p.slopes[0] for p in parts))
        groups.append((whole, np.array(maps)))
    for turned in (False, True):
        chosen = [(i, a) for i, a in enumerate(actions) if isinstance(a, Rearrangement) and a.turned == turned]
        if chosen:
            rows, columns = (np.concatenate([getattr(a, f) for _, a in chosen]) for f in ("rows", "columns"))
            groups.append((Rearrangement(rows, columns, turned), np.array([i for i, _ in chosen])))
    return groups


def with_values(windows: Windows, values: npt.NDArray[np.float32]) -> Windows:
    """Give windows other values, and recompute the fields that follow from them; a planted peak keeps its position."""
    found = dataclasses.replace(
        windows, values=values, observed=is_centred(values), margin=margin(values).astype(np.float32)
    )
    if windows.label_rule == "planted":
        return found
    return dataclasses.replace(found, kind_code=kind_of(values), offset=offset_of(values))
