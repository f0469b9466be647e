"""Adapters: scorers from torch modules, from scikit-learn estimators and from files of scores.

Nothing is guessed from a shape or a scale: what a module takes and what an estimator returns is said by the caller. No
library is loaded here: the caller of a module or an estimator has loaded its library.
"""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.io.graph_files.arrays import read_npy
from gnnmax.io.paths import as_path
from gnnmax.io.plain_numbers import plain_float
from gnnmax.io.reading import FileKind
from gnnmax.task.scorers import Scorer
from gnnmax.task.windows import Windows

__all__ = ["as_scorer", "evaluating", "from_estimator", "from_file", "from_module", "is_module"]

LARGEST_FILE = 1_000_000_000
"""Bytes that a file of scores may have."""


def as_scorer(given: Any) -> Scorer:
    """Return a scorer from anything that needs no guess.

    Args:
        given: A callable from :class:`~gnnmax.task.windows.Windows` to scores of shape ``(N,)``: a rule, a trained
            model, a function. A scikit-learn estimator with ``decision_function``, as by :func:`from_estimator`.

    Raises:
        InputError: a torch module or an estimator of probabilities, which need an option; or no scorer.

    Example:
        >>> from gnnmax.task.rules import RULES
        >>> as_scorer(RULES["argmax"]) is RULES["argmax"]
        True
        >>> as_scorer(np.zeros(3))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: a scorer is a callable from Windows to scores (N,), not ndarray: give the function ...
    """
    if is_module(given):
        raise InputError(
            f"the input of {type(given).__name__} cannot be guessed: use from_module(net) for values (B, k, k), "
            "channels=True for images (B, 1, k, k), contexts=True for values and both contexts"
        )
    if _is_estimator(given) and not callable(given):
        return from_estimator(given)
    if isinstance(given, type) or not callable(given):
        raise InputError(
            f"a scorer is a callable from Windows to scores (N,), not {_named(given)}: "
            "give the function that scores, not its scores"
        )
    scorer: Scorer = given
    return scorer


def from_module(module: Any, *, contexts: bool = False, channels: bool = False, batch: int = 256) -> Scorer:
    """Make a scorer from a torch module, called in evaluation mode, without gradients, on its own device.

    Afterwards every part of the module is in the mode it was in. Values are given in the module's own type where that
    is float64, else in float32; a half-precision module is refused, for rounding makes ties.

    Args:
        module: Called as ``module(values)``, values of shape ``(B, k, k)``, to logits of shape ``(B,)``.
        contexts: Call it as ``module(values, row_context, column_context)`` instead, None where windows have none.
        channels: Give values as images, shape ``(B, 1, k, k)``.
        batch: Number of windows at a time.

    Returns:
        A scorer: windows to scores ``(N,)``, float64.

    Raises:
        InputError: no module, in half precision, or an impossible batch; when scoring, an output of another shape.

    Example:
        >>> from gnnmax.models.registry import build_model
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(5, 3, 3)))
        >>> from_module(build_model("cnn", k=3), contexts=True)(w).shape
        (5,)
    """
    if not is_module(module):
        raise InputError(f"from_module takes a torch module, not {_named(module)}: as_scorer takes functions")
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InputError(f"batch must be an integer and at least 1, not {batch!r}: 256 is usual")
    torch: Any = sys.modules["torch"]  # the caller of a module has loaded it
    first = next((p for p in (*module.parameters(), *module.buffers()) if p.is_floating_point()), torch.zeros(0))
    if first.dtype not in (torch.float32, torch.float64):
        raise InputError(f"the module computes in {first.dtype}, where windows get ties: call module.float()")

    def given(array: npt.NDArray[np.float32] | None) -> Any:
        return None if array is None else torch.tensor(array, dtype=first.dtype, device=first.device)

    def scorer(windows: Windows) -> npt.NDArray[np.float64]:
        found = [np.zeros(0)]
        with evaluating(module), torch.no_grad():
            for start in range(0, len(windows), batch):
                part = windows[start : start + batch]
                values = given(part.values)
                inputs = [values[:, None] if channels else values]
                if contexts:
                    inputs += [given(part.row_context), given(part.column_context)]
                found.append(_logits(module(*inputs), len(part)))
        return np.concatenate(found)

    return scorer


def _logits(output: Any, n: int) -> npt.NDArray[np.float64]:
    """Return a module's output as an array, where it is one score a window."""
    if not hasattr(output, "detach") or tuple(output.shape) != (n,):
        came = tuple(output.shape) if hasattr(output, "shape") else type(output).__name__
        raise InputError(
            f"the module must return one logit for each of {n} windows, shape ({n},), not {came}: "
            "end it with .squeeze(-1), or with the difference of two logits"
        )
    return np.asarray(output.cpu().double().numpy(), dtype=np.float64)


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """Put a torch module in evaluation mode, and afterwards every part of it back in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def from_estimator(estimator: Any, *, probabilities: bool = False) -> Scorer:
    """Make a scorer from a fitted scikit-learn classifier of two classes, given the flattened values ``(N, k * k)``.

    Args:
        estimator: With ``decision_function``; or with ``predict_proba``, and then say so.
        probabilities: Take the probability of the second class, by ``predict_proba``; evaluate with ``threshold=0.5``.

    Raises:
        InputError: no fitted classifier of two classes, or one without the method.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(99, 3, 3)))
        >>> fitted = LogisticRegression().fit(w.values.reshape(99, 9), w.label)
        >>> logits, shares = from_estimator(fitted)(w), from_estimator(fitted, probabilities=True)(w)
        >>> bool(((logits > 0) == (shares > 0.5)).all())
        True
    """
    wanted = "predict_proba" if probabilities else "decision_function"
    if not hasattr(estimator, wanted):
        hint = (
            "use from_estimator(estimator, probabilities=True), and threshold=0.5 to evaluate"
            if hasattr(estimator, "predict_proba")
            else "give a classifier that has it"
        )
        raise InputError(f"{_named(estimator)} has no {wanted}: {hint}")
    classes = getattr(estimator, "classes_", None)
    if classes is None or len(classes) != 2:
        came = "is not fitted" if classes is None else f"knows {len(classes)} classes"
        raise InputError(f"{_named(estimator)} {came}: fit it on windows and their labels, False and True")

    def scorer(windows: Windows) -> npt.NDArray[np.float64]:
        if not len(windows):
            return np.zeros(0)
        found = getattr(estimator, wanted)(windows.values.reshape(len(windows), -1))
        return np.asarray(found[:, 1] if probabilities else found, dtype=np.float64)

    return scorer


def from_file(path: str | Path) -> npt.NDArray[np.float64]:
    r"""Read precomputed scores: one real number a window, in the order of the windows.

    Args:
        path: ``.npy``, one array of shape ``(N,)``; or ``.csv``, one number a line, or lines of several columns under a
            header that calls one of them ``score``.

    Returns:
        Scores, shape ``(N,)``, to hand to ``evaluate`` or ``compare_scores``, which refuse what is not finite.

    Raises:
        InputError: another ending, an unreadable file, or something that is no number.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "scores.csv")
        ...     _ = file.write_text("window,score\n0,0.5\n1,-2\n")
        ...     from_file(file)
        array([ 0.5, -2. ])
    """
    path = as_path(path)
    readers = {".npy": _array_of, ".csv": _column_of}
    if path.suffix not in readers:
        raise InputError(f"scores come in a file that ends in .npy or .csv, not {path.name!r}")
    content = FileKind("the file of scores", LARGEST_FILE, "give one that ends in .npy or .csv").read(path)
    try:
        return readers[path.suffix](content)
    except InputError as error:
        raise InputError(f"the file of scores {path}: {error}") from None


def _array_of(content: bytes) -> npt.NDArray[np.float64]:
    array = read_npy(content)
    if array.dtype.kind not in "fiu" or array.ndim != 1:
        raise InputError(f"expected real numbers of shape (N,), not {array.dtype} of shape {array.shape}")
    return array.astype(np.float64)


def _column_of(content: bytes) -> npt.NDArray[np.float64]:
    try:
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"not a text of columns: {error}") from None
    place, first = 0, 0
    if rows and any(math.isnan(_number(cell)) and cell.strip().lower() != "nan" for cell in rows[0]):
        header, first = [cell.strip() for cell in rows[0]], 1
        if header.count("score") != 1:
            raise InputError(f"its header has {header!r:.80}: expected one column called score")
        place = header.index("score")
    elif rows and len(rows[0]) != 1:
        raise InputError(f"has {len(rows[0])} columns and no header: call one of them score")
    width = len(rows[0]) if rows else 0
    scores = np.empty(len(rows) - first)
    for index, row in enumerate(rows[first:]):
        if len(row) != width:
            raise InputError(f"line {index + first + 1} has {len(row)} columns where {width} were expected")
        scores[index] = _number(row[place])
        if math.isnan(scores[index]) and row[place].strip().lower() != "nan":
            raise InputError(f"line {index + first + 1} has {row[place]!r:.40} where a number was expected")
    return scores


def _number(text: str) -> float:
    try:
        return plain_float(text)
    except ValueError:
        return math.nan


def is_module(given: Any) -> bool:
    """Return whether an object is a torch module, by its attributes."""
    return not isinstance(given, type) and all(hasattr(given, name) for name in ("forward", "modules", "state_dict"))


def _is_estimator(given: Any) -> bool:
    return not isinstance(given, type) and any(hasattr(given, name) for name in ("decision_function", "predict_proba"))


def _named(given: Any) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
