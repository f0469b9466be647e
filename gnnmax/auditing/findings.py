"""The findings of an audit: one for each transformation, and a conclusion."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

import msgspec
import numpy as np
import numpy.typing as npt

from gnnmax.auditing.group_actions import GroupAction, ValueMap
from gnnmax.auditing.rounding import rounding_floor
from gnnmax.auditing.shrinking import CounterExample
from gnnmax.auditing.transformations import TRANSFORMATIONS
from gnnmax.task.equality import EqualByContent
from gnnmax.task.plotting import axes_for, draw_bars
from gnnmax.task.scorers import Scorer, checked_scores
from gnnmax.task.symmetry import keeps_order
from gnnmax.task.tabulation import Shown, TableText, percent_text
from gnnmax.task.windows import Windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Audit", "Experiment", "Finding", "Symmetry", "experiment", "finding_of"]

Symmetry = Literal["invariant", "equivariant", "neither"]
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Finding(EqualByContent):
    """The response of a scorer to one transformation; it compares equal to its verdict, a string.

    Attributes:
        name: Name of the transformation.
        verdict: ``invariant``: no score changes by more than rounding, and no decision where the label stays.
            ``equivariant``: every score is mapped as the values of its window are, C(T(x)) = T(C(x)), like the
            centre's value; for maps of values only, because a rearrangement does not act on a number. ``neither``: the
            scorer notices.
        label_stays: Whether no label changes.
        maximum: The largest ``|C(T(x)) - C(x)|``.
        relative: Mean of ``|C(T(x)) - C(x)|`` in standard deviations of C(x); 0 where nothing changes, about 1.13 for
            an unrelated Gaussian copy of the scores, None where C(x) is constant and C(T(x)) is not the same.
        unexpected_flips: Share of decisions that flip among the windows whose label stays; None without such windows.
        expected_flips: Share of decisions that flip among the windows whose label changes; None without such windows.
        floor: The difference that counts as rounding.
        windows: Number of windows that were transformed.
        worst: Index of the window whose score changes most, among the windows that the audit took; None where none
            changes by more than rounding.
        smallest: The smallest counter-example found, if the scorer notices too much; else None.
    """

    name: str
    verdict: Symmetry
    label_stays: bool
    maximum: float
    relative: float | None
    unexpected_flips: float | None
    expected_flips: float | None
    floor: float
    windows: int
    worst: int | None
    smallest: CounterExample | None = None

    @property
    def fault(self) -> str:
        """The fault of the scorer relative to the label; empty if there is none.

        A score may have a scale: a map of the values may change it, as long as it changes no decision. A transformation
        that leaves the values and the centre must not change it at all, and one that moves the centre must.
        """
        if not self.label_stays:
            return f"ignores {self.name}" if self.verdict == "invariant" else ""
        scale_only = TRANSFORMATIONS[self.name].of_values and not self.unexpected_flips
        return "" if self.verdict == "invariant" or scale_only else f"notices {self.name}"

    def __eq__(self, other: object) -> bool:
        return self.verdict == other if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(self.verdict)

    def __str__(self) -> str:
        flips = ", ".join(
            f"{share:.1%} {name} flips"
            for name, share in (("unexpected", self.unexpected_flips), ("expected", self.expected_flips))
            if share is not None
        )
        relative = "" if self.relative is None else f", relative {self.relative:.3g}"
        return f"{self.verdict}: largest change {self.maximum:.3g}{relative}, {flips}, {self.windows} windows"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**plain, "fault": self.fault, "smallest": self.smallest and self.smallest.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Finding:
        """Read what :meth:`to_dict` wrote, without the counter-example.

        Raises:
            ValidationError: of msgspec, where a field is missing or wrong.

        Example:
            >>> from gnnmax.auditing.battery import audit
            >>> from gnnmax.task.rules import RULES
            >>> from gnnmax.testing import sample_windows
            >>> w = sample_windows(3, 20, rng=np.random.default_rng(0))
            >>> found = audit(RULES["nms"], w, rng=np.random.default_rng(0), shrink=False)["relabelling"]
            >>> Finding.from_dict(found.to_dict()).to_dict() == found.to_dict()
            True
        """
        found = cls(**{name: msgspec.convert(plain.get(name), kind) for name, kind in _kinds().items()})
        if found.name not in TRANSFORMATIONS:
            raise msgspec.ValidationError(f"unknown transformation {found.name!r}")
        return found


@cache
def _kinds() -> dict[str, Any]:
    """Return the types of the fields of a finding that is read back."""
    return {name: kind for name, kind in get_type_hints(Finding).items() if name != "smallest"}


def finding_of(name: str, found: Experiment, threshold: float) -> Finding:
    """Summarise an experiment.

    Args:
        name: Name of the transformation.
        found: The scores before and after.
        threshold: A window is called centred iff its score is strictly above.
    """
    flipped = (found.before > threshold) != (found.after > threshold)
    changed = found.windows.label != found.moved.label
    # A decision counts, however little its score changed.
    noticed = bool((found.error > found.floor).any() or (flipped & ~changed).any())
    verdict: Symmetry = "invariant" if not noticed else "equivariant" if found.equivariant else "neither"
    spread = float(found.before.std()) if len(found.before) else 0.0
    mean = float(found.error.mean()) if len(found.error) else 0.0
    return Finding(
        name=name,
        verdict=verdict,
        label_stays=TRANSFORMATIONS[name].label_stays,
        maximum=float(found.error.max(initial=0.0)),
        relative=mean / spread if spread > 0 else None if noticed else 0.0,
        unexpected_flips=float(flipped[~changed].mean()) if not changed.all() else None,
        expected_flips=float(flipped[changed].mean()) if changed.any() else None,
        floor=float(found.floor.max(initial=0.0)),
        windows=len(found.before),
        worst=int(np.argmax(_weighed(found, flipped & ~changed))) if noticed else None,
    )


def _weighed(found: Experiment, flipped: npt.NDArray[np.bool_]) -> Scores:
    """Return the errors, where only decisions show a fault those of the decisions that flipped."""
    return found.error if (found.error > found.floor).any() else np.where(flipped, found.error, -1.0)


BLANK_CALLED = "a window without any edge is called centred: it has no maximum"


class Audit(EqualByContent, Shown, Mapping[str, Finding]):
    """The findings of an audit by the name of the transformation.

    Attributes:
        findings: One for each transformation.
        constant: Whether every score, before and after any transformation, is the same: such a scorer has no symmetry
            error because it says nothing.
        blank_called: Whether a window whose entries are all 0 is called centred, which it never is; None where it gets
            no finite score, or was not tried.
    """

    def __init__(self, findings: Mapping[str, Finding], *, constant: bool, blank_called: bool | None = None) -> None:
        self.findings, self.constant, self.blank_called = findings, constant, blank_called

    def __getitem__(self, name: str) -> Finding:
        return self.findings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults of the scorer relative to the label, one phrase for each transformation."""
        return tuple(finding.fault for finding in self.findings.values() if finding.fault)

    @property
    def conclusion(self) -> str:
        """Return ``right symmetry``, ``constant``, or ``wrong:`` and the faults.

        It holds for the transformations that were tried and the windows that were given: one window refutes a symmetry,
        none proves it.
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
        return "\n".join([*lines, "", self.conclusion, *self._notes()])

    def _notes(self) -> list[str]:
        return [BLANK_CALLED] if self.blank_called else []

    def __repr__(self) -> str:
        return f"<Audit of {len(self)} transformations: {self.conclusion}>"

    def tables(self) -> list[TableText]:
        """Return a table of the findings: one row a transformation."""
        header = [
            *("transformation", "verdict", "largest change", "relative"),
            *("unexpected flips", "expected flips", "windows", "the label"),
        ]
        rows = [
            [
                finding.name,
                finding.verdict,
                f"{finding.maximum:.3g}",
                "" if finding.relative is None else f"{finding.relative:.3g}",
                percent_text(finding.unexpected_flips),
                percent_text(finding.expected_flips),
                f"{finding.windows:,}",
                "stays" if finding.label_stays else "moves",
            ]
            for finding in self.findings.values()
        ]
        return [TableText(self.conclusion, header, rows, self._notes())]

    def plot(self, *, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw the share of decisions that flip under each transformation, where the label stays and where it moves.

        Args:
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.
        """
        figure, axes = axes_for(ax, 5.6, 0.8 + 0.4 * len(self))
        names = [f"{finding.name} ({finding.verdict})" for finding in self.findings.values()]
        shares = {
            "flips where the label stays": [finding.unexpected_flips for finding in self.findings.values()],
            "flips where the label moves": [finding.expected_flips for finding in self.findings.values()],
        }
        draw_bars(axes, names, shares)
        axes.set(xlim=(0, 1), xlabel="share of decisions")
        axes.set_title(textwrap.fill(self.conclusion, 44), fontsize=9)
        axes.legend(fontsize=8)
        return figure, axes

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        findings = {name: finding.to_dict() for name, finding in self.findings.items()}
        return {
            "conclusion": self.conclusion,
            "constant": self.constant,
            "blank_called": self.blank_called,
            "findings": findings,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Audit:
        """Read what :meth:`to_dict` wrote, without the counter-examples.

        Raises:
            ValidationError: of msgspec, where a field is missing or wrong.
        """
        findings = msgspec.convert(plain.get("findings"), dict[str, dict[str, Any]])
        constant = msgspec.convert(plain.get("constant"), bool)
        blank = msgspec.convert(plain.get("blank_called"), bool | None)
        return cls(
            {name: Finding.from_dict(finding) for name, finding in findings.items()},
            constant=constant,
            blank_called=blank,
        )


@dataclass(frozen=True, eq=False)
class Experiment:
    """Scores of windows before and after a transformation, and the difference that rounding explains.

    Attributes:
        windows: The windows x, N of them.
        moved: The windows T(x).
        action: The elements T.
        before: C(x), shape ``(N,)``.
        after: C(T(x)), shape ``(N,)``.
        acted: T acting on C(x), where T maps values; else C(x) itself. Shape ``(N,)``.
        tolerance: Share of the range of the scores that counts as rounding.
    """

    windows: Windows
    moved: Windows
    action: GroupAction
    before: Scores
    after: Scores
    acted: Scores
    tolerance: float

    @property
    def floor(self) -> Scores:
        """Difference that counts as rounding: the tolerance times the range of the scores, ``(N,)``."""
        return np.full(len(self.before), rounding_floor(self.before, self.after, tolerance=self.tolerance))

    @property
    def error(self) -> Scores:
        """``|C(T(x)) - C(x)|``, shape ``(N,)``."""
        return np.asarray(np.abs(self.after - self.before))

    @property
    def equivariant(self) -> bool:
        """Whether the score of every window is mapped as its values are: ``C(T(x)) = T(C(x))``."""
        if not isinstance(self.action, ValueMap):
            return False
        floor = rounding_floor(self.acted, self.after, tolerance=self.tolerance)
        return bool((np.abs(self.after - self.acted) <= floor).all())


def experiment(
    scorer: Scorer, windows: Windows, action: GroupAction, tolerance: float, *, before: Scores | None = None
) -> Experiment:
    """Score windows before and after a transformation.

    A window is left out if rounding made or broke ties among its values.

    Args:
        scorer: Windows to scores.
        windows: N windows.
        action: N elements.
        tolerance: Share of the range of the scores that counts as rounding.
        before: Scores of the windows before the transformation, if they are known.

    Raises:
        InputError: scores that are not finite, or not one for each window.

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
