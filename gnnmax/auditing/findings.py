"""What an audit finds: one finding a transformation, and the sentence that all of them come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.actions import Action, ValueMap
from gnnmax.auditing.shrinking import CounterExample
from gnnmax.auditing.transformations import TRANSFORMATIONS
from gnnmax.task.scorers import Scorer, checked_scores
from gnnmax.task.symmetry import keeps_order
from gnnmax.task.windows import Windows

__all__ = ["Audit", "Experiment", "Finding", "Symmetry", "experiment", "finding_of"]

Symmetry = Literal["invariant", "equivariant", "neither"]


@dataclass(frozen=True, eq=False)
class Finding:
    """How a scorer takes one transformation; equal to the word of its verdict.

    Attributes:
        name: Of the transformation.
        verdict: ``invariant``: no score changes by more than rounding. ``equivariant``: every score is mapped as the
            values of its window are, C(T(x)) = T(C(x)), as that of the centre's value; said of maps of values only,
            for a rearrangement does nothing to a number. ``neither``: the scorer notices.
        label_stays: Whether no label changes.
        maximum: The largest ``|C(T(x)) - C(x)|``.
        relative: Mean of ``|C(T(x)) - C(x)|`` in standard deviations of C(x); 0 where nothing changes, about 1.13 for
            an unrelated Gaussian copy of the scores, None where C(x) is constant and C(T(x)) is not the same.
        spurious: Part of the windows whose label stays and whose decision changes; None where there is none.
        due: Part of the windows whose label changes and whose decision does too; None where there is none.
        floor: The difference that is put down to rounding.
        windows: How many windows were transformed.
        worst: Place of the window whose score changes most, among the windows that the audit took; None where none
            changes by more than rounding.
        smallest: The smallest counter-example found, where there is a fault of noticing; else None.
    """

    name: str
    verdict: Symmetry
    label_stays: bool
    maximum: float
    relative: float | None
    spurious: float | None
    due: float | None
    floor: float
    windows: int
    worst: int | None
    smallest: CounterExample | None = None

    @property
    def fault(self) -> str:
        """What is wrong about it, seen from the label; empty where nothing is.

        A score may have a scale: a map of the values may change it, as long as it changes no decision. Nothing that
        leaves the values and the centre may change it at all, and what moves the centre must.
        """
        if not self.label_stays:
            return f"ignores {self.name}" if self.verdict == "invariant" else ""
        scale_only = TRANSFORMATIONS[self.name].of_values and not self.spurious
        return "" if self.verdict == "invariant" or scale_only else f"notices {self.name}"

    def __eq__(self, other: object) -> bool:
        return self.verdict == other if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(self.verdict)

    def __str__(self) -> str:
        flips = ", ".join(
            f"{share:.1%} {name} flips"
            for name, share in (("spurious", self.spurious), ("due", self.due))
            if share is not None
        )
        relative = "" if self.relative is None else f", relative {self.relative:.3g}"
        return f"{self.verdict}: largest change {self.maximum:.3g}{relative}, {flips}, {self.windows} windows"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**plain, "fault": self.fault, "smallest": self.smallest and self.smallest.to_dict()}


def finding_of(name: str, found: Experiment, threshold: float) -> Finding:
    """Sum up an experiment.

    Args:
        name: Of the transformation.
        found: The scores before and after.
        threshold: A window is called centred iff its score is strictly above.
    """
    noticed = bool((found.error > found.floor).any())
    verdict: Symmetry = "invariant" if not noticed else "equivariant" if found.equivariant else "neither"
    flipped = (found.before > threshold) != (found.after > threshold)
    changed = found.windows.label != found.moved.label
    spread = float(found.before.std()) if len(found.before) else 0.0
    mean = float(found.error.mean()) if len(found.error) else 0.0
    return Finding(
        name=name,
        verdict=verdict,
        label_stays=TRANSFORMATIONS[name].label_stays,
        maximum=float(found.error.max(initial=0.0)),
        relative=mean / spread if spread > 0 else None if noticed else 0.0,
        spurious=float(flipped[~changed].mean()) if not changed.all() else None,
        due=float(flipped[changed].mean()) if changed.any() else None,
        floor=float(found.floor.max(initial=0.0)),
        windows=len(found.before),
        worst=int(np.argmax(found.error)) if noticed else None,
    )


@dataclass(frozen=True, eq=False)
class Audit(Mapping[str, Finding]):
    """The findings of an audit by the name of the transformation.

    Attributes:
        findings: One a transformation.
        constant: Whether every score, before and after any transformation, is the same: such a scorer has no symmetry
            error because it says nothing.
    """

    findings: Mapping[str, Finding]
    constant: bool

    def __getitem__(self, name: str) -> Finding:
        return self.findings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, seen from the label, one phrase a transformation."""
        return tuple(finding.fault for finding in self.findings.values() if finding.fault)

    @property
    def judgement(self) -> str:
        """``right symmetry``, ``constant``, or ``wrong: `` and the faults.

        On the transformations that were tried and the windows that were given; a symmetry is refuted by one window and
        proved by none.
        """
        if self.constant:
            return "constant"
        return f"wrong: {', '.join(self.faults)}" if self.faults else "right symmetry"

    def __str__(self) -> str:
        width = max(map(len, self.findings), default=0)
        lines = [f"{name:{width}}  {finding}" for name, finding in self.findings.items()]
        for finding in self.findings.values():
            if finding.smallest is not None:
                lines += ["", f"{finding.fault}:", str(finding.smallest)]
        return "\n".join([*lines, "", self.judgement])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        findings = {name: finding.to_dict() for name, finding in self.findings.items()}
        return {"judgement": self.judgement, "constant": self.constant, "findings": findings}


Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Experiment:
    """Scores of windows as they are and transformed, and how far apart rounding alone may put them.

    Attributes:
        windows: The windows x, N of them.
        moved: The windows T(x).
        action: The elements T.
        before: C(x), shape ``(N,)``.
        after: C(T(x)), shape ``(N,)``.
        acted: T acting on C(x), where T maps values; else C(x) itself. Shape ``(N,)``.
        tolerance: Part of a score that rounding may change.
    """

    windows: Windows
    moved: Windows
    action: Action
    before: Scores
    after: Scores
    acted: Scores
    tolerance: float

    @property
    def floor(self) -> Scores:
        """Difference that is put down to rounding: the tolerance times the largest score of any window, ``(N,)``."""
        largest = np.abs(np.concatenate([self.before, self.after])).max(initial=0.0)
        return np.full(len(self.before), self.tolerance * largest)

    @property
    def error(self) -> Scores:
        """``|C(T(x)) - C(x)|``, shape ``(N,)``."""
        return np.asarray(np.abs(self.after - self.before))

    @property
    def equivariant(self) -> bool:
        """Whether the score of every window is mapped as its values are: ``C(T(x)) = T(C(x))``."""
        if not isinstance(self.action, ValueMap):
            return False
        largest = np.maximum(np.abs(self.acted), np.abs(self.after)).max(initial=0.0)
        return bool((np.abs(self.after - self.acted) <= self.tolerance * largest).all())


def experiment(
    scorer: Scorer, windows: Windows, action: Action, tolerance: float, *, before: Scores | None = None
) -> Experiment:
    """Score windows as they are and transformed.

    Where rounding made ties of the values of a window, or broke some, that window is left out.

    Args:
        scorer: Windows to scores.
        windows: N windows.
        action: N elements.
        tolerance: Part of a score that rounding may change.
        before: Scores of the windows as they are, where they are known.

    Raises:
        InputError: scores that are not finite or not one a window.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values([[[0, 1, 2], [3, 9, 4], [5, 6, 7]]])
        >>> experiment(RULES["argmax"], w, ValueMap.affine([2.0], [0.0]), 1e-5).error
        array([0.])
    """
    moved = action(windows)
    if isinstance(action, ValueMap):
        kept = keeps_order(windows.values, moved.values)
        windows, moved, action = windows[kept], moved[kept], action[kept]
        before = None if before is None else before[kept]
    n = len(windows)
    if before is None:
        before = checked_scores(scorer, windows, n) if n else np.zeros(0)
    after = checked_scores(scorer, moved, n) if n else np.zeros(0)
    acted = action.of_scores(before) if isinstance(action, ValueMap) else before
    return Experiment(windows, moved, action, before, after, acted, tolerance)
