"""Evaluate a million scores, and import the evaluator."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.rows import Row, Setting, Target
from benchmarks.timing import Lane, race
from gnnmax import evaluate
from gnnmax.task.windows import Windows

__all__ = ["ROWS"]

HOSTS = 2_000


def evaluation(name: str, setting: Setting, *, grouped: bool) -> Row:
    """Time all metrics with its interval over graphs, against scikit-learn's AUROC alone."""
    n = setting.size(1_000_000, 2_000)
    rng = np.random.default_rng(0)
    label = rng.random(n) < 0.5
    scores = rng.standard_normal(n) + label
    labelled: Windows | np.ndarray = label
    if grouped:
        w = Windows.from_values(rng.standard_normal((n, 3, 3), dtype=np.float32), label)
        w.graph[:] = np.arange(n) * min(HOSTS, n // 20) // n
        labelled = w
    lanes = (
        Lane("ours", lambda: evaluate(scores, labelled), n),
        Lane("roc_auc_score", lambda: roc_auc_score(label, scores), n),
    )
    return race(name, *lanes, "score", Target("cost"), setting)


def loading(name: str, setting: Setting) -> Row:
    """Time a fresh interpreter that imports the evaluator, against one that imports ``sklearn.metrics``."""

    def interpreter(line: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", line], check=True)

    ours = Lane("from gnnmax import evaluate", interpreter("from gnnmax import evaluate"))
    other = Lane("import sklearn.metrics", interpreter("import sklearn.metrics"))
    return race(name, ours, other, "start", Target("cost", 2.0), setting)


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "evaluate: 1M scores": partial(evaluation, grouped=False),
    "evaluate: 1M scores of 2,000 hosts": partial(evaluation, grouped=True),
    "evaluate: import": loading,
}
