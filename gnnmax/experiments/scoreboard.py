"""Evaluation of nets and explicit rules on the same test split, as records for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.dataset import DataSet
from gnnmax.evaluation.calibration import Scale, like_probabilities
from gnnmax.evaluation.curves import operating_curves
from gnnmax.evaluation.evaluator import compare_scores
from gnnmax.experiments.results import Picture, SplitResult
from gnnmax.task.label import KINDS
from gnnmax.task.rules import RULES
from gnnmax.task.windows import Windows

__all__ = ["evaluate_split", "examples_of", "picture_of"]

SHOWN_PER_KIND = 3
MISTAKES_SHOWN = 6

Scores = npt.NDArray[Any]


def evaluate_split(
    data: DataSet,
    scores: Mapping[str, Sequence[Scores]],
    *,
    split: str = "test",
    trained: bool,
    diverged: Mapping[str, str] | None = None,
) -> SplitResult:
    """Evaluate nets and the explicit rules on a split of a data set.

    The metrics of a net are means over its seeds, with intervals over hosts for that mean; differences between nets are
    valid for other hosts and other seeds. Slices are by kind, margin and offset, and by the properties of the hosts.

    Args:
        data: With that split.
        scores: For each net the scores of that split, shape ``(N,)``, one array a seed, and the
            same number of seeds for all.
        split: Its name.
        trained: Whether the nets were trained on other hosts of the very same distribution.
        diverged: Nets without scores because their training diverged, with the seeds and the steps.

    Raises:
        InputError: no such split, one class only, or scores that are not finite or of another length.

    Example:
        >>> from gnnmax.data.store import load_data
        >>> data = load_data("real-karate")
        >>> record = evaluate_split(data, {"rank": [RULES["argmax"](data.test)]}, trained=False)
        >>> record.verdicts["rank"].accuracy, record.mistakes
        (1.0, {'rank': []})
    """
    windows = data.split(split)
    ceiling = data.ceiling_of(split)
    rules = {name: rule(windows) for name, rule in RULES.items() if name != "bayes" or ceiling is not None}
    given = {**{name: list(parts) for name, parts in scores.items()}, **rules}
    logits: dict[str, Scale] = {
        name: "logits"
        for name, parts in scores.items()
        if not any(like_probabilities(part) for part in parts)  # an untrained net, or a column of probabilities
    }
    table = compare_scores(given, windows, scale=logits, groups=data.groups(split))
    first = {name: parts[0] for name, parts in scores.items()}
    shown = {**first, **rules}
    return SplitResult(
        name=data.recipe.name if split == "test" else f"{data.recipe.name}/{split}",
        summary=data.recipe.summary,
        trained=trained,
        ceiling=ceiling,
        windows=len(windows),
        hosts=len(np.unique(windows.graph)),
        centred=float(windows.label.mean()),
        k=windows.k,
        verdicts=table.verdicts,
        pairs=[pair for pair in table.pairs if {pair.first, pair.second} <= set(scores)],
        nets=list(scores),
        curves={
            name: operating_curves(np.asarray(part, np.float64), windows.label)
            for name, part in {**first, **rules}.items()
        },
        gallery=_gallery(windows, shown),
        mistakes={name: _mistakes(windows, name, part) for name, part in first.items()},
        diverged=dict(diverged or {}),
    )


def _gallery(windows: Windows, scores: dict[str, Scores]) -> list[Picture]:
    """Choose windows of every kind, spread over the split, with the score of every scorer."""
    chosen = [index for kind in KINDS for index in examples_of(windows, kind, SHOWN_PER_KIND)]
    return [picture_of(windows, index, scores) for index in chosen]


def examples_of(windows: Windows, kind: str, most: int) -> list[int]:
    """Choose some windows of a kind, spread over the split.

    Example:
        >>> from gnnmax.data.store import load_data
        >>> examples_of(load_data("real-karate").test, "centred", 2)
        [16, 26]
    """
    of_kind = np.flatnonzero(windows.kind_code == KINDS.index(kind))
    spread = np.linspace(0, len(of_kind) - 1, min(most, len(of_kind)) + 2)[1:-1].astype(np.intp)
    chosen: list[int] = of_kind[spread].tolist()
    return chosen


def _mistakes(windows: Windows, name: str, scores: Scores) -> list[Picture]:
    """Choose the most confident mistakes of a net."""
    wrong = np.flatnonzero((scores > 0) != windows.label)
    worst = wrong[np.argsort(-np.abs(scores[wrong]), kind="stable")][:MISTAKES_SHOWN]
    return [picture_of(windows, index, {name: scores}) for index in worst.tolist()]


def picture_of(windows: Windows, index: int, scores: Mapping[str, Scores] | None = None) -> Picture:
    """Return one window to show, with its scores.

    Example:
        >>> picture_of(Windows.from_values(np.eye(3)[None]), 0).offset
        (-1, -1)
    """
    return Picture(
        window=index,
        values=[[float(f"{value:.4g}") for value in row] for row in windows.values[index].tolist()],
        label=bool(windows.label[index]),
        kind=str(windows.kind[index]),
        offset=(int(windows.offset[index, 0]), int(windows.offset[index, 1])),
        margin=float(windows.margin[index]),
        scores={name: float(part[index]) for name, part in (scores or {}).items()},
    )
