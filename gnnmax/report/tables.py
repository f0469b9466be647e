"""Tables for the terminal: data cards, results of a run, reproduced tables."""

from __future__ import annotations

import math

from rich.table import Table

from gnnmax.data.card import Card
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.tabulation import interval_text, number_text
from gnnmax.evaluation.verdict import Verdict
from gnnmax.experiments.reproduction.outcome import Outcome
from gnnmax.experiments.results import Results, SplitResult

__all__ = [
    "card_note",
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
    splits = Table(title=f"{card.name}  {card.digest[:12]}\n{card.summary}", title_justify="left")
    kinds = list(next(iter(card.splits.values()))["kinds"])
    _columns(splits, "split", ["hosts", "windows", "label true", *kinds])
    splits.caption, splits.caption_justify = card_note(card), "left"
    for name, row in card.splits.items():
        shares = [_percent(row["kinds"][kind]) for kind in kinds]
        splits.add_row(name, f"{row['hosts']:,}", f"{row['windows']:,}", _percent(row["centred"]), *shares)
    quantiles = Table(title="test split, quantiles", title_justify="left")
    _columns(quantiles, "property", ["least", "25 %", "median", "75 %", "greatest"])
    for name, values in card.properties.items():
        if isinstance(values, list):
            quantiles.add_row(name, *(f"{value:.3g}" for value in values))
    ladder = Table(title="explicit rules and learned shortcuts, test split", title_justify="left")
    _columns(ladder, "scorer", ["accuracy", "standard error", "stated"])
    ladder.add_column("basis")
    ladder.add_column("sees")
    for rung in (*card.rules, *card.probes):
        stated = "" if rung.stated is None else f"{rung.stated:.4f}"
        numbers = (f"{rung.accuracy:.4f}", f"{rung.standard_error:.4f}", stated)
        ladder.add_row(rung.name, *numbers, rung.basis, rung.sees, end_section=rung == card.rules[-1])
    return [splits, quantiles, ladder]


def card_note(card: Card) -> str:
    """State the natural share of centred windows, and whether splits share windows.

    Example:
        >>> from gnnmax.data.card import describe
        >>> from gnnmax.data.store import load_data
        >>> card_note(describe(load_data("real-karate")))
        'natural prevalence: 3.8 % of windows are centred (this split, 78 windows); 0 windows are in two splits'
    """
    natural = card.natural
    counted = f"{natural.basis}, {natural.windows:,} windows" if natural.windows else "exact: 1 / k^2"
    shared = f"{card.duplicates:,} windows are in two splits"
    return f"natural prevalence: {_percent(natural.share)} of windows are centred ({counted}); {shared}"


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
    counts = f"{test.windows:,} windows of {hosts}, {_percent(test.centred)} centred{ceiling}"
    table = Table(title=f"{test.name}: {known}; {counts}", title_justify="left", caption_justify="left")
    if test.hosts > 1:
        table.caption = "\n".join(pair.sentence() for pair in test.pairs) or None
    header, rows = split_rows(test)
    _columns(table, header[0], header[1:])
    for row in rows:
        table.add_row(*row, end_section=row[0] == test.nets[-1])
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
    return ["scorer", "accuracy", "95 % interval", *(METRICS[name].title for name in shown), *kinds], rows


def reproduction_table(outcome: Outcome) -> Table:
    """Lay out a table that was reproduced.

    Example:
        >>> reproduction_table(Outcome("title", "source", ({"net": "cnn", "accuracy": 0.9},), ())).row_count
        1
    """
    table = Table(title=outcome.title, title_justify="left", caption=f"after {outcome.source}")
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


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
