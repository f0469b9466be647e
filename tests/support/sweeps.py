"""A plan of few and tiny units, and executors that lose their workers."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

__all__ = ["PLAN", "LosingExecutor"]

PLAN: dict[str, Any] = {
    "data": "tiny",
    "models": {"cnn": {"width": 2}, "gnn": {"width": 2, "rounds": 1}},
    "training": {"steps": 1, "batch_size": 8, "device": "cpu"},
    "grid": {"recipe.subgraphs.0.order": ["natural", "shuffled"], "training.learning_rate": [0.01, 0.1]},
}
"""Eight units on two data sets."""


class LosingExecutor(Executor):
    """An executor without workers that is broken by some units, and by all that follow in it.

    Args:
        deadly: Called with the digests of a job: whether it ends the worker.
    """

    def __init__(self, deadly: Any) -> None:
        self._deadly, self._broken = deadly, False

    def submit(self, function: Any, job: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._broken = self._broken or self._deadly([unit.digest for unit in job.units])
        if self._broken:
            future.set_exception(BrokenExecutor("the worker ended"))
        else:
            future.set_result(function(job))
        return future
