"""Windows cut out of maps: the task of windows on the ground truth of maps."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.subgraphs.subgraph import Subgraph
from gnnmax.data.subgraphs.window_extraction import CUTS, Cut, blocks, centres
from gnnmax.errors import InputError, unknown_name
from gnnmax.task.label import KINDS, is_centred, margin, offset_of
from gnnmax.task.maps import Maps
from gnnmax.task.noise import SPIKE, NoiseModel
from gnnmax.task.peaks import Peaks
from gnnmax.task.windows import FIELDS, Windows

__all__ = ["cut_windows", "paired_places"]

Places = npt.NDArray[np.int64]
CENTRED, SHIFTED, BACKGROUND = (KINDS.index(kind) for kind in ("centred", "shifted", "background"))


def cut_windows(
    maps: Maps, k: int, *, places: npt.ArrayLike | None = None, cut: Cut = "contiguous", contexts: bool = True
) -> Windows:
    """Cut windows of side ``k`` out of maps.

    The label is the planted one: True where the centre is a peak. ``kind`` is ``centred``, ``shifted`` (a peak inside,
    not at the centre) or ``background`` (none inside); the offset points at the nearest peak inside, else at the
    largest other entry. Rows and columns are the nodes' true places along the host, and share no node unless the map is
    bipartite, whose columns are numbered after its rows. Windows of Gaussian or lognormal maps without a background
    carry the amplitude of their peak, so that the rule ``bayes`` is exact on those that are centred or shifted.

    Args:
        maps: The maps.
        k: Side of the windows, odd.
        places: Map, row and column of each centre, shape ``(W, 3)``; None cuts a window around every entry that can be
            a centre, each pair of a symmetric map once. :func:`gnnmax.data.maps.cutting.paired_places` draws a balanced
            set.
        cut: ``contiguous``: k consecutive rows and columns, an image tile; ``neighbours``: each end and the nodes that
            are joined to it most strongly, in the matrix's order (not for bipartite maps).
        contexts: Whether windows carry ``A[R, R]`` and ``A[C, C]``; bipartite maps have none.

    Raises:
        InputError: an even or small side, no window that fits, or a place that cannot be a centre.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> maps = build(load_recipe("line-64").replace(splits={"test": 1})).test
        >>> cut_windows(maps, 9)
        Windows(N=1128, k=9, label=planted, centred=0.001)
    """
    if not isinstance(maps, Maps):
        raise InputError(
            f"windows are cut out of Maps, not of {type(maps).__name__}: pass Maps.from_values(values, structure=...)"
        )
    if not isinstance(k, (int, np.integer)) or k < 3 or k % 2 == 0:
        raise InputError(f"a window's side k must be an odd integer and at least 3, not {k!r}: choose 3, 5, 7, ...")
    if cut not in CUTS:
        raise unknown_name("cut", cut, CUTS)
    if cut == "neighbours" and maps.structure == "bipartite":
        raise InputError("bipartite maps have no weights among rows, so no neighbours: use cut = 'contiguous'")
    wanted = None if places is None else _checked(places, maps)
    parts: list[dict[str, Any]] = []
    for index in range(len(maps)) if wanted is None else np.unique(wanted[:, 0]).tolist():
        one = _Graph(maps, index)
        centre = one.centres(k, cut)
        if wanted is not None:
            own = wanted[wanted[:, 0] == index, 1:]
            fits = one.marked(centre)
            for row, column in own.tolist():
                if (
                    max(row - fits.shape[0], column - fits.shape[1]) >= 0
                    or min(row, column) < 0
                    or not fits[row, column]
                ):
                    raise InputError(
                        f"no window of side {k} has its centre at ({row}, {column}) of map {index}: leave it out"
                    )
            centre = own
        if len(centre):
            parts.append(one.cut(centre, k, cut, contexts=contexts and maps.structure != "bipartite"))
    if not parts:
        raise InputError(f"no window of side {k} fits into these maps: choose a smaller k")
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if wanted is not None:
        joined = _in_given_order(joined, wanted)
    return _windows(maps, joined)


def paired_places(maps: Maps, k: int, rng: np.random.Generator) -> Places:
    """Choose centres of both classes in equal numbers: each peak, and for each a place that is off by a random offset.

    The offset is uniform among those that keep the peak in a contiguous window of side ``k`` that fits into the map. A
    peak without such a window is left out.

    Args:
        maps: The maps.
        k: Side of the windows.
        rng: The only source of randomness.

    Returns:
        Map, row and column, shape ``(W, 3)``: the peaks, then the other centres in the same order.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> maps = build(load_recipe("line-64").replace(splits={"test": 40})).test
        >>> places = paired_places(maps, 9, np.random.default_rng(0))
        >>> float(cut_windows(maps, 9, places=places).label.mean())
        0.5
    """
    peaks = maps.peaks.places
    taken = {tuple(place) for place in peaks.tolist()}
    steps = np.argwhere(np.ones((k, k), dtype=np.bool_)) - k // 2
    steps = steps[(steps != 0).any(axis=1)]
    pairs: list[tuple[list[int], list[int]]] = []
    for index in np.unique(peaks[:, 0]).tolist():
        graph = _Graph(maps, index)
        fits = graph.marked(graph.centres(k, "contiguous"))
        for row, column in peaks[peaks[:, 0] == index, 1:].tolist():
            near = np.array([row, column]) + steps
            near = near[((near >= 0) & (near < fits.shape)).all(axis=1)]
            near = near[fits[near[:, 0], near[:, 1]]]
            others = [[index, *place] for place in near.tolist() if (index, *place) not in taken]
            if fits[row, column] and others:
                pairs.append(([index, row, column], others[int(rng.integers(len(others)))]))
    return np.array([*(first for first, _ in pairs), *(other for _, other in pairs)], dtype=np.int64).reshape(-1, 3)


class _Graph:
    """One map as a subgraph from which windows are cut."""

    def __init__(self, maps: Maps, index: int) -> None:
        self._maps, self._index = maps, index
        rows, columns = maps.size[index].tolist()
        self._values = np.ascontiguousarray(maps.values[index, :rows, :columns])
        self._bipartite = maps.structure == "bipartite"
        peaks = maps.peak_position[index]
        self._peaks = peaks[peaks[:, 0] >= 0]
        self._amplitude = maps.peak_amplitude[index, : len(self._peaks)]

    @cached_property
    def subgraph(self) -> Subgraph:
        """The map as a subgraph: every entry that is not 0 is an edge, as in the adjacency matrix of a host."""
        edges = ~np.isnan(self._values) & (self._values != 0)
        directed = self._maps.structure == "directed"
        return Subgraph(np.arange(len(self._values)), self._values, edges, directed)

    def centres(self, k: int, cut: Cut) -> Places:
        """List the positions that can be the centre of a window; of a symmetric map, those above the diagonal."""
        rows, columns = self._values.shape
        half = k // 2
        if self._bipartite:
            inner = np.ones((max(rows - 2 * half, 0), max(columns - 2 * half, 0)), dtype=np.bool_)
            return np.argwhere(inner) + half
        everywhere = Subgraph(np.arange(rows), self._values, np.ones((rows, rows), np.bool_))
        found = centres(self.subgraph if cut == "neighbours" else everywhere, k, cut)
        return found[found[:, 0] < found[:, 1]] if self._maps.structure == "symmetric" else found

    def marked(self, places: Places) -> npt.NDArray[np.bool_]:
        """Mark places of the map."""
        fits = np.zeros(self._values.shape, dtype=np.bool_)
        fits[tuple(places.T)] = True
        return fits

    def cut(self, centre: Places, k: int, cut: Cut, *, contexts: bool) -> dict[str, npt.NDArray[Any]]:
        """Cut windows around centres, and find the peak of each."""
        if self._bipartite:
            steps = np.arange(k) - k // 2
            rows, columns = centre[:, :1] + steps, centre[:, 1:] + steps
            values = self._values[rows[:, :, None], columns[:, None, :]]
        else:
            rows, columns = CUTS[cut](self.subgraph, centre, k)
            values = blocks(self._values, rows, columns)
        kind, offset, amplitude = self._found(rows, columns)
        row_place, column_place = self._maps.row_place[self._index], self._maps.column_place[self._index]
        after = len(row_place) if self._bipartite else 0
        found: dict[str, npt.NDArray[Any]] = {
            "values": values,
            "kind_code": kind,
            "offset": offset,
            "amplitude": amplitude,
            "rows": row_place[rows],
            "columns": column_place[columns] + after,
            "graph": np.full(len(centre), self._maps.graph[self._index]),
        }
        if contexts:
            found["row_context"], found["column_context"] = (
                blocks(self._values, side, side) for side in (rows, columns)
            )
        return found

    def _found(self, rows: Places, columns: Places) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Return kind, offset of the nearest peak inside, and its amplitude, of each window."""
        half = rows.shape[1] // 2
        kind = np.full(len(rows), BACKGROUND, dtype=np.uint8)
        offset = np.full((len(rows), 2), rows.shape[1], dtype=np.int16)
        amplitude = np.zeros(len(rows), dtype=np.float32)
        turned = self._maps.structure == "symmetric"
        for peak, height in zip(self._peaks.tolist(), self._amplitude.tolist(), strict=True):
            for row, column in (peak, peak[::-1]) if turned else (peak,):
                in_row, in_column = rows == row, columns == column
                here = np.stack([in_row.argmax(axis=1), in_column.argmax(axis=1)], axis=1) - half
                nearer = np.abs(here).max(axis=1) < np.abs(offset).max(axis=1)
                nearer &= in_row.any(axis=1) & in_column.any(axis=1)
                offset[nearer], amplitude[nearer] = here[nearer], height
                kind[nearer] = np.where((here[nearer] == 0).all(axis=1), CENTRED, SHIFTED)
        return kind, offset, amplitude


def _checked(places: npt.ArrayLike, maps: Maps) -> Places:
    """Return places as an array of map, row and column, or refuse them."""
    found = Peaks.of(places).places
    if not len(found) or found[:, 0].min() < 0 or found[:, 0].max() >= len(maps):
        raise InputError(f"places must name at least one centre, in maps from 0 to {len(maps) - 1}")
    if maps.structure == "symmetric":
        found = np.column_stack([found[:, 0], np.sort(found[:, 1:], axis=1)])
    return found


def _in_given_order(joined: dict[str, npt.NDArray[Any]], wanted: Places) -> dict[str, npt.NDArray[Any]]:
    """Sort windows, which were cut map by map, into the order of the given places."""
    order = np.empty(len(wanted), dtype=np.intp)
    order[np.argsort(wanted[:, 0], kind="stable")] = np.arange(len(wanted))
    return {name: array[order] for name, array in joined.items()}


def _windows(maps: Maps, joined: dict[str, npt.NDArray[Any]]) -> Windows:
    """Complete the fields of windows that follow from their values."""
    values, model = joined["values"], maps.model
    without = joined["kind_code"] == BACKGROUND
    hollow = values[without].copy()
    middle = values.shape[1] // 2
    hollow[:, middle, middle] = np.nan
    joined["offset"][without] = offset_of(hollow)
    known = maps.background is None and not (model.law == "poisson" and model.radius) and not max(model.block)
    if model.law == "poisson":
        joined["amplitude"] = joined["amplitude"] * np.float32(model.base)  # in counts, as windows have it
    if not known:
        del joined["amplitude"]
    arrays: dict[str, Any] = {name: array.astype(FIELDS[name].dtype, copy=False) for name, array in joined.items()}
    return Windows(
        **arrays,
        observed=is_centred(values),
        planted=joined["kind_code"] == CENTRED,
        margin=margin(values).astype(np.float32),
        label_rule="planted",
        noise=NoiseModel(model.law, model.base, model.radius) if known and model.law != "bernoulli" else SPIKE,
    )
