"""Groups of window transformations as data, and the accuracy ceiling of a scorer that is invariant to each.

A group acts on the ``k * k`` entries of a window. A scorer that is invariant to it cannot distinguish the entries of
one orbit; the accuracy that this costs is known exactly.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["GROUPS", "Group", "forced_ceiling", "strided"]

Cells = npt.NDArray[np.intp]


def forced_ceiling(orbit: int, k: int) -> float:
    """Return the best accuracy of a scorer that cannot distinguish ``orbit`` entries, including the centre.

    The setting: one planted maximum, at the centre in half of the windows and at a uniformly random other entry in the
    others; exchangeable entries; little noise. The scorer calls every maximum in the orbit centred. If the orbit is the
    whole window, the two classes are the same at any noise level.

    Args:
        orbit: Number of entries that look like the centre, itself included, from 1 to ``k * k``.
        k: Side of the window.

    Example:
        >>> forced_ceiling(1, 9), forced_ceiling(9, 9), forced_ceiling(81, 9)
        (1.0, 0.95, 0.5)
    """
    return 1.0 - (orbit - 1) / (2 * (k * k - 1))


@dataclass(frozen=True)
class Group:
    """A group that acts on the entries of a window of any side.

    Attributes:
        name: Its name in the notation of the papers.
        summary: What its elements do.
        generators: Maps the side ``k`` to permutations of the cells ``0 .. k * k - 1`` (row-major) that generate it,
            each of shape ``(k * k,)``: the old cell of each new one.
        relabelling: Whether it holds every relabelling of rows and columns around a fixed centre.
        transposition: Whether it holds the transposition.
        translation: Whether it holds the cyclic translations.

    References:
        Hartford et al., "Deep Models of Interactions Across Sets", ICML 2018; Maron et al., "Invariant and Equivariant
        Graph Networks", ICLR 2019: the linear maps that commute with a group, one for each orbit on pairs of entries.
    """

    name: str
    summary: str
    generators: Callable[[int], list[Cells]]
    relabelling: bool = False
    transposition: bool = False
    translation: bool = False

    @property
    def invariances(self) -> tuple[str, ...]:
        """The transformations of an audit that are declared to change no score.

        Example:
            >>> GROUPS["label"].invariances
            ('relabelling', 'transposition')
        """
        held = {"relabelling": self.relabelling, "transposition": self.transposition, "roll": self.translation}
        return tuple(name for name, holds in held.items() if holds)

    def orbits(self, k: int) -> npt.NDArray[np.intp]:
        """Number the orbits of the entries, shape ``(k, k)``.

        Example:
            >>> GROUPS["rooted"].orbits(3)
            array([[0, 1, 0],
                   [2, 3, 2],
                   [0, 1, 0]])
        """
        return _orbits(self.generators(k), k * k).reshape(k, k)

    def centre_orbit(self, k: int) -> int:
        """Count the entries that look like the centre, itself included."""
        orbits = self.orbits(k)
        return int((orbits == orbits[k // 2, k // 2]).sum())

    def ceiling(self, k: int) -> float:
        """Return the best accuracy of an invariant scorer, see :func:`forced_ceiling`.

        Example:
            >>> [round(GROUPS[name].ceiling(9), 4) for name in ("label", "simultaneous", "exchangeable")]
            [1.0, 0.95, 0.5]
        """
        return forced_ceiling(self.centre_orbit(k), k)

    def invariant_maps(self, k: int) -> int:
        """Return the dimension of the invariant linear maps from windows to numbers.

        Example:
            >>> GROUPS["label"].invariant_maps(5)
            3
        """
        return int(self.orbits(k).max()) + 1

    def equivariant_maps(self, k: int) -> int:
        """Return the dimension of the linear maps from windows to windows that commute with the group.

        Cost: ``k ** 4`` pairs of entries.

        Example:
            >>> GROUPS["exchangeable"].equivariant_maps(5), GROUPS["rooted"].equivariant_maps(5)
            (4, 25)
        """
        pairs = [(g[:, None] * (k * k) + g).ravel() for g in self.generators(k)]
        return int(_orbits(pairs, k**4).max()) + 1


def _orbits(generators: Iterable[Cells], size: int) -> npt.NDArray[np.intp]:
    """Number the orbits of points ``0 .. size - 1`` in order of their first point."""
    moves = [move for g in generators for move in (g, np.argsort(g))]
    lowest = np.arange(size)
    while True:
        before = lowest
        for move in moves:
            lowest = np.minimum(lowest, lowest[move])
        if (lowest == before).all():
            return np.unique(lowest, return_inverse=True)[1].astype(np.intp)


def _symmetric(nodes: Iterable[int], k: int) -> list[Cells]:
    """Generate the permutations of some of ``0 .. k - 1`` by swaps of neighbours in the list."""
    chosen, swaps = list(nodes), []
    for a, b in itertools.pairwise(chosen):
        swap = np.arange(k)
        swap[[a, b]] = b, a
        swaps.append(swap)
    return swaps


def _cells(rows: Cells, columns: Cells) -> Cells:
    """Turn a permutation of rows and one of columns into one of cells."""
    return np.asarray(rows[:, None] * len(rows) + columns).ravel()


def _separately(rows: Any, columns: Any) -> Callable[[int], list[Cells]]:
    """Permute some rows and, independently, some columns."""

    def generators(k: int) -> list[Cells]:
        still = np.arange(k)
        moves = [_cells(swap, still) for swap in _symmetric(rows(k), k)]
        return moves + [_cells(still, swap) for swap in _symmetric(columns(k), k)]

    return generators


def _together(nodes: Any) -> Callable[[int], list[Cells]]:
    """Permute some nodes, rows and columns together."""
    return lambda k: [_cells(swap, swap) for swap in _symmetric(nodes(k), k)]


def _transposed(generators: Callable[[int], list[Cells]]) -> Callable[[int], list[Cells]]:
    """Add the transposition."""
    return lambda k: [*generators(k), np.arange(k * k).reshape(k, k).T.ravel()]


def _all(k: int) -> list[int]:
    return list(range(k))


def _others(k: int) -> list[int]:
    return [node for node in range(k) if node != k // 2]


def _beyond_two(k: int) -> list[int]:
    return list(range(2, k))


def _shifts(step: int) -> Callable[[int], list[Cells]]:
    def generators(k: int) -> list[Cells]:
        if k % step:
            return []
        still, moved = np.arange(k), (np.arange(k) - step) % k
        return [_cells(moved, still), _cells(still, moved)]

    return generators


def strided(stride: int) -> Group:
    """Return the cyclic translations by multiples of a stride: those that map a grid of that step onto itself.

    If the stride does not divide the side, there is no such grid and only the identity is left.

    Example:
        >>> strided(3).centre_orbit(9), strided(3).centre_orbit(5)
        (9, 1)
    """
    return Group(
        f"{stride}Z_k x {stride}Z_k" if stride > 1 else "Z_k x Z_k",
        f"cyclic translations by multiples of {stride}" if stride > 1 else "cyclic translations",
        _shifts(stride),
        translation=stride == 1,
    )


GROUPS: dict[str, Group] = {
    "none": Group("1", "the identity alone", lambda _k: []),
    "label": Group(
        "(S_(k-1) x S_(k-1)) . Z_2",
        "relabelling of rows and of columns around the fixed centre, transposition: the label's own group",
        _transposed(_separately(_others, _others)),
        relabelling=True,
        transposition=True,
    ),
    "rooted": Group(
        "S_(k-1) x S_(k-1)",
        "relabelling of rows and of columns around the fixed centre",
        _separately(_others, _others),
        relabelling=True,
    ),
    "row_rooted": Group(
        "S_(k-1) x S_k",
        "relabelling of rows around the centre's, and of all columns: only the centre's row is known",
        _separately(_others, _all),
        relabelling=True,
    ),
    "exchangeable": Group(
        "S_k x S_k",
        "relabelling of all rows and of all columns",
        _separately(_all, _all),
        relabelling=True,
        translation=True,
    ),
    "exchangeable_transposed": Group(
        "(S_k x S_k) . Z_2",
        "relabelling of all rows and of all columns, transposition",
        _transposed(_separately(_all, _all)),
        relabelling=True,
        transposition=True,
        translation=True,
    ),
    "simultaneous": Group("S_k", "one relabelling of rows and columns together", _together(_all)),
    "simultaneous_rooted": Group(
        "S_(k-1)", "one relabelling of rows and columns together that fixes the centre", _together(_others)
    ),
    "simultaneous_edge_rooted": Group(
        "S_(k-2)", "one relabelling of rows and columns together that fixes the first two nodes", _together(_beyond_two)
    ),
    "entries": Group(
        "S_(k k)",
        "any permutation of the entries",
        lambda k: _symmetric(range(k * k), k * k),
        relabelling=True,
        transposition=True,
        translation=True,
    ),
    "entries_rooted": Group(
        "S_(k k - 1)",
        "any permutation of the entries but the centre",
        lambda k: _symmetric([cell for cell in range(k * k) if cell != k * k // 2], k * k),
        relabelling=True,
        transposition=True,
    ),
    "cyclic": strided(1),
}
"""The groups by name."""
