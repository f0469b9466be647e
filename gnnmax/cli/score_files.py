"""Evaluation of scores that come in files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gnnmax.errors import InputError

if TYPE_CHECKING:
    from gnnmax.evaluation.calibration import Scale
    from gnnmax.evaluation.difference import Comparison
    from gnnmax.evaluation.verdict import Verdict

__all__ = ["compare_files", "named_files"]


def compare_files(
    scores: Sequence[str],
    labels: Path | None,
    *,
    graph: Path | None = None,
    weights: Path | None = None,
    threshold: float = 0.0,
    scale: Scale | None = None,
) -> Verdict | Comparison:
    """Evaluate one file of scores, or compare several on the same windows.

    Args:
        scores: Files, each ``FILE`` or ``NAME=FILE``.
        labels: File of labels.
        graph: File of graphs.
        weights: File of weights.
        threshold: As in :func:`gnnmax.evaluate`.
        scale: As in :func:`gnnmax.evaluate`.

    Raises:
        InputError: as :func:`~gnnmax.evaluation.column_files.read_column` and :func:`gnnmax.evaluate`; two files of
            one name, or files of different lengths.
    """
    from gnnmax.evaluation.column_files import read_column
    from gnnmax.evaluation.evaluator import compare_scores, evaluate

    files = named_files(scores)
    assert labels is not None
    label = read_column(labels, "label")
    found = {name: read_column(file, "score") for name, file in files.items()}
    graphs = None if graph is None else read_column(graph, "graph")
    weight = None if weights is None else read_column(weights, "weight")
    columns = {**{str(files[name]): column for name, column in found.items()}, str(graph): graphs, str(weights): weight}
    for file, column in columns.items():
        if column is not None and len(column) != len(label):
            raise InputError(
                f"{file} has {len(column)} entries, and {labels} has {len(label)} labels: give one for each window"
            )
    options = {"graph": graphs, "sample_weight": weight, "threshold": threshold, "scale": scale}
    if len(found) == 1:
        return evaluate(next(iter(found.values())), label, **options)  # type: ignore[arg-type]
    return compare_scores(found, label, **options)  # type: ignore[arg-type]


def named_files(scores: Sequence[str]) -> dict[str, Path]:
    """Return the file of each name; a file without a name is called as it is, without its ending.

    Raises:
        InputError: two files of one name, or a name or a file is missing.

    Example:
        >>> named_files(["runs/cnn.csv", "mine=scores.npy"])
        {'cnn': PosixPath('runs/cnn.csv'), 'mine': PosixPath('scores.npy')}
    """
    files: dict[str, Path] = {}
    for text in scores:
        name, equals, file = text.partition("=")
        named = equals and not os.path.lexists(text)
        if named and not (name and file):
            raise InputError(f"{text!r} lacks its {'file' if name else 'name'}: write NAME=FILE, or a file alone")
        path = Path(file if named else text)
        name = name if named else path.stem
        if name in files:
            raise InputError(f"two files are called {name!r}: name them, as in first={files[name]}")
        files[name] = path
    return files
