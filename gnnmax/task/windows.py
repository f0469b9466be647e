"""Windows of an adjacency matrix, as a struct of arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array, plain_layout
from gnnmax.task.label import KINDS, check_windows, is_centred, kind_of, margin, offset_of
from gnnmax.task.noise import SPIKE, NoiseModel
from gnnmax.task.symmetry import Permutations, permuted, relabellings
from gnnmax.task.window_views import WindowViews

__all__ = ["FIELDS", "Field", "LabelRule", "Windows", "checked_labels", "windows_hint"]

LabelRule = Literal["observed", "planted"]


@dataclass(frozen=True)
class Field:
    """One array of :class:`Windows`: its layout for every reader and writer of windows.

    Attributes:
        name: Its name in :class:`Windows`, in stored shards and in Parquet tables.
        axes: Axes of its shape: ``N`` windows, ``r`` rows and ``c`` columns, ``k`` each, or a number.
        dtype: Type of its entries.
        limits: Least and greatest entry in a stored data set: a number, or the name of one that depends on the recipe,
            negated by a minus sign in front.
        present: ``always``; ``contexts``: if the recipe has contexts; ``amplitude``: if the plant has one.

    Example:
        >>> FIELDS["offset"].shape(100, 9), FIELDS["row_context"].shape(100, 9)
        ((100, 2), (100, 9, 9))
        >>> FIELDS["offset"].range({"half": 4})
        (-4, 4)
    """

    name: str
    axes: tuple[str, ...]
    dtype: type[np.generic]
    limits: tuple[float | str, float | str]
    present: Literal["always", "contexts", "amplitude"] = "always"

    def shape(self, n: int, k: int) -> tuple[int, ...]:
        """Return the shape that the field has in ``n`` windows of side ``k``."""
        sizes = {"N": n, "r": k, "c": k}
        return tuple(sizes[axis] if axis in sizes else int(axis) for axis in self.axes)

    def range(self, known: Mapping[str, float]) -> tuple[float, float]:
        """Return the least and the greatest entry, given the numbers that :attr:`limits` names."""
        low, high = (
            limit
            if not isinstance(limit, str)
            else -known[limit.removeprefix("-")]
            if limit.startswith("-")
            else known[limit]
            for limit in self.limits
        )
        return low, high


_LARGEST = float(np.finfo(np.float32).max)
_FINITE = (-_LARGEST, _LARGEST)


FIELDS = {
    field.name: field
    for field in (
        Field("values", ("N", "r", "c"), np.float32, _FINITE),
        Field("observed", ("N",), np.bool_, (0, 1)),
        Field("planted", ("N",), np.bool_, (0, 1)),
        Field("kind_code", ("N",), np.uint8, (0, len(KINDS) - 1)),
        Field("offset", ("N", "2"), np.int16, ("-half", "half")),
        Field("margin", ("N",), np.float32, ("-lead", "lead")),
        Field("graph", ("N",), np.int64, ("first graph", "last graph")),
        Field("rows", ("N", "r"), np.int64, (0, "last node")),
        Field("columns", ("N", "c"), np.int64, (0, "last node")),
        Field("row_context", ("N", "r", "r"), np.float32, _FINITE, "contexts"),
        Field("column_context", ("N", "c", "c"), np.float32, _FINITE, "contexts"),
        Field("amplitude", ("N",), np.float32, (0, 100), "amplitude"),
    )
}
"""Every array of :class:`Windows`, by name and in order. Checks, relabelling, storage and exports read this table."""


@dataclass(frozen=True, eq=False, repr=False)
class Windows(WindowViews):
    """N windows of side k, one array per field, all with the same first axis.

    Attributes:
        values: Weights ``A[R, C]``, shape ``(N, k, k)``, float32. NaN means "not observed".
        observed: Whether the centre is the strict maximum of ``values``, shape ``(N,)``, bool.
        planted: Whether the centre is the planted entry, whatever noise did to the values, shape ``(N,)``, bool. Label
            noise flips this field alone; ``noise.flips`` is the share of flipped labels.
        kind_code: Codes into :data:`gnnmax.task.label.KINDS`, shape ``(N,)``, uint8; :attr:`kind` gives the names.
        offset: Position of the maximum (in a noise recipe: of the planted entry) relative to the centre, shape
            ``(N, 2)``, int16; in a data set ``(0, 0)`` exactly where the label is true, or was before it was flipped.
        margin: Centre minus the largest other entry in units of the window's standard deviation, ``(N,)``, float32.
        graph: Index of the host that a window was cut from, shape ``(N,)``, int64.
        rows: Node of each row, shape ``(N, k)``, int64; the middle one is the centre's.
        columns: Node of each column, shape ``(N, k)``, int64.
        label_rule: Which of ``observed`` and ``planted`` is the :attr:`label`.
        row_context: ``A[R, R]``, shape ``(N, k, k)``, float32, or None if the recipe has no contexts.
        column_context: ``A[C, C]``, as ``row_context``.
        amplitude: Amplitude of the peak planted in noise, shape ``(N,)``, float32; None if there is none.
        noise: The law of that noise, the shape of the peak and the share of flipped labels: with ``amplitude``, the
            knowledge of the Bayes rule.
        names: For each graph whose nodes have names, these by the nodes' numbers; tables and pictures show them.

    Example:
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(100, 5, 5)).astype("float32"))
        >>> len(w), w.k, len(w[w.label]) == int(w.label.sum())
        (100, 5, True)
        >>> moved = w.relabelled(np.random.default_rng(1))
        >>> bool((moved.label == w.label).all())
        True
    """

    values: npt.NDArray[np.float32]
    observed: npt.NDArray[np.bool_]
    planted: npt.NDArray[np.bool_]
    kind_code: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int16]
    margin: npt.NDArray[np.float32]
    graph: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    label_rule: LabelRule = "observed"
    row_context: npt.NDArray[np.float32] | None = None
    column_context: npt.NDArray[np.float32] | None = None
    amplitude: npt.NDArray[np.float32] | None = None
    noise: NoiseModel = SPIKE
    names: Mapping[int, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.label_rule not in ("observed", "planted"):
            raise InputError(f"label_rule must be 'observed' or 'planted', not {self.label_rule!r}")
        sizes = {"2": 2}
        for name, given in self.arrays().items():
            array = _as_field(FIELDS[name], given)
            object.__setattr__(self, name, array)
            axes = ["k" if axis in ("r", "c") else axis for axis in FIELDS[name].axes]
            if array.ndim != len(axes):
                raise InputError(f"field {name} must have shape ({', '.join(axes)}), not {array.shape}")
            for axis, size in zip(axes, array.shape, strict=True):
                if sizes.setdefault(axis, size) != size:
                    raise InputError(f"field {name} has {axis} = {size} where {axis} = {sizes[axis]} was expected")
        if (self.row_context is None) != (self.column_context is None):
            raise InputError("row_context and column_context come together: give both or neither")

    @classmethod
    def from_values(cls, values: npt.ArrayLike, label: npt.ArrayLike | None = None) -> Windows:
        """Make windows from your own array.

        Values are stored in float32; an array whose labels this rounding would change is refused. A float32 array is
        not copied: do not change it afterwards. Kind, offset and margin come from the values. Each window counts as a
        graph of its own, with nodes ``0 .. 2k - 1``.

        Args:
            values: Real numbers, shape ``(N, k, k)``, ``k`` odd and at least 3. NaN means "not observed".
            label: Booleans (or zeros and ones), shape ``(N,)``, the planted label; None takes the observed label.

        Raises:
            InputError: wrong shape, side or type, values beyond float32, or rounding to it would change a label.

        Example:
            >>> w = Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, 7]]])
            >>> bool(w.label[0]), str(w.kind[0]), w.offset[0].tolist()
            (True, 'centred', [0, 0])
        """
        given = check_windows(values)
        if given.ndim != 3:
            raise InputError(
                f"values must have shape (N, k, k), not {given.shape}: stack the windows on one first axis"
            )
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(given, dtype=np.float32)
        if (np.isinf(stored) & np.isfinite(given)).any():
            raise InputError("some values are beyond what float32 can hold (3.4e38): rescale them")
        observed = is_centred(stored)
        changed = int((observed != is_centred(given)).sum())
        if changed:
            raise InputError(
                f"rounding to float32 would change the label of {changed} of {len(given)} windows: "
                "rescale the values or replace them by their ranks"
            )
        n, k = stored.shape[:2]
        nodes = np.arange(2 * k, dtype=np.int64)
        return cls(
            values=stored,
            observed=observed,
            planted=observed if label is None else checked_labels(label, n),
            kind_code=kind_of(stored),
            offset=offset_of(stored),
            margin=margin(stored).astype(np.float32),
            graph=np.arange(n, dtype=np.int64),
            rows=np.tile(nodes[:k], (n, 1)),
            columns=np.tile(nodes[k:], (n, 1)),
            label_rule="observed" if label is None else "planted",
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Windows]) -> Windows:
        """Join windows of the same side, label rule, noise and fields, in order.

        Args:
            parts: A list or tuple of windows.

        Raises:
            InputError: nothing to join, no windows, or the parts differ in side, label rule, noise or optional fields.

        Example:
            >>> w = Windows.from_values(np.arange(18).reshape(2, 3, 3))
            >>> len(Windows.concatenate([w, w[:1]]))
            3
        """
        if not isinstance(parts, Sequence) or not all(isinstance(part, Windows) for part in parts):
            raise InputError(f"concatenate takes a list of Windows, not {type(parts).__name__}: pass list(parts)")
        if not parts:
            raise InputError("nothing to concatenate: give at least one set of windows")
        signatures = {(part.k, part.label_rule, part.noise, tuple(part.arrays())) for part in parts}
        if len(signatures) > 1:
            raise InputError(
                "the parts differ in side k, label rule, noise or optional fields: give parts that agree in these"
            )
        if len(parts) == 1:
            return parts[0]
        columns: dict[str, Any] = {
            name: np.concatenate([part.arrays()[name] for part in parts]) for name in parts[0].arrays()
        }
        names = {graph: own for part in parts for graph, own in part.names.items()}
        return dataclasses.replace(parts[0], **columns, names=names)

    @property
    def label(self) -> npt.NDArray[np.bool_]:
        """The label chosen by the recipe, shape ``(N,)``, bool."""
        return self.observed if self.label_rule == "observed" else self.planted

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the fields that are arrays and present, by name, in order.

        Example:
            >>> list(Windows.from_values(np.ones((2, 3, 3))).arrays())[:3]
            ['values', 'observed', 'planted']
        """
        return {name: array for name in FIELDS if (array := getattr(self, name)) is not None}

    def __getitem__(self, index: Any) -> Windows:
        """Select windows by a slice, mask or index array; an integer selects one and keeps the first axis."""
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= index < len(self):
                raise IndexError(f"window {index} of {len(self)}")
            index = slice(index, index + 1 or None)
        if hasattr(index, "detach") or hasattr(index, "to_numpy"):
            index = as_array(index, "an index of windows")
        chosen: dict[str, Any] = {name: array[index] for name, array in self.arrays().items()}
        return dataclasses.replace(self, **chosen)

    def relabelled(self, rng: np.random.Generator) -> Windows:
        """Relabel rows and columns of each window at random around its fixed centre.

        Label, kind and margin do not change; the offset moves with the maximum.

        Raises:
            InputError: ``rng`` is not a generator.

        Example:
            >>> w = Windows.from_values(np.arange(9).reshape(1, 3, 3))
            >>> w.relabelled(np.random.default_rng(0)).values[0, 1, 1]
            np.float32(4.0)
        """
        rows = relabellings(len(self), self.k, rng)
        columns = relabellings(len(self), self.k, rng)
        return self.permuted(rows, columns)

    def permuted(self, rows: Permutations, columns: Permutations) -> Windows:
        """Apply one pair of centre-fixing permutations to each window.

        Args:
            rows: Shape ``(N, k)``: the old position of each new row; ``rows[:, k // 2] == k // 2``.
            columns: The same for the columns.

        Raises:
            InputError: not one permutation for each window, or one that moves the centre and would change the label.

        Example:
            >>> w = Windows.from_values(np.arange(9).reshape(1, 3, 3))
            >>> w.permuted(np.array([[2, 1, 0]]), np.array([[0, 1, 2]])).offset.tolist()
            [[-1, 1]]
        """
        middle = self.k // 2
        rows, columns = as_array(rows, "rows"), as_array(columns, "columns")
        for name, given in (("rows", rows), ("columns", columns)):
            if given.shape != self.rows.shape or (np.sort(given, axis=1) != np.arange(self.k)).any():
                raise InputError(
                    f"{name} must hold one permutation of 0 to {self.k - 1} for each of {len(self)} windows"
                )
        if (rows[:, middle] != middle).any() or (columns[:, middle] != middle).any():
            raise InputError("a permutation moves the centre, and with it the label: permute around a fixed centre")
        place = self.offset.astype(np.intp) + middle
        moved = [np.argsort(p, axis=1)[np.arange(len(self)), place[:, a]] for a, p in enumerate((rows, columns))]
        by_axis = {"r": rows, "c": columns}
        changed: dict[str, Any] = {"offset": (np.stack(moved, axis=1) - middle).astype(np.int16)}
        for name, array in self.arrays().items():
            match [by_axis[axis] for axis in FIELDS[name].axes if axis in by_axis]:
                case [one]:
                    changed[name] = np.take_along_axis(array, one, axis=1)
                case [first, second]:
                    changed[name] = permuted(array, first, second)
        return dataclasses.replace(self, **changed)

    def transposed(self) -> Windows:
        """Swap rows and columns, in the contexts too. Label, kind and margin do not change.

        Example:
            >>> w = Windows.from_values([[[0, 9, 0], [1, 2, 3], [0, 0, 0]]])
            >>> w.transposed().offset.tolist()
            [[0, -1]]
        """
        return dataclasses.replace(
            self,
            values=np.ascontiguousarray(self.values.transpose(0, 2, 1)),
            offset=np.ascontiguousarray(self.offset[:, ::-1]),
            rows=self.columns,
            columns=self.rows,
            row_context=_turned(self.column_context),
            column_context=_turned(self.row_context),
        )


def windows_hint(given: Any) -> str:
    """Say how to make windows of something else, as the end of an error.

    Example:
        >>> windows_hint(np.zeros((2, 3, 3)))
        'pass Windows.from_values(values)'
    """
    splits = getattr(given, "splits", None)
    if isinstance(splits, Mapping) and splits:
        return f"pass one of its splits, such as data.{'test' if 'test' in splits else next(iter(splits))}"
    return "pass Windows.from_values(values)"


def _as_field(field: Field, given: Any) -> npt.NDArray[Any]:
    """Return an array in the layout that every library reads; refuse one of another type."""
    array = plain_layout(given) if isinstance(given, np.ndarray) else as_array(given, f"field {field.name}")
    if array.dtype != field.dtype:
        wanted = np.dtype(field.dtype)
        raise InputError(
            f"field {field.name} must be {wanted}, not {array.dtype}: convert it, or pass Windows.from_values(values)"
        )
    return array


def _turned(context: npt.NDArray[np.float32] | None) -> npt.NDArray[np.float32] | None:
    """Transpose contexts; those of an undirected host are symmetric."""
    return None if context is None else np.ascontiguousarray(context.transpose(0, 2, 1))


def checked_labels(label: npt.ArrayLike, n: int | None = None) -> npt.NDArray[np.bool_]:
    """Return labels as booleans of shape ``(n,)``, or refuse them.

    Raises:
        InputError: not one-dimensional, of another length, or holding anything but booleans, zeros and ones.

    Example:
        >>> checked_labels([0, 1, 1], 3)
        array([False,  True,  True])
    """
    given = as_array(label, "labels")
    if given.ndim != 1 or (n is not None and len(given) != n):
        raise InputError(f"labels must have shape ({'N' if n is None else n},), not {given.shape}: one per window")
    if given.dtype == np.bool_:
        return given
    if given.dtype.kind not in "iuf" or not np.isin(given, (0, 1)).all():
        raise InputError("labels must be booleans or zeros and ones: True where the window is centred")
    return given.astype(np.bool_)
