"""Adapters: scorers from torch modules, from scikit-learn estimators and from files of scores.

Nothing is guessed from a shape or a scale: what a module takes and what an estimator returns is said by the caller. No
library is loaded here: the caller of a module or an estimator has loaded its library.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.evaluation.column_files import read_column
from gnnmax.task.scorers import Scorer
from gnnmax.task.windows import Windows

__all__ = ["as_scorer", "evaluating", "from_estimator", "from_file", "from_module", "is_module"]


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


def from_estimator(estimator: Any, *, probabilities: bool = False, positive: Any = None) -> Scorer:
    """Make a scorer from a fitted scikit-learn classifier of two classes, given the flattened values ``(N, k * k)``.

    scikit-learn sorts the classes, and its scores are for the second: which of both means "centred" is read, never
    assumed.

    Args:
        estimator: With ``decision_function``; or with ``predict_proba``, and then say so.
        probabilities: Take the probability of "centred", by ``predict_proba``; evaluate with ``threshold=0.5``.
        positive: The class that means "centred"; None where the classes are False and True, 0 and 1, or -1 and 1.

    Raises:
        InputError: no fitted classifier of two classes, or one without the method; classes of other names, and none of
            them given as ``positive``.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(99, 3, 3)))
        >>> fitted = LogisticRegression().fit(w.values.reshape(99, 9), w.label)
        >>> logits, shares = from_estimator(fitted)(w), from_estimator(fitted, probabilities=True)(w)
        >>> bool(((logits > 0) == (shares > 0.5)).all())
        True
        >>> named = LogisticRegression().fit(w.values.reshape(99, 9), np.where(w.label, "centred", "shifted"))
        >>> bool(np.allclose(from_estimator(named, positive="centred")(w), logits))
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
    place = _place_of_positive(np.asarray(classes).tolist(), positive, _named(estimator))

    def scorer(windows: Windows) -> npt.NDArray[np.float64]:
        if not len(windows):
            return np.zeros(0)
        found = np.asarray(getattr(estimator, wanted)(windows.values.reshape(len(windows), -1)), dtype=np.float64)
        if probabilities:
            return found[:, place]
        return found if place == 1 else -found

    return scorer


def _place_of_positive(classes: list[Any], positive: Any, name: str) -> int:
    """Return the place of the class that means "centred" among the two classes of an estimator."""
    if positive is None and classes in ([False, True], [-1, 1]):
        return 1
    if positive is None or positive not in classes:
        came = "" if positive is None else f", not {positive!r}"
        raise InputError(
            f"{name} knows the classes {classes[0]!r} and {classes[1]!r}{came}: say which of them means centred, "
            f"from_estimator(estimator, positive={classes[0]!r})"
        )
    return classes.index(positive)


def from_file(path: str | Path) -> npt.NDArray[np.float64]:
    r"""Read precomputed scores: one real number a window, in the order of the windows.

    Args:
        path: ``.npy`` or ``.npz``, one array of shape ``(N,)``; or ``.csv``, one number a line, or lines of several
            columns under a header that calls one of them ``score``.

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
    return read_column(path, "score")


def is_module(given: Any) -> bool:
    """Return whether an object is a torch module, by its attributes."""
    return not isinstance(given, type) and all(hasattr(given, name) for name in ("forward", "modules", "state_dict"))


def _is_estimator(given: Any) -> bool:
    return not isinstance(given, type) and any(hasattr(given, name) for name in ("decision_function", "predict_proba"))


def _named(given: Any) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
