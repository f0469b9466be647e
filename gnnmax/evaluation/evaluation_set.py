"""Evaluation set: the labels, graphs, slices and Bayes decisions that all scorers share, without the windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.slices import Partition, by_deciles, by_distance, by_kind, by_margin, by_name, check_groups
from gnnmax.task.arrays import as_array
from gnnmax.task.bayes import ceiling_of
from gnnmax.task.lacking_kinds import edge_counts
from gnnmax.task.rules import RULES
from gnnmax.task.scorers import labels_of
from gnnmax.task.windows import Windows

__all__ = ["EvaluationSet", "checked_graph", "checked_weight"]

_COLUMNS = ("label", "graph", "weight", "kind_code", "margin", "offset", "edges", "bayes_right")


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """The labels and known properties of windows, about 45 bytes a window.

    Attributes:
        label: Shape ``(N,)``.
        graph: Number or name of each window's graph, shape ``(N,)``; None where only labels are known and each window
            is a graph of its own.
        weight: Of each window, shape ``(N,)``; None where all weigh the same.
        k: Side of the windows, or None.
        kind_code: Shape ``(N,)``, or None.
        margin: Shape ``(N,)``, or None.
        offset: Shape ``(N, 2)``, or None.
        edges: Number of entries of each window that are edges, 0 where its centre is none, shape ``(N,)``; or None.
        bayes_right: Whether the Bayes rule decides correctly, shape ``(N,)``; None where nothing was added to noise.
        ceiling: Accuracy of that rule over all windows of this distribution; None where there is no single one.
        groups: The caller's own, by name, shape ``(N,)`` each.

    Example:
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(90, 3, 3)))
        >>> EvaluationSet.concatenate([EvaluationSet.of(w[:50]), EvaluationSet.of(w[50:])]).slices["kind"].names
        ('centred', 'shifted', 'runner_up')
    """

    label: npt.NDArray[np.bool_]
    graph: npt.NDArray[Any] | None = None
    weight: npt.NDArray[np.float64] | None = None
    k: int | None = None
    kind_code: npt.NDArray[np.uint8] | None = None
    margin: npt.NDArray[np.float32] | None = None
    offset: npt.NDArray[np.int16] | None = None
    edges: npt.NDArray[np.int32] | None = None
    bayes_right: npt.NDArray[np.bool_] | None = None
    ceiling: float | None = None
    groups: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        windows: Any,
        groups: Any = None,
        *,
        graph: Any = None,
        weight: Any = None,
        one_class: bool = False,
        bare: bool = False,
    ) -> EvaluationSet:
        """Make an evaluation set from windows, or from a label array.

        Args:
            windows: Windows, or labels of shape ``(N,)``.
            groups: Names to arrays ``(N,)``: more slices.
            graph: Number or name of each window's graph, shape ``(N,)``; None takes those of the windows.
            weight: Weight of each window, shape ``(N,)``; None weighs all the same.
            one_class: Whether windows of one class only, or none, are accepted, because others may follow.
            bare: Whether to leave out what no metric of single windows needs: their slices, offsets and ceiling.

        Raises:
            InputError: not labels, one class only, or groups, graphs or weights that are none.
        """
        label = labels_of(windows, one_class=one_class)
        own, graph = check_groups(groups, len(label)), checked_graph(graph, len(label))
        weight = checked_weight(weight, label, one_class=one_class)
        if not isinstance(windows, Windows):
            return cls(label, graph, weight, groups=own)
        hidden = windows.amplitude is not None or windows.noise.flips > 0
        known = hidden and windows.label_rule == "planted"
        return cls(
            label,
            graph=windows.graph if graph is None else graph,
            weight=weight,
            k=windows.k,
            kind_code=None if bare else windows.kind_code,
            margin=None if bare else windows.margin,
            offset=None if bare else windows.offset,
            edges=edge_counts(windows.values),
            bayes_right=(RULES["bayes"](windows) > 0) == label if known else None,
            ceiling=_ceiling(windows) if known and not bare else None,
            groups=own,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[EvaluationSet]) -> EvaluationSet:
        """Join evaluation sets of windows of one side and one data set, in order.

        Raises:
            InputError: nothing to join, or parts with different known properties.
        """
        if not parts:
            raise InputError("no windows to evaluate: update with some first")
        first = parts[0]
        for part in parts[1:]:
            part.check_follows(first)
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in _COLUMNS
            if getattr(first, name) is not None
        }
        groups = {name: np.concatenate([part.groups[name] for part in parts]) for name in first.groups}
        ceilings = {part.ceiling for part in parts if len(part.label)}
        ceiling = ceilings.pop() if len(ceilings) == 1 else None
        return dataclasses.replace(first, **joined, groups=groups, ceiling=ceiling)

    def check_follows(self, first: EvaluationSet) -> None:
        """Refuse to be joined to windows with other known properties.

        Raises:
            InputError: other properties are known, or the side differs.
        """
        for name in ("graph", "bayes_right"):
            if (getattr(first, name) is None) != (getattr(self, name) is None):
                raise InputError("windows, labels and noisy windows do not mix: evaluate them separately")
        if (first.weight is None) != (self.weight is None):
            raise InputError("some batches came with weights and some without: give sample_weight in all, or in none")
        if (
            first.graph is not None
            and self.graph is not None
            and (first.graph.dtype.kind == "U") != (self.graph.dtype.kind == "U")
        ):
            raise InputError("some graphs came as names and some as numbers: give one of both in every batch")
        if first.k != self.k:
            raise InputError(f"windows of side {self.k} came after those of side {first.k}: evaluate them separately")
        if first.groups.keys() != self.groups.keys():
            came, known = sorted(self.groups), sorted(first.groups)
            raise InputError(f"the groups {came} came after {known}: give the same names each time")

    def copied(self) -> EvaluationSet:
        """Copy the columns, so that the windows are not kept alive and later changes of them have no effect."""
        arrays: dict[str, Any] = {
            name: array.copy() for name, array in vars(self).items() if isinstance(array, np.ndarray)
        }
        return dataclasses.replace(self, **arrays, groups={name: group.copy() for name, group in self.groups.items()})

    @property
    def chance(self) -> npt.NDArray[np.float64] | None:
        """Chance that a window around an edge is centred if every edge in it is the largest equally often, ``(N,)``.

        One over its number of edges, 0 where the centre is no edge; ``1 / k^2`` where only the side is known.
        """
        if self.k is None:
            return None
        if self.edges is None:
            return np.full(len(self.label), 1 / self.k**2)
        return np.divide(1.0, self.edges, where=self.edges > 0, out=np.zeros(len(self.edges)))

    @property
    def counted(self) -> npt.NDArray[np.bool_] | slice:
        """The windows of some weight, as an index."""
        return slice(None) if self.weight is None else self.weight > 0

    def weighing(self) -> EvaluationSet:
        """Return the windows of some weight."""
        if self.weight is None or self.weight.all():
            return self
        kept = {name: getattr(self, name)[self.counted] for name in _COLUMNS if getattr(self, name) is not None}
        return dataclasses.replace(
            self, **kept, groups={name: group[self.counted] for name, group in self.groups.items()}
        )

    @cached_property
    def unit(self) -> npt.NDArray[np.intp]:
        """The number of each window's graph, ``0 .. n_graphs - 1``."""
        if self.graph is None:
            return np.arange(len(self.label))
        if self.graph.dtype.kind == "U":
            return np.unique(self.graph, return_inverse=True)[1].astype(np.intp)
        first = int(self.graph.min())
        spread = int(self.graph.max()) - first + 1
        if spread > 2 * len(self.graph):  # a table of this size is no longer cheaper than a sort
            return np.unique(self.graph, return_inverse=True)[1].astype(np.intp)
        there = np.zeros(spread, np.bool_)
        there[self.graph - first] = True
        return np.asarray((np.cumsum(there) - 1)[self.graph - first], dtype=np.intp)

    @cached_property
    def n_graphs(self) -> int:
        """Number of graphs."""
        return int(self.unit.max()) + 1

    @property
    def alone(self) -> bool:
        """Whether each window is a graph of its own."""
        return self.n_graphs == len(self.label)

    @cached_property
    def slices(self) -> dict[str, Partition]:
        """The slices: by kind, margin, its decile, offset, and the caller's own groups."""
        parts: dict[str, Partition] = {}
        if self.kind_code is not None and self.margin is not None and self.offset is not None and self.k is not None:
            parts["kind"], parts["margin"] = by_kind(self.kind_code), by_margin(self.margin)
            parts["margin_decile"], parts["offset"] = by_deciles(self.margin), by_distance(self.offset, self.k)
        return parts | {name: by_name(group) for name, group in self.groups.items()}


def checked_graph(given: Any, n: int) -> npt.NDArray[Any] | None:
    """Return the number or name of each window's graph, int64 or str, or refuse it; None stays None.

    Raises:
        InputError: not one integer or name for each of n windows.

    Example:
        >>> checked_graph(["tree", "grid"], 2)
        array(['tree', 'grid'], dtype='<U4')
        >>> checked_graph([0.5, 1.0], 2)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: graph must hold integers or names, not float64: number the graphs from 0
    """
    if given is None:
        return None
    found = as_array(given, "graph", names=True)
    if found.shape != (n,):
        raise InputError(f"graph must have one entry for each of {n} windows, not shape {found.shape}")
    if found.dtype.kind not in "iubU" and found.size:
        raise InputError(f"graph must hold integers or names, not {found.dtype}: number the graphs from 0")
    if found.dtype.kind == "u" and found.size and found.max() > np.iinfo(np.int64).max:
        raise InputError("graph has a number above 2**63: number the graphs from 0")
    return found if found.dtype.kind == "U" else found.astype(np.int64)


def checked_weight(
    given: Any, label: npt.NDArray[np.bool_], *, one_class: bool = False
) -> npt.NDArray[np.float64] | None:
    """Return the weight of each window, or refuse it; None stays None.

    Args:
        given: Real numbers, not negative, shape ``(N,)``, array, tensor or list.
        label: Shape ``(N,)``.
        one_class: Whether a class without weight is accepted, because others may follow.

    Raises:
        InputError: not one finite number, not negative, for each window, or a class without weight.

    Example:
        >>> checked_weight([1, 0], np.array([True, False]))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: sample_weight is 0 for all windows not centred: both classes need some weight
    """
    if given is None:
        return None
    weight = as_array(given, "sample_weight")
    if weight.shape != label.shape:
        raise InputError(
            f"sample_weight must have one entry for each of {len(label)} windows, not shape {weight.shape}"
        )
    if weight.dtype.kind not in "fiub":
        raise InputError(f"sample_weight must hold real numbers, not {weight.dtype}: convert them first")
    weight = weight.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(wrong):
        raise InputError(f"sample_weight must be finite and not negative, not {weight[wrong[0]]} at index {wrong[0]}")
    for which, mask in (("centred", label), ("not centred", ~label)):
        if not one_class and not weight[mask].any():
            raise InputError(f"sample_weight is 0 for all windows {which}: both classes need some weight")
    return weight


def _ceiling(windows: Windows) -> float | None:
    """Return the ceiling where all windows hold a peak of one amplitude, or where only labels are noisy."""
    if windows.amplitude is None:
        return 1 - windows.noise.flips
    if not len(windows) or np.ptp(windows.amplitude) > 0:
        return None
    return ceiling_of(windows.k, float(windows.amplitude[0]), windows.noise).accuracy
