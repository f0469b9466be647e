"""Nets in the command detect: which ones, the windows that they read, and their scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gnnmax.cli.arguments import nets_of
from gnnmax.detection.output import write_arrays
from gnnmax.detection.table import Detections, with_net_scores
from gnnmax.detection.window_scoring import needs_contexts
from gnnmax.errors import InputError, failure_of, missing_package

if TYPE_CHECKING:
    from gnnmax.detection.matrix import MatrixSource
    from gnnmax.models.trained import TrainedModel

__all__ = ["models_of", "scored", "windows_of", "write_score_maps"]


def models_of(call: Any) -> dict[str, TrainedModel]:
    """Load the nets that score windows.

    Raises:
        InputError: there is no such net, or windows are not square.
    """
    try:
        nets = {} if call.scorers == "none" else nets_of(call.scorers)
    except ModuleNotFoundError as error:
        if (missing := missing_package(error)) is None:
            raise
        raise InputError(f"{missing}, or search by the rule alone with --models none") from None
    if (nets or call.windows is not None or call.by is not None) and call.k_columns not in (None, call.side):
        instead = "leave out --by and pass --models none" if call.by is not None else "pass --models none"
        raise InputError(f"nets take square windows: {instead}, or leave out --k-columns")
    if not nets:
        return {}
    from gnnmax.models.model_folders import load_model

    return {
        folder: load_model(folder, call.device, net=net, allow_changed=call.allow_changed)
        for folder, net in nets.items()
    }


def write_score_maps(call: Any, source: MatrixSource, models: dict[str, TrainedModel]) -> dict[str, Any]:
    """Write the score map of each net, and compare it with the exact rule."""
    from gnnmax.detection.dense_scoring import compare_with_rule, score_map

    assert call.everywhere is not None
    scores = {name: score_map(model, source, call.side, workers=call.workers) for name, model in models.items()}
    write_arrays(call.everywhere, scores)
    compared = {name: compare_with_rule(values, source, call.side) for name, values in scores.items()}
    return {name: {**one._asdict(), "recall": one.recall} for name, one in compared.items()}


def scored(call: Any, source: MatrixSource, table: Detections, *, models: dict[str, TrainedModel]) -> Detections:
    """Add the decisions of the rule and the scores of the nets on the same windows, if any windows are needed."""
    if not models and call.windows is None:
        return table
    table, batches = windows_of(call, source, table, contexts=any(map(needs_contexts, models.values())))
    return with_net_scores(table, batches, models)


def windows_of(
    call: Any, source: MatrixSource, table: Detections, *, contexts: bool = False
) -> tuple[Detections, Iterator[Any]]:
    """Cut the windows of a table, NaN where there is none; if none can be cut, the table gets the reason."""
    from gnnmax.detection.window_batches import windows_around

    present = np.ones(len(table), np.bool_) if table.reasons is None else table.reasons == ""
    places, graph = (table.rows.astype(np.intp), table.columns.astype(np.intp)), call.mode == "graph"
    try:
        return table, windows_around(source, *places, call.side, cut=present, graph=graph, contexts=contexts)
    except (InputError, MemoryError) as error:
        reasons = np.full(len(table), "", dtype=object) if table.reasons is None else table.reasons.copy()
        reasons[present] = failure_of(error)
        none = windows_around(source, *places, call.side, cut=np.zeros(len(table), np.bool_), graph=graph)
        return replace(table, reasons=reasons), none
