"""Scores of windows by nets: read in float32, in the order of their values; a reason where there is no score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.window_values import as_read
from gnnmax.errors import InputError, failure_of
from gnnmax.task.windows import Windows

__all__ = ["NOT_WHOLE", "SCORED", "Scorer", "WindowBatch", "needs_contexts", "score_windows", "scores_of", "unscorable"]

Scorer = Callable[[Windows], npt.NDArray[Any]]
"""A net, or another scorer of windows."""

SCORED = 4096
"""Windows scored together."""

NOT_WHOLE = "the window is not wholly measured"
INFINITE = "the window holds infinite values"
MERGED = "float32, in which nets calculate, does not separate the centre from other values of the window"
NO_CONTEXTS = "the net reads the weights among rows and among columns, and this matrix has none: they are other nodes"
BROKEN_CONTEXTS = "the weights among the rows, or among the columns, of the window are not wholly measured"


@dataclass(frozen=True, eq=False)
class WindowBatch:
    """Some windows of a matrix, and what nets may read besides.

    Attributes:
        values: Shape ``(B, k, k)``, exact in floating point, NaN where nothing was measured.
        row_context: ``A[R, R]`` of the rows ``R`` of each window, shape ``(B, k, k)``; None if there are no contexts.
        column_context: ``A[C, C]`` of its columns, in the same way.
    """

    values: npt.NDArray[Any]
    row_context: npt.NDArray[Any] | None = None
    column_context: npt.NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> WindowBatch:
        """Select windows by slice, mask or indices."""
        if self.row_context is None or self.column_context is None:
            return WindowBatch(self.values[index])
        return WindowBatch(self.values[index], self.row_context[index], self.column_context[index])


def needs_contexts(model: Scorer) -> bool:
    """Return whether a scorer refuses windows without contexts."""
    return bool(getattr(model, "needs_contexts", False))


def unscorable(model: Scorer, batch: WindowBatch, *, partly: bool) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
    """Return the windows that a model can score, as it reads them; and the reason for each other one, "" if none.

    Args:
        model: A scorer of windows.
        batch: The windows.
        partly: Whether entries other than the centre may be missing.
    """
    encoding, windows = getattr(model, "encoding", ""), batch.values
    middle = windows.shape[-1] // 2
    reasons, missing = np.full(len(windows), "", dtype=object), np.isnan(windows)
    reasons[missing[:, middle, middle] if partly else missing.any(axis=(1, 2))] = NOT_WHOLE
    if encoding != "rank":  # infinite values have ranks
        reasons[(reasons == "") & np.isinf(windows).any(axis=(1, 2))] = INFINITE
    if needs_contexts(model):
        for context in (batch.row_context, batch.column_context):
            broken = np.ones(len(windows), np.bool_) if context is None else ~np.isfinite(context).all(axis=(1, 2))
            reasons[(reasons == "") & broken] = NO_CONTEXTS if context is None else BROKEN_CONTEXTS
    measured = np.flatnonzero(reasons == "")
    read, same = as_read(windows[measured], encoding)
    reasons[measured[~same]] = MERGED
    return read[same], reasons


def scores_of(
    model: Scorer, batch: WindowBatch, read: npt.NDArray[np.float32], kept: npt.NDArray[np.intp]
) -> npt.NDArray[np.float32]:
    """Return a model's scores of the ``kept`` windows of a batch, given their values as it reads them."""
    windows = Windows.from_values(read)
    if needs_contexts(model) and batch.row_context is not None and batch.column_context is not None:
        rows, columns = (side[kept].astype(np.float32) for side in (batch.row_context, batch.column_context))
        windows = replace(windows, row_context=rows, column_context=columns)
    return np.asarray(model(windows), dtype=np.float32)


def score_windows(
    model: Scorer, windows: npt.NDArray[Any] | WindowBatch, *, partly: bool | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
    """Score windows that may be partly measured, some thousands at a time, and say why one has no score.

    A model with an attribute ``encoding`` gets windows in a form that keeps the order of their values, which float32
    may merge: their ranks for ``rank``, values on the scale of the window for ``standard``. Others get the rounded
    values, and no window that the rounding makes tied.

    Args:
        model: A scorer of windows.
        windows: Shape ``(M, k, k)``, NaN where nothing was measured; or these with their contexts.
        partly: Whether entries other than the centre may be missing; None: where the model takes missing entries
            (``takes_missing``).

    Returns:
        The scores, shape ``(M,)``, NaN where a window is not measured as it must be, where the model cannot read it, or
        where the model fails; and the reason for each of these, "" for others.

    Example:
        >>> from gnnmax import RULES
        >>> score_windows(RULES["argmax"], np.array([np.eye(3), np.full((3, 3), np.nan)]))
        (array([-1.5,  nan], dtype=float32), array(['', 'the window is not wholly measured'], dtype=object))
    """
    every = windows if isinstance(windows, WindowBatch) else WindowBatch(windows)
    partly = bool(getattr(model, "takes_missing", False)) if partly is None else partly
    scores, reasons = np.full(len(every), np.nan, dtype=np.float32), np.full(len(every), "", dtype=object)
    for start in range(0, len(every), SCORED):
        here = slice(start, start + SCORED)
        batch = every[here]
        read, reasons[here] = unscorable(model, batch, partly=partly)
        readable = np.flatnonzero(reasons[here] == "")
        try:
            if len(read):
                scores[start + readable] = scores_of(model, batch, read, readable)
        except (InputError, MemoryError, RuntimeError) as error:
            reasons[start + readable] = failure_of(error)
    return scores, reasons
