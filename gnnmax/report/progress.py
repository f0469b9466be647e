"""Bars on standard error, where it is a terminal; elsewhere nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

__all__ = ["drawing_progress", "training_progress"]


@contextlib.contextmanager
def drawing_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error if it is a terminal; give the function that moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def training_progress(
    models: Sequence[str], seeds: Sequence[int], steps: int
) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Show a bar and the last validation loss for each seed and model, if standard error is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), "{task.fields[last]}")
    styled = [TextColumn(column) if isinstance(column, str) else column for column in columns]
    with Progress(*styled, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {
            (seed, name): bar.add_task(f"{name}, seed {seed}", total=steps, last="")
            for seed in seeds
            for name in models
        }

        def show(record: dict[str, Any]) -> None:
            task = tasks[record["seed"], record["model"]]
            if record["event"] == "evaluation":
                bar.update(task, last=f"loss {record['loss']:.4f}, accuracy {record['accuracy']:.4f}")
            elif record["event"] == "diverged":
                bar.update(task, last=f"diverged at step {record['step']}")
            bar.update(task, completed=record["step"])

        yield show
