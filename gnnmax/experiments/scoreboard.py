"""Evaluation of nets and explicit rules on the same test split, as records for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from gnnmax.data.dataset import DataSet
from gnnmax.evaluation.calibration import Scale, like_probabilities
from gnnmax.evaluation.curves import tradeoff
from gnnmax.evaluation.evaluator import compare_scores
from gnnmax.evaluation.verdict import Verdict
from gnnmax.experiments.results import Figures, Picture, TestRecord, VerdictRecord
from gnnmax.task.label import KINDS
from gnnmax.task.rules import RULES
from gnnmax.task.windows import Windows

__all__ = ["examples_of", "judge_test", "picture_of"]

SHOWN_PER_KIND = 3
MISTAKES_SHOWN = 6

Scores = npt.NDArray[Any]


def judge_test(
    data: DataSet, scores: Mapping[str, Sequence[Scores]], *, split: str = "test", trained: bool
) -> TestRecord:
    """Evaluate nets and the explicit rules on a split of a data set.

    The metrics of a net are means over its seeds, with intervals over hosts for that mean; differences between nets
    generalise to other hosts and other seeds. Slices are by kind, margin, offset and the ingredients of the hosts.

    Args:
        data: A data set with that split.
        scores: For each net its scores of the split, shape ``(N,)``, one array per seed, equally many for all nets.
        split: Name of the split.
        trained: Whether the nets were trained on other hosts of the same distribution.

    Raises:
        InputError: no such split, one class only, or scores that are not finite or of another length.

    Example:
        >>> from gnnmax.data.store import load_data
        >>> data = load_data("real-karate")
        >>> record = judge_test(data, {"rank": [RULES["argmax"](data.test)]}, trained=False)
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
    verdicts = {name: msgspec.convert(verdict.to_dict(), VerdictRecord) for name, verdict in table.verdicts.items()}
    first = {name: parts[0] for name, parts in scores.items()}
    return TestRecord(
        name=data.recipe.name if split == "test" else f"{data.recipe.name}/{split}",
        summary=data.recipe.summary,
        trained=trained,
        ceiling=ceiling,
        windows=len(windows),
        hosts=len(np.unique(windows.graph)),
        centred=float(windows.label.mean()),
        k=windows.k,
        verdicts=verdicts,
        pairs=[pair for pair in table.pairs if {pair.first, pair.second} <= set(scores)],
        seeds={name: _by_seed(table.verdicts[name]) for name in scores},
        curves={
            name: tradeoff(np.asarray(part, np.float64), windows.label) for name, part in {**first, **rules}.items()
        },
        gallery=_gallery(windows, {**first, **rules}),
        mistakes={name: _mistakes(windows, name, part) for name, part in first.items()},
    )


def _by_seed(verdict: Verdict) -> list[Figures]:
    return [Figures(*figures) for figures in zip(*verdict.by_seed.values(), strict=True)]


def _gallery(windows: Windows, scores: dict[str, Scores]) -> list[Picture]:
    """Return some windows of every kind, spread over the split, with the scores of every scorer."""
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
    """Return the windows on which a net is wrong with the highest confidence."""
    wrong = np.flatnonzero((scores > 0) != windows.label)
    worst = wrong[np.argsort(-np.abs(scores[wrong]), kind="stable")][:MISTAKES_SHOWN]
    return [picture_of(windows, index, {name: scores}) for index in worst.tolist()]


def picture_of(windows: Windows, index: int, scores: Mapping[str, Scores] | None = None) -> Picture:
    """Return one example window, with its scores.

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
