"""Tables for the terminal: data cards, results of a run, reproduced tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from gnnmax.data.card_record import Card
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.verdict import Verdict
from gnnmax.task.tabulation import TableText, interval_text, number_text, percent_text

if TYPE_CHECKING:  # a card is printed without torch
    from gnnmax.experiments.reproduction.outcome import Outcome
    from gnnmax.experiments.results import Results, SplitResult

__all__ = [
    "card_tables",
    "figure_text",
    "headline_metrics",
    "metric_text",
    "metrics_of",
    "reproduction_table",
    "run_tables",
    "split_rows",
    "split_tables",
]


def card_tables(card: Card) -> list[Table]:
    """Lay out a data card as tables: splits, properties, rules and probes.

    Example:
        >>> from gnnmax.data.card import describe
        >>> from gnnmax.data.store import load_data
        >>> [table.row_count for table in card_tables(describe(load_data("real-karate")))]
        [1, 3, 6]
    """
    return [_left(table, (0, 4, 5) if place == 2 else (0,)) for place, table in enumerate(card.tables())]


def _left(text: TableText, words: Sequence[int]) -> Table:
    """Lay out a table with its title, its notes and its columns of words to the left."""
    notes = "\n".join(text.notes) or None
    table = Table(title=text.title, title_justify="left", caption=notes, caption_justify="left")
    for place, name in enumerate(text.header):
        table.add_column(name, justify="left" if place in words else "right")
    for row in text.rows:
        table.add_row(*row)
    return table


def run_tables(results: Results) -> list[Table]:
    """Lay out the results of a run: the tables of each test set."""
    return [table for test in results.tests for table in split_tables(test)]


def split_tables(test: SplitResult) -> list[Table]:
    """Lay out the results on one test set: the comparison of the scorers, then every metric of each.

    Example:
        >>> from gnnmax.experiments.scoreboard import evaluate_split
        >>> from gnnmax.task.rules import RULES
        >>> from gnnmax.data.store import load_data
        >>> data = load_data("real-karate")
        >>> tables = split_tables(evaluate_split(data, {"rank": [RULES["argmax"](data.test)]}, trained=False))
        >>> tables[0].row_count, len(tables[1].columns)
        (6, 7)
    """
    return [split_table(test), metrics_table(test)]


def split_table(test: SplitResult) -> Table:
    """Lay out the headline metrics on one test set, nets first, then the rules."""
    known = "held-out hosts of the training recipe" if test.trained else "never seen in training"
    ceiling = "" if test.ceiling is None else f", ceiling {test.ceiling:.4f}"
    hosts = "1 host" if test.hosts == 1 else f"{test.hosts:,} hosts"
    counts = f"{test.windows:,} windows of {hosts}, {percent_text(test.centred)} centred{ceiling}"
    table = Table(title=f"{test.name}: {known}; {counts}", title_justify="left", caption_justify="left")
    if test.hosts > 1:
        table.caption = "\n".join(pair.sentence() for pair in test.pairs) or None
    header, rows = split_rows(test)
    last = [*test.nets, *test.diverged][-1:] or [""]
    _columns(table, header[0], header[1:])
    for row in rows:
        table.add_row(*row, end_section=row[0] == last[0])
    return table


def metrics_table(test: SplitResult) -> Table:
    """Lay out every metric that exists on one test set: one row a metric, one column a scorer."""
    table = Table(title=f"{test.name}: every metric", title_justify="left")
    _columns(table, "metric", list(test.verdicts))
    for name in metrics_of(test):
        table.add_row(METRICS[name].title, *(metric_text(verdict, name) for verdict in test.verdicts.values()))
    return table


def metrics_of(test: SplitResult) -> list[str]:
    """Return the names of the metrics that exist for some scorer on a test set, in the order of ``METRICS``."""
    return [name for name in METRICS if any(verdict.value(name) is not None for verdict in test.verdicts.values())]


def headline_metrics(test: SplitResult) -> list[str]:
    """Return the names of the headline metrics of a test set without the accuracy, which has its own columns."""
    return [name for name in metrics_of(test) if METRICS[name].headline and name != "accuracy"]


def metric_text(verdict: Verdict, metric: str) -> str:
    """Write a metric of a verdict, signed where it may be negative; one that does not exist is left empty."""
    return figure_text(verdict.value(metric), signed=METRICS[metric].range[0] < 0)


def split_rows(test: SplitResult) -> tuple[list[str], list[list[str]]]:
    """Write the headline metrics on a test set as text: a header, and one row a scorer, nets first, then the rules."""
    kinds = list(next(iter(test.verdicts.values())).slices["kind"])
    shown = headline_metrics(test)
    rows = []
    for name, verdict in test.verdicts.items():
        interval = interval_text(verdict.interval("accuracy")) if test.hosts > 1 else "one host"
        values = [metric_text(verdict, metric) for metric in shown]
        slices = [f"{verdict.slices['kind'][kind].accuracy:.3f}" for kind in kinds]
        rows.append([name, number_text(verdict.accuracy), interval, *values, *slices])
    place = len(test.nets)
    rows[place:place] = [[name, "", why, *[""] * (len(shown) + len(kinds))] for name, why in test.diverged.items()]
    return ["scorer", "accuracy", "95 % interval", *(METRICS[name].title for name in shown), *kinds], rows


def reproduction_table(outcome: Outcome) -> Table:
    """Lay out a table that was reproduced.

    Example:
        >>> from gnnmax.experiments.reproduction.outcome import Outcome
        >>> reproduction_table(Outcome("title", "source", ({"net": "cnn", "accuracy": 0.9},), ())).row_count
        1
    """
    caption = "\n".join(filter(None, (f"after {outcome.source}", outcome.note)))
    table = Table(title=outcome.title, title_justify="left", caption=caption)
    header = list(outcome.rows[0])
    _columns(table, header[0], header[1:])
    for row in outcome.rows:
        table.add_row(*map(figure_text, row.values()))
    return table


def _columns(table: Table, first: str, numbers: list[str]) -> None:
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")


def figure_text(value: str | float | None, *, signed: bool = False) -> str:
    """Write a value of a table; one that is missing is left empty.

    Example:
        >>> figure_text(0.5), figure_text(1_000_000), figure_text("cnn"), figure_text(math.nan), figure_text(None)
        ('0.5000', '1,000,000', 'cnn', '', '')
        >>> figure_text(0.5, signed=True)
        '+0.5000'
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, int):
        return f"{value:,}"
    return "" if math.isnan(value) else f"{value:{'+' if signed else ''}.4f}"
