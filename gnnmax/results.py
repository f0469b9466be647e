"""Results: what a run says about scorers on a test split, as plain values that a report can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.evaluation import compare_scores, evaluate
from gnnmax.generate.dataset import DataSet
from gnnmax.label import KINDS
from gnnmax.rules import RULES
from gnnmax.window import Windows

__all__ = ["judged_set"]

SHOWN_PER_KIND = 3
MISTAKES_SHOWN = 6

Scores = npt.NDArray[Any]


def judged_set(data: DataSet, scores: Mapping[str, Sequence[Scores]], *, trained: bool) -> dict[str, Any]:
    """Judge nets and the explicit rules on the test split of a data set.

    The seeds of a net are pooled: its windows are repeated, once a seed, under the same hosts, so an interval is over
    hosts and holds for the mean over these seeds. Rules, which have no seed, are repeated alike.

    Args:
        data: With a test split.
        scores: For each net the scores of that split, shape ``(N,)``, one array a seed, all with as many seeds.
        trained: Whether the nets were trained on the train split of this data set.

    Returns:
        Name, counts, verdicts and pairs (see :class:`gnnmax.verdict.Comparison`), figures by seed, a gallery of
        windows of every kind, and the worst mistakes of every net: what JSON can hold.

    Example:
        >>> from gnnmax.store import load_data
        >>> data = load_data("real-karate")
        >>> result = judged_set(data, {"rank": [RULES["argmax"](data.test)]}, trained=False)
        >>> result["verdicts"]["rank"]["accuracy"], result["mistakes"]
        (1.0, {'rank': []})
    """
    windows = data.split("test")
    seeds = len(next(iter(scores.values())))
    rules = {name: rule(windows) for name, rule in RULES.items() if name != "bayes" or data.bayes is not None}
    pooled = {name: np.concatenate(parts) for name, parts in scores.items()}
    pooled |= {name: np.tile(found, seeds) for name, found in rules.items()}
    table = compare_scores(pooled, Windows.concatenate([windows] * seeds))
    return {
        "name": data.recipe.name,
        "summary": data.recipe.summary,
        "trained": trained,
        "ceiling": data.ceiling,
        "windows": len(windows),
        "hosts": len(np.unique(windows.graph)),
        "centred": float(windows.label.mean()),
        "k": windows.k,
        **table.to_dict(),
        "seeds": {name: [_figures(part, windows) for part in parts] for name, parts in scores.items()},
        "gallery": _gallery(windows, {**{name: parts[0] for name, parts in scores.items()}, **rules}),
        "mistakes": {name: _mistakes(windows, parts[0]) for name, parts in scores.items()},
    }


def _figures(scores: Scores, windows: Windows) -> dict[str, float]:
    verdict = evaluate(scores, windows, resamples=1)
    return {name: getattr(verdict, name) for name in ("accuracy", "auroc", "average_precision")}


def _gallery(windows: Windows, scores: dict[str, Scores]) -> list[dict[str, Any]]:
    """Show some windows of every kind, spread over the split, with the score of every scorer (nets: first seed)."""
    chosen: list[int] = []
    for code in range(len(KINDS)):
        of_kind = np.flatnonzero(windows.kind_code == code)
        spread = np.linspace(0, len(of_kind) - 1, min(SHOWN_PER_KIND, len(of_kind)) + 2)[1:-1].astype(np.intp)
        chosen += of_kind[spread].tolist()
    return [
        {**_picture(windows, index), "scores": {name: float(part[index]) for name, part in scores.items()}}
        for index in chosen
    ]


def _mistakes(windows: Windows, scores: Scores) -> list[dict[str, Any]]:
    """Show the windows on which a net is most surely wrong."""
    wrong = np.flatnonzero((scores > 0) != windows.label)
    worst = wrong[np.argsort(-np.abs(scores[wrong]), kind="stable")][:MISTAKES_SHOWN]
    return [{**_picture(windows, int(index)), "score": float(scores[index])} for index in worst]


def _picture(windows: Windows, index: int) -> dict[str, Any]:
    return {
        "window": index,
        "values": [[float(f"{value:.4g}") for value in row] for row in windows.values[index].tolist()],
        "label": bool(windows.label[index]),
        "kind": str(windows.kind[index]),
        "offset": windows.offset[index].tolist(),
        "margin": float(windows.margin[index]),
    }
