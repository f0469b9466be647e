"""The transformations of an audit: how each is drawn, and how an element of it is simplified."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.group_actions import GroupAction, Rearrangement, ValueMap, with_values
from gnnmax.task.label import KINDS
from gnnmax.task.symmetry import Permutations, relabellings, respaced, translations
from gnnmax.task.windows import Windows

__all__ = ["TRANSFORMATIONS", "Pair", "Transformation", "cropped", "framed"]

Pair = tuple[Windows, GroupAction]
"""One window and an action on it."""


def _itself(windows: Windows) -> Windows:
    return windows


def _nothing(window: Windows, action: GroupAction) -> list[Pair]:  # noqa: ARG001
    """Return no simpler element: there is only one."""
    return []


@dataclass(frozen=True)
class Transformation:
    """One column of an audit.

    Attributes:
        name: Its key in :data:`TRANSFORMATIONS`.
        summary: A description in one phrase.
        label_stays: Whether the label of every window stays, because the centre and the order of values do.
        draw: Draws one element for each window.
        simpler: Takes one window and an element on which a scorer errs, returns simpler pairs to try.
        prepare: Prepares the windows that are transformed.
        of_values: Whether it maps values and leaves every entry at its position.
    """

    name: str
    summary: str
    label_stays: bool
    draw: Callable[[Windows, np.random.Generator], GroupAction]
    simpler: Callable[[Windows, GroupAction], list[Pair]] = _nothing
    prepare: Callable[[Windows], Windows] = _itself
    of_values: bool = False


def framed(windows: Windows) -> Windows:
    """Put the inner ``k - 2`` rows and columns of each window on a background of isolated nodes, whose entries are 0.

    Such a window can move by one step over the subgraph and stays in view: nothing is cut off, and the entries that
    move in were there before, "no edge". A step and a cyclic step are then the same.

    Example:
        >>> framed(Windows.from_values(np.ones((1, 3, 3)))).values[0].tolist()
        [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    contexts: dict[str, Any] = {
        name: _ringed(array)
        for name in ("row_context", "column_context")
        if (array := getattr(windows, name)) is not None
    }
    framed_windows = dataclasses.replace(with_values(windows, _ringed(windows.values)), **contexts)
    if windows.label_rule == "observed":
        return framed_windows
    cut_off = (np.abs(windows.offset) == windows.k // 2).any(axis=1)  # the planted peak
    kinds = np.where(cut_off, KINDS.index("background"), windows.kind_code).astype(np.uint8)
    return dataclasses.replace(framed_windows, kind_code=kinds)


def cropped(windows: Windows, k: int) -> Windows:
    """Crop each window to its inner ``k`` rows and columns: a smaller window around the same centre.

    Example:
        >>> cropped(Windows.from_values(np.arange(25).reshape(1, 5, 5)), 3).values[0].tolist()
        [[6.0, 7.0, 8.0], [11.0, 12.0, 13.0], [16.0, 17.0, 18.0]]
    """
    edge = (windows.k - k) // 2
    inner = slice(edge, edge + k)
    images: dict[str, Any] = {
        name: array[:, inner, inner]
        for name in ("values", "row_context", "column_context")
        if (array := getattr(windows, name)) is not None
    }
    smaller = dataclasses.replace(windows, **images, rows=windows.rows[:, inner], columns=windows.columns[:, inner])
    found = with_values(smaller, smaller.values)
    if windows.label_rule == "observed":
        return found
    near = np.clip(windows.offset, -(k // 2), k // 2)
    cut_off = (near != windows.offset).any(axis=1)  # the planted peak
    kinds = np.where(cut_off, KINDS.index("background"), windows.kind_code).astype(np.uint8)
    return dataclasses.replace(found, kind_code=kinds, offset=near)


def _ringed(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.pad(array[:, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1)))


def _still(windows: Windows) -> Permutations:
    return np.tile(np.arange(windows.k), (len(windows), 1))


def _relabelling(windows: Windows, rng: np.random.Generator) -> GroupAction:
    n, k = len(windows), windows.k
    return Rearrangement(relabellings(n, k, rng), relabellings(n, k, rng))


def _simultaneous(windows: Windows, rng: np.random.Generator) -> GroupAction:
    nodes = relabellings(len(windows), windows.k, rng)
    return Rearrangement(nodes, nodes)


def _transposition(windows: Windows, _rng: np.random.Generator) -> GroupAction:
    return Rearrangement(_still(windows), _still(windows), turned=True)


def _flip(windows: Windows, rng: np.random.Generator) -> Rearrangement:
    still = _still(windows)
    of_rows = rng.random(len(windows))[:, None] < 0.5
    return Rearrangement(np.where(of_rows, still[:, ::-1], still), np.where(of_rows, still, still[:, ::-1]))


def _quarter_turn(windows: Windows, rng: np.random.Generator) -> GroupAction:
    return dataclasses.replace(_flip(windows, rng), turned=True)


def _step(windows: Windows, rng: np.random.Generator) -> GroupAction:
    """Move by one step to one of the eight neighbours."""
    steps = np.array([step for step in itertools.product((-1, 0, 1), repeat=2) if step != (0, 0)])
    chosen = steps[rng.integers(len(steps), size=len(windows))]
    return Rearrangement(translations(chosen[:, 0], windows.k), translations(chosen[:, 1], windows.k))


def _roll(windows: Windows, rng: np.random.Generator) -> GroupAction:
    """Roll by any number of rows and columns, not both 0."""
    rows, columns = np.divmod(rng.integers(1, windows.k**2, size=len(windows)), windows.k)
    return Rearrangement(translations(rows, windows.k), translations(columns, windows.k))


def _increasing_map(windows: Windows, rng: np.random.Generator) -> GroupAction:
    """Map the values at random, with 0 anywhere among them, because a scorer may give a meaning to the sign."""
    mapped = respaced(windows.values, rng)
    lowest, highest = np.fmin.reduce(mapped, axis=(1, 2)), np.fmax.reduce(mapped, axis=(1, 2))
    zero = lowest + rng.random(len(windows)).astype(np.float32) * (highest - lowest)
    return ValueMap.between(windows.values, mapped - zero[:, None, None])


def _additive(windows: Windows, rng: np.random.Generator) -> GroupAction:
    """Add a constant of the size of the largest value."""
    finite = np.where(np.isfinite(windows.values), windows.values, 0).astype(np.float64)
    largest = np.abs(finite).max(axis=(1, 2))
    # Multiples of a power of two are added with the least rounding.
    unit = 2.0 ** np.ceil(np.log2(np.maximum(largest, np.finfo(np.float32).tiny)))
    return ValueMap.affine(
        [1.0] * len(windows), (unit * rng.choice([-1.0, -0.5, 0.5, 1.0], size=len(windows))).tolist()
    )


def _multiplicative(windows: Windows, rng: np.random.Generator) -> GroupAction:
    """Multiply by a power of two, which is exact."""
    return ValueMap.affine(rng.choice([0.25, 0.5, 2.0, 4.0], size=len(windows)).tolist(), [0.0] * len(windows))


def _swaps(window: Windows, *, together: bool) -> list[GroupAction]:
    """List every swap of two rows, and of two columns, or of two nodes in both roles, around the centre."""
    found: list[GroupAction] = []
    still = _still(window)
    others = [place for place in range(window.k) if place != window.k // 2]
    for a, b in itertools.combinations(others, 2):
        swap = still.copy()
        swap[0, [a, b]] = b, a
        found += [Rearrangement(swap, swap)] if together else [Rearrangement(swap, still), Rearrangement(still, swap)]
    return found


def _path(window: Windows, action: Any, *, together: bool) -> list[Pair]:
    """Decompose a relabelling into swaps, each with the window that it acts on."""
    still, pairs = _still(window), list[Pair]()
    targets = [(action.rows, (True, together))]
    if not together:
        targets.append((action.columns, (False, True)))
    for target, (of_rows, of_columns) in targets:
        done = np.arange(window.k)
        for place in range(window.k):
            if done[place] == target[0, place]:
                continue
            swap = still.copy()
            other = int(np.flatnonzero(done == target[0, place])[0])
            swap[0, [place, other]] = other, place
            element = Rearrangement(swap if of_rows else still, swap if of_columns else still)
            pairs.append((window, element))
            done, window = done[swap[0]], element(window)
    return pairs


def _single_swaps(*, together: bool) -> Callable[[Windows, GroupAction], list[Pair]]:
    def simpler(window: Windows, action: GroupAction) -> list[Pair]:
        swaps: list[Pair] = [(window, swap) for swap in _swaps(window, together=together)]
        return swaps + _path(window, action, together=together)

    return simpler


def _shifts(window: Windows, _action: GroupAction) -> list[Pair]:
    return [(window, ValueMap.affine([1.0], [shift])) for shift in (1.0, -1.0, 2.0, -2.0)]


def _factors(window: Windows, _action: GroupAction) -> list[Pair]:
    return [(window, ValueMap.affine([factor], [0.0])) for factor in (2.0, 0.5)]


def _fewer_knots(window: Windows, action: Any) -> list[Pair]:
    """List maps with fewer knots: only present values, halves, all but one; and one with whole targets."""
    sources, targets = action.knots[0]
    n = len(sources)
    kept: list[Any] = [np.isin(sources, window.values.astype(np.float64)), slice(n // 2), slice(n // 2, n)]
    kept += [slice(None, None, 2), slice(1, None, 2), *([np.arange(n) != i for i in range(n)] if n <= 16 else [])]
    knots = [(sources[chosen], targets[chosen]) for chosen in kept]
    knots.append((sources, np.round(targets)))
    rising = [each for each in knots if len(each[0]) and (np.diff(each[1]) > 0).all()]
    return [(window, ValueMap((each,), action.slopes)) for each in rising]


def _simple_maps(window: Windows, action: GroupAction) -> list[Pair]:
    """List shifts, factors, 1 added to every value of at least one of the values, and the same map with fewer knots."""
    levels = np.unique(window.values[~np.isnan(window.values)]).astype(np.float64)
    knots = [(np.array([low, high]), np.array([low, high + 1])) for low, high in itertools.pairwise(levels)]
    rises: list[Pair] = [(window, ValueMap((each,), (1.0,))) for each in knots]
    return [*_shifts(window, action), *_factors(window, action), *rises, *_fewer_knots(window, action)]


TRANSFORMATIONS: dict[str, Transformation] = {
    each.name: each
    for each in (
        Transformation(
            "relabelling",
            "rows, and independently columns, in another order around the fixed centre",
            True,
            _relabelling,
            _single_swaps(together=False),
        ),
        Transformation(
            "simultaneous_relabelling",
            "rows and columns in one other order around the fixed centre",
            True,
            _simultaneous,
            _single_swaps(together=True),
        ),
        Transformation("transposition", "rows and columns exchanged", True, _transposition),
        Transformation("flip", "rows, or columns, in reverse order", True, _flip),
        Transformation("quarter_turn", "turned by 90 or 270 degrees", True, _quarter_turn),
        Transformation(
            "increasing_map", "values mapped, their order kept", True, _increasing_map, _simple_maps, of_values=True
        ),
        Transformation("additive_constant", "a constant added to all values", True, _additive, _shifts, of_values=True),
        Transformation(
            "multiplicative_constant",
            "all values times a positive constant",
            True,
            _multiplicative,
            _factors,
            of_values=True,
        ),
        Transformation(
            "translation",
            "the window moved by one step over its subgraph, on a background of isolated nodes",
            False,
            _step,
            prepare=framed,
        ),
        Transformation("roll", "rows and columns moved cyclically", False, _roll),
    )
}
"""The transformations by name; those that leave the label come first."""
