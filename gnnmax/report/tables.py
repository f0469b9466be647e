"""Terminal tables."""

from __future__ import annotations

import math

from rich.table import Table

from gnnmax.data.card import Card
from gnnmax.experiments.reproduction.outcome import Outcome
from gnnmax.experiments.results import Results, TestRecord

__all__ = ["card_note", "card_tables", "figure_text", "reproduction_table", "run_tables", "test_rows", "test_table"]


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
    for name in ("density", "weight", "margin"):
        quantiles.add_row(name, *(f"{value:.3g}" for value in card.properties[name]))
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
    """Say how often a window is centred in nature, and whether splits share windows.

    Example:
        >>> from gnnmax.data.card import describe
        >>> from gnnmax.data.store import load_data
        >>> card_note(describe(load_data("real-karate")))
        'in nature 3.8 % of windows are centred (this split, 78 windows); 0 windows are in two splits'
    """
    natural = card.natural
    counted = f"{natural.basis}, {natural.windows:,} windows" if natural.windows else "exact: 1 / k^2"
    shared = f"{card.duplicates:,} windows are in two splits"
    return f"in nature {_percent(natural.share)} of windows are centred ({counted}); {shared}"


def run_tables(results: Results) -> list[Table]:
    """Lay out the results of a run: one table a test set."""
    return [test_table(test) for test in results.tests]


def test_table(test: TestRecord) -> Table:
    """Lay out what was found on one test set, nets first, then the rules.

    Example:
        >>> from gnnmax.experiments.scoreboard import judge_test
        >>> from gnnmax.task.rules import RULES
        >>> from gnnmax.data.store import load_data
        >>> data = load_data("real-karate")
        >>> table = test_table(judge_test(data, {"rank": [RULES["argmax"](data.test)]}, trained=False))
        >>> table.row_count
        6
    """
    known = "held-out hosts of the training recipe" if test.trained else "never seen in training"
    ceiling = "" if test.ceiling is None else f", ceiling {test.ceiling:.4f}"
    hosts = "1 host" if test.hosts == 1 else f"{test.hosts:,} hosts"
    counts = f"{test.windows:,} windows of {hosts}, {_percent(test.centred)} centred{ceiling}"
    table = Table(title=f"{test.name}: {known}; {counts}", title_justify="left", caption_justify="left")
    if test.hosts > 1:
        table.caption = "\n".join(pair.sentence() for pair in test.pairs) or None
    header, rows = test_rows(test)
    _columns(table, header[0], header[1:])
    for row in rows:
        table.add_row(*row, end_section=row[0] == list(test.seeds)[-1])
    return table


def test_rows(test: TestRecord) -> tuple[list[str], list[list[str]]]:
    """Write the figures of a test set as words: a header, and one row a scorer, nets first, then the rules."""
    kinds = list(next(iter(test.verdicts.values())).slices["kind"])
    gaps = ["Bayes gap"] if test.ceiling is not None else []
    rows = []
    for name, verdict in test.verdicts.items():
        low, high = verdict.intervals["accuracy"]
        rows.append(
            [
                name,
                f"{verdict.accuracy:.4f}",
                f"[{low:.4f}, {high:.4f}]" if test.hosts > 1 else "one host",
                f"{verdict.auroc:.4f}",
                f"{verdict.average_precision:.4f}",
                *([f"{verdict.bayes_gap:+.4f}"] if gaps else []),
                *(f"{verdict.slices['kind'][kind].accuracy:.3f}" for kind in kinds),
            ]
        )
    return ["scorer", "accuracy", "95 % interval", "AUROC", "average precision", *gaps, *kinds], rows


def reproduction_table(outcome: Outcome) -> Table:
    """Lay out a table that was measured anew.

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


def figure_text(figure: str | float | None) -> str:
    """Write a figure of a table; one that is not known is left out.

    Example:
        >>> figure_text(0.5), figure_text(1_000_000), figure_text("cnn"), figure_text(math.nan), figure_text(None)
        ('0.5000', '1,000,000', 'cnn', '', '')
    """
    if figure is None or isinstance(figure, str):
        return figure or ""
    if isinstance(figure, int):
        return f"{figure:,}"
    return "" if math.isnan(figure) else f"{figure:.4f}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
