"""The audit of a scorer: every transformation, on windows of your choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.auditing.findings import Audit, Experiment, Finding, experiment, finding_of
from gnnmax.auditing.group_actions import with_values
from gnnmax.auditing.rounding import rounding_floor, spread_of
from gnnmax.auditing.shrinking import CounterExample, shrunk
from gnnmax.auditing.transformations import TRANSFORMATIONS
from gnnmax.errors import InputError, unknown_name
from gnnmax.evaluation.adapters import as_scorer
from gnnmax.task.scorers import Scorer
from gnnmax.task.windows import Windows, windows_hint

__all__ = ["audit"]

Scores = npt.NDArray[np.float64]


def audit(
    scorer: Any,
    windows: Windows,
    *,
    rng: np.random.Generator,
    transformations: Sequence[str] | None = None,
    threshold: float = 0.0,
    tolerance: float = 1e-5,
    most: int = 500,
    shrink: bool = True,
    any_k: bool = False,
) -> Audit:
    """Find out which transformations of a window change the scores, and whether they change the label too.

    Each transformation T is applied to each window x, with an element of its own, and C(T(x)) is compared with C(x). A
    scorer is *invariant* where no score changes by more than ``tolerance`` times the range of the scores, and no
    decision flips while the label stays, so a constant in the scores hides nothing; *equivariant* where every score is
    mapped as the values are; else *neither*, see :class:`~gnnmax.auditing.findings.Finding`.

    The label does not change under a relabelling around the fixed centre, a transposition, a flip, a turn or an
    increasing map; a decision that flips there is an unexpected flip. It does change under a translation of the window
    and a cyclic roll; where it changes, the decision is expected to flip. Translation moves the inner ``k - 2`` rows
    and columns on a background of isolated nodes, so nothing is cut off and the entries that move in are "no edge".
    Beside the transformations, the decision on a window whose entries are all 0 is recorded: many windows of a sparse
    matrix are such.

    Args:
        scorer: Windows to scores ``(N,)``; or what :func:`~gnnmax.evaluation.adapters.as_scorer` takes.
        windows: Windows to transform; their labels distinguish expected from unexpected flips.
        rng: Draws the elements, the same for every scorer.
        transformations: Keys of :data:`~gnnmax.auditing.transformations.TRANSFORMATIONS`; None for all.
        threshold: A window is called centred iff its score is strictly above.
        tolerance: Share of the range of the scores that counts as rounding: 1e-5 is right for float32.
        most: Largest number of windows that are transformed, spread evenly.
        shrink: Whether to look for the smallest counter-example of each fault; costs some thousand windows each.
        any_k: Whether the scorer takes windows of any odd side, so that a counter-example may be of a smaller one.

    Returns:
        A mapping from the names of transformations to findings.

    Raises:
        InputError: no scorer, no windows, an unknown transformation, or scores that are not finite.

    References:
        "How can I suppress a CNN's translation invariance / equivariance?", ai.stackexchange.com, question 12010: the
        experiment. Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019, counts how often a
        decision survives a shift; here flips count as expected or unexpected, as the label changes or not.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(200, 5, 5)))
        >>> report = audit(RULES["argmax"], w, rng=np.random.default_rng(1))
        >>> report["relabelling"].verdict, report["translation"].verdict, report.conclusion
        ('invariant', 'neither', 'right symmetry')
        >>> first = lambda windows: windows.values[:, 0, 0]
        >>> audit(first, w, rng=np.random.default_rng(1), transformations=["transposition", "flip"]).conclusion
        'wrong: notices flip'
    """
    scored = as_scorer(scorer)
    names = _checked(windows, transformations, tolerance, most)
    some = windows[np.linspace(0, len(windows) - 1, min(len(windows), most)).astype(np.intp)]
    findings: dict[str, Finding] = {}
    seen: list[Scores] = []
    for name in names:
        found = _tried(scored, some, name, rng, tolerance)
        seen += [found.before, found.after]
        finding = finding_of(name, found, threshold)
        if shrink and finding.label_stays and finding.fault:
            finding = dataclasses.replace(finding, smallest=_smallest(scored, found, name, threshold, any_k=any_k))
        findings[name] = finding
    scores = np.concatenate(seen)
    constant = spread_of(scores) <= rounding_floor(scores, tolerance=tolerance)
    return Audit(findings, constant=constant, blank_called=_calls_blank(scored, some, threshold))


def _calls_blank(scorer: Scorer, windows: Windows, threshold: float) -> bool | None:
    """Return whether a window whose entries are all 0 is called centred; None where it gets no finite score."""
    blank = with_values(windows[:1], np.zeros_like(windows.values[:1]))
    try:
        with np.errstate(all="ignore"):
            score = float(scorer(blank)[0])
    except InputError:  # scores that are checked must be finite
        return None
    return score > threshold if np.isfinite(score) else None


def _tried(scorer: Scorer, windows: Windows, name: str, rng: np.random.Generator, tolerance: float) -> Experiment:
    transformation = TRANSFORMATIONS[name]
    prepared = transformation.prepare(windows)
    return experiment(scorer, prepared, transformation.draw(prepared, rng), tolerance)


def _smallest(scorer: Scorer, found: Experiment, name: str, threshold: float, *, any_k: bool) -> CounterExample:
    """Shrink the worst window that shows the fault: a changed decision under a map of values, else a changed score.

    The change must stay well above rounding, so it may become smaller by a factor of ten at most.
    """
    least = found.error.max() / 10

    def flips(before: Scores, after: Scores) -> npt.NDArray[np.bool_]:
        return np.asarray((before > threshold) != (after > threshold))

    def changes(before: Scores, after: Scores) -> npt.NDArray[np.bool_]:
        return np.asarray(np.abs(after - before) > max(floor, least))

    floor = float(found.floor.max())
    errs = flips if TRANSFORMATIONS[name].of_values or not (found.error > floor).any() else changes
    worst = int(np.argmax(np.where(errs(found.before, found.after), found.error, -1.0)))
    pair = found.windows[worst], found.action[worst : worst + 1]
    return shrunk(scorer, name, pair, errs, any_k=any_k)


def _checked(windows: Any, names: Sequence[str] | None, tolerance: float, most: int) -> Sequence[str]:
    if not isinstance(windows, Windows):
        raise InputError(f"an audit transforms Windows, not {type(windows).__name__}: {windows_hint(windows)}")
    if not len(windows):
        raise InputError("no windows to transform: give at least one, better hundreds")
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance is the share of the scores' range that is rounding, such as 1e-5, not {tolerance}")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InputError(f"most must be an integer and at least 1, not {most!r}: 500 is usual")
    if isinstance(names, str):
        raise InputError(f"transformations must be a list of names, not one name: pass [{names!r}]")
    chosen = list(TRANSFORMATIONS) if names is None else list(names)
    for name in chosen:
        if name not in TRANSFORMATIONS:
            raise unknown_name("transformation", name, TRANSFORMATIONS)
    return chosen
