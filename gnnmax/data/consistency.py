"""Consistency of stored windows: everything that follows from the recipe alone, without drawing any host.

:mod:`gnnmax.data.verification` checks more, and without the functions of the generator; that takes many times longer
than reading. These checks take about as long as hashing the file does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.chunks import chunks
from gnnmax.data.hosts.families import Complete, Line
from gnnmax.data.hosts.graph_objects import MOST_NODES
from gnnmax.data.imported import Imported
from gnnmax.data.planting.plants import BACKGROUND, CENTRED, CONSTANT, SHIFTED, TIED, Bump, Natural, Noise
from gnnmax.data.recipe import Recipe
from gnnmax.errors import InputError
from gnnmax.task.label import KINDS, is_centred
from gnnmax.task.windows import FIELDS, Windows

__all__ = ["SplitChecker", "StoredPart", "check_imported", "check_part", "windows_of_split"]

Mask = npt.NDArray[np.bool_]

OBSERVED = "observed must say whether the centre is the strict maximum"
OFFSET = "the offset must point at the maximum, or at the planted entry of noise"
MARGIN = "the margin must have the sign of the centre's lead"

OVERFLOW = 60.0
"""Amplitude from which lognormal noise may leave the range of float32."""


@dataclass(frozen=True)
class StoredPart:
    """Consecutive windows of a split, and their position in it.

    Attributes:
        windows: The windows.
        recipe: The recipe of their split alone, as :meth:`Recipe.of` returns it.
        graphs: Indices of the host graphs of the split.
        start: Number of windows of the split before these.
        last_graph: Host of the window before these; the index before the first host if there is none.
        is_last: Whether no window of the split follows.
    """

    windows: Windows
    recipe: Recipe
    graphs: range
    start: int
    last_graph: int
    is_last: bool

    @property
    def is_noisy(self) -> bool:
        """Whether a peak was added to noise."""
        return isinstance(self.recipe.plant, Noise | Bump)

    @property
    def is_natural(self) -> bool:
        """Whether nothing was planted."""
        return isinstance(self.recipe.plant, Natural)

    @property
    def is_finite(self) -> bool:
        """Whether the recipe promises finite values."""
        plant = self.recipe.plant
        return not (isinstance(plant, Noise) and plant.law == "lognormal" and max(plant.levels) > OVERFLOW)

    @cached_property
    def largest(self) -> npt.NDArray[np.float32]:
        """Largest entry of each window, shape ``(N,)``."""
        return np.asarray(self.windows.values.reshape(len(self.windows), -1).max(axis=1))

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """Position of each window among those of its host, if every host has the same number."""
        assert self.recipe.windows_per_graph is not None
        return np.arange(self.start, self.start + len(self.windows)) % self.recipe.windows_per_graph

    def pieces(self) -> Iterator[StoredPart]:
        """Yield the same windows in pieces that fit into the cache."""
        for piece in chunks(len(self.windows)):
            yield StoredPart(
                self.windows[piece], self.recipe, self.graphs, self.start + piece.start, self.last_graph, is_last=False
            )


class SplitChecker:
    """Checks the parts of a stored split, one after the other.

    Args:
        recipe: The recipe of the data set, or the description of an import.
        split: Name of the split.

    Example:
        >>> from gnnmax.data.generation import build
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> data = build(load_recipe("tiny"))
        >>> SplitChecker(data.recipe, "val").check(data.val, is_last=True)
        >>> SplitChecker(data.recipe, "test").check(data.val, is_last=True)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: window 0: hosts are not in the order of the recipe
    """

    def __init__(self, recipe: Recipe | Imported, split: str) -> None:
        self._recipe = recipe.of(split)
        self._graphs = recipe.span(split) if isinstance(recipe, Recipe) else range(0)
        self._start, self._last_graph = 0, self._graphs.start - 1
        self._seen: set[int] = set()

    def check(self, windows: Windows, *, is_last: bool) -> None:
        """Check the next windows of the split.

        Args:
            windows: The windows.
            is_last: Whether none follow.

        Raises:
            InputError: a claim does not hold; the message names it and the first window, without the file.
        """
        if isinstance(self._recipe, Imported):
            check_imported(windows, self._recipe)
            self._seen |= set(np.unique(windows.graph).tolist())
            stated = sum(self._recipe.splits.values())
            if len(self._seen) > stated or (is_last and len(self._seen) < stated):
                raise InputError(f"the windows are of {len(self._seen)} graphs, and {stated} are stated")
        else:
            check_part(StoredPart(windows, self._recipe, self._graphs, self._start, self._last_graph, is_last=is_last))
        self._start, self._last_graph = self._start + len(windows), int(windows.graph[-1])


def windows_of_split(recipe: Recipe | Imported) -> tuple[int, int | None]:
    """Return the least and the greatest number of windows of a recipe of one split; None if there is no greatest.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> windows_of_split(load_recipe("tiny").of("test")), windows_of_split(load_recipe("real-karate"))
        ((16, 16), (1, None))
    """
    if isinstance(recipe, Imported):
        return sum(recipe.splits.values()), None
    if recipe.windows_per_graph is None:
        return recipe.graphs, None
    return recipe.graphs * recipe.windows_per_graph, recipe.graphs * recipe.windows_per_graph


def check_part(part: StoredPart) -> None:
    """Check stored windows against their recipe and against each other.

    Raises:
        InputError: a claim does not hold; the message names it and the first window, without the file.

    Example:
        >>> from gnnmax.data.generation import build
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> data = build(load_recipe("tiny"))
        >>> graphs = data.recipe.span("val")
        >>> check_part(StoredPart(data.val, data.recipe.of("val"), graphs, 0, graphs.start - 1, is_last=True))
        >>> check_part(StoredPart(data.val, data.recipe.of("val"), graphs, 8, graphs.start - 1, is_last=True))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: window 0: hosts are not in the order of the recipe
    """
    _refuse("hosts are not in the order of the recipe", _graphs(part), 0)
    limits = _limits(part)
    for piece in part.pieces():
        _check_ranges(piece, limits, part.start)
        for claim, holds in CLAIMS.items():
            _refuse(claim, holds(piece), piece.start - part.start)
    _check_shares(part)


IMPORTED_FIELDS = ("observed", "planted", "kind_code", "offset", "amplitude")
"""Arrays of imported windows with limits; graphs and nodes may have any number, and other values may be missing."""


def check_imported(windows: Windows, recipe: Imported) -> None:
    """Check imported windows as far as no recipe is needed: their ranges, observed labels, offsets and margins.

    Offsets and margins are those of the values where these are finite.

    Raises:
        InputError: a claim does not hold; the message names it and the first window, without the file.

    Example:
        >>> from gnnmax.data.importing import import_windows
        >>> data = import_windows(np.random.default_rng(0).normal(size=(90, 3, 3)))
        >>> check_imported(data.test, data.recipe.of("test"))
    """
    lead = 1.5 * windows.k
    limits = {"half": windows.k // 2, "lead": lead}
    for piece in chunks(len(windows)):
        w, first = windows[piece], piece.start
        arrays = w.arrays()
        for name in IMPORTED_FIELDS:
            if name in arrays:
                _check_range(name, arrays[name], FIELDS[name].range(limits), first)
        finite = np.isfinite(w.values).all(axis=(1, 2))
        largest = w.values.reshape(len(w), -1).max(axis=1)
        is_plant = recipe.amplitude and recipe.label == "planted"  # then the offset is that of the planted entry
        _refuse(OBSERVED, w.observed == is_centred(w.values), first)
        _refuse(OFFSET, ~finite | is_plant | _points_at(w, largest), first)
        in_range = (w.margin >= -lead) & (w.margin <= lead)
        _refuse(MARGIN, ~finite | (in_range & _signs_agree(w, largest)), first)


def _refuse(claim: str, holds: Mask, first: int) -> None:
    if not holds.all():
        raise InputError(f"window {first + int(np.argmin(holds))}: {claim}")


def _limits(part: StoredPart) -> dict[str, float]:
    """Return the values of the limits that :data:`FIELDS` names."""
    k = part.recipe.k
    nodes = [host.nodes if hasattr(host, "nodes") else MOST_NODES for host in part.recipe.hosts]
    if isinstance(part.recipe.hosts[0], Complete | Line):
        nodes = [20 * k * (part.recipe.windows_per_graph or 1)]
    return {
        "half": k // 2,
        "lead": 1.5 * k,
        "first graph": part.graphs.start,
        "last graph": part.graphs.stop - 1,
        "last node": max(nodes) - 1,
    }


def _check_ranges(piece: StoredPart, limits: dict[str, float], start: int) -> None:
    for name, array in piece.windows.arrays().items():
        if not piece.is_finite and name in ("values", "margin"):
            continue
        _check_range(name, array, FIELDS[name].range(limits), piece.start - start)


def _check_range(name: str, array: npt.NDArray[Any], limits: tuple[float, float], first: int) -> None:
    low, high = limits
    numbers = array.view(np.uint8) if array.dtype == np.bool_ else array
    # The minimum of NaN is NaN, which no comparison accepts.
    if not (numbers.min() >= low and numbers.max() <= high):
        inside = np.asarray(((numbers >= low) & (numbers <= high)).reshape(len(array), -1).all(axis=1))
        _refuse(f"{name} must lie between {low:g} and {high:g}", inside, first)


def _graphs(part: StoredPart) -> Mask:
    graph, per_graph = part.windows.graph, part.recipe.windows_per_graph
    if per_graph is not None:
        expected = part.graphs.start + np.arange(part.start, part.start + len(graph)) // per_graph
        return np.asarray(graph == expected)
    step = np.diff(graph, prepend=part.last_graph)
    holds = (step == 0) | (step == 1)
    holds[0] &= part.last_graph >= part.graphs.start or step[0] == 1
    holds[-1] &= not part.is_last or graph[-1] == part.graphs.stop - 1
    return np.asarray(holds)


def _observed(part: StoredPart) -> Mask:
    return np.asarray(part.windows.observed == is_centred(part.windows.values))


def _offsets(part: StoredPart) -> Mask:
    """Check that offsets are 0 where they must be, and otherwise point at the largest entry."""
    w = part.windows
    at_centre = (w.offset == 0).all(axis=1)
    if part.is_noisy and part.recipe.label == "planted":
        return np.asarray(at_centre == (w.kind_code == CENTRED))
    return _points_at(w, part.largest)


def _points_at(w: Windows, largest: npt.NDArray[np.float32]) -> Mask:
    """Return where the offset points at the largest entry, and at the centre exactly if that is observed."""
    place = w.offset.astype(np.intp) + w.k // 2
    there = w.values[np.arange(len(w)), place[:, 0], place[:, 1]]
    return np.asarray(((w.offset == 0).all(axis=1) == w.observed) & (there == largest))


def _margins(part: StoredPart) -> Mask:
    """Check the sign of the margins: positive if the centre is the maximum, 0 if it is tied with the maximum."""
    return _signs_agree(part.windows, part.largest)


def _signs_agree(w: Windows, largest: npt.NDArray[np.float32]) -> Mask:
    half = w.k // 2
    tied = ~w.observed & (w.values[:, half, half] == largest)
    return np.asarray(((w.margin > 0) == w.observed) & ((w.margin == 0) == tied))


def _kinds(part: StoredPart) -> Mask:
    w, recipe = part.windows, part.recipe
    if recipe.kinds is not None:
        occurring = [recipe.kinds.of(kind) > 0 for kind in KINDS]
    else:
        drawn = set(range(len(KINDS))) - {BACKGROUND} if part.is_natural else {CENTRED, SHIFTED}
        occurring = [code in drawn for code in range(len(KINDS))]
    holds = np.array(occurring)[w.kind_code]
    if not part.is_noisy:
        constant = w.values.reshape(len(w), -1).min(axis=1) == part.largest
        holds &= ((w.kind_code == CENTRED) == w.observed) & ((w.kind_code == CONSTANT) == constant)
        holds &= (w.kind_code == TIED) == ((w.margin == 0) & ~constant)
    if recipe.pairing == "matched":
        holds &= (part.places % 2 == 0) == (w.kind_code == CENTRED)
    if recipe.pairing == "ladder":
        holds &= (w.kind_code == CENTRED) == (part.places % recipe.twins == recipe.twins // 2)
    return np.asarray(holds)


def _planted(part: StoredPart) -> Mask:
    w = part.windows
    if part.is_natural:
        return ~w.planted
    if part.recipe.label_noise:
        return np.ones(len(w), dtype=np.bool_)  # flips are drawn
    return np.asarray(w.planted == (w.kind_code == CENTRED))


def _amplitudes(part: StoredPart) -> Mask:
    plant, amplitude = part.recipe.plant, part.windows.amplitude
    if amplitude is None or not isinstance(plant, Noise | Bump):
        return np.ones(len(part.windows), dtype=np.bool_)
    return np.isin(amplitude, np.array(plant.levels, dtype=np.float32))


def _nodes(part: StoredPart) -> Mask:
    w, recipe = part.windows, part.recipe
    host = recipe.hosts[0]
    if isinstance(host, Complete | Line):
        return _own_nodes(part, apart=1 if isinstance(host, Complete) else 10)
    both = np.concatenate([w.rows, w.columns], axis=1)
    sides = [both] if recipe.overlap == "none" else [w.rows, w.columns]
    half = w.k // 2
    different = w.rows[:, half] != w.columns[:, half]
    for side in sides:
        different &= (np.diff(np.sort(side, axis=1), axis=1) > 0).all(axis=1)
    return np.asarray(different)


def _own_nodes(part: StoredPart, *, apart: int) -> Mask:
    """Check the nodes of windows that share none: their numbers follow from the position of the window."""
    w, recipe = part.windows, part.recipe
    shuffled = any(sampling.order == "shuffled" for sampling in recipe.subgraphs)
    cut = 2 * (part.places // recipe.twins)
    holds = np.ones(len(w), dtype=np.bool_)
    for turn, side in enumerate((w.rows, w.columns)):
        expected = ((cut + turn) * apart * w.k)[:, None] + np.arange(w.k)
        holds &= ((np.sort(side, axis=1) if shuffled else side) == expected).all(axis=1)
    return holds


def _contexts(part: StoredPart) -> Mask:
    holds = np.ones(len(part.windows), dtype=np.bool_)
    directed = any(getattr(host, "directed", False) for host in part.recipe.hosts)
    for context in (part.windows.row_context, part.windows.column_context):
        if context is not None:
            holds &= (np.diagonal(context, axis1=1, axis2=2) == 0).all(axis=1)
            holds &= directed or (context == context.transpose(0, 2, 1)).reshape(len(context), -1).all(axis=1)
    return holds


CLAIMS: dict[str, Callable[[StoredPart], Mask]] = {
    OBSERVED: _observed,
    OFFSET: _offsets,
    MARGIN: _margins,
    "the kind does not fit the recipe, the label or the margin": _kinds,
    "the planted label must be that of the kind": _planted,
    "the amplitude must be a level of the recipe": _amplitudes,
    "nodes of rows and columns must be different, and those of the recipe": _nodes,
    "contexts must have an empty diagonal, and be symmetric in an undirected host": _contexts,
}
"""Claims about single windows, each with a function that returns where it holds."""


def _check_shares(part: StoredPart) -> None:
    """Check the shares of kinds and of amplitudes in every host that lies in the part completely."""
    recipe, w, per_graph = part.recipe, part.windows, part.recipe.windows_per_graph
    if per_graph is None:
        return
    first = -part.start % per_graph
    hosts = (len(w) - first) // per_graph
    if hosts < 1:
        return
    whole = slice(first, first + hosts * per_graph)
    if recipe.kinds is not None:
        shares = [recipe.kinds.of(kind) for kind in KINDS]
        _refuse_counts("kind", w.kind_code[whole].reshape(hosts, per_graph), range(len(KINDS)), shares)
    if isinstance(recipe.plant, Noise | Bump) and w.amplitude is not None:
        levels = np.array(recipe.plant.levels, dtype=np.float32)
        shares = [1 / len(levels)] * len(levels)
        amplitude = w.amplitude[whole][:: recipe.twins].reshape(hosts, per_graph // recipe.twins)
        _refuse_counts("amplitude", amplitude, levels.tolist(), shares)


def _refuse_counts(name: str, table: npt.NDArray[Any], codes: Iterable[Any], shares: list[float]) -> None:
    """Refuse a host in which a code occurs at least one window more or less often than its share says."""
    for code, share in zip(codes, shares, strict=True):
        count = np.count_nonzero(table == code, axis=1)
        wrong = np.abs(count - share * table.shape[1]) >= 1 - 1e-9
        if wrong.any():
            raise InputError(
                f"host {int(np.argmax(wrong))}: {name} {code} occurs in {count[np.argmax(wrong)]} of {table.shape[1]} "
                f"windows, where a share of {share:g} was expected"
            )
