"""Terminal tables."""

from __future__ import annotations

from typing import Any

from rich.table import Table

__all__ = ["card_tables", "run_tables", "test_table"]


def card_tables(card: dict[str, Any]) -> list[Table]:
    """Lay out a data card (see :meth:`gnnmax.card.Card.to_dict`) as tables.

    Example:
        >>> rung = dict(name="margin", sees="all", accuracy=1.0, standard_error=0.0, stated=1.0, basis="exact")
        >>> kinds = dict(centred=0.5, shifted=0.5)
        >>> split = dict(hosts=2, windows=8, centred=0.5, kinds=kinds)
        >>> quartiles = [0.0, 0.25, 0.5, 0.75, 1.0]
        >>> properties = dict(density=quartiles, weight=quartiles, margin=quartiles, centre_tied=0.0)
        >>> card = dict(name="x", summary="y", digest="0" * 64, ceiling=None, splits={"test": split}, probes=[])
        >>> [table.row_count for table in card_tables({**card, "properties": properties, "rules": [rung]})]
        [1, 3, 1]
    """
    splits = Table(title=f"{card['name']}  {card['digest'][:12]}\n{card['summary']}", title_justify="left")
    kinds = list(next(iter(card["splits"].values()))["kinds"])
    _columns(splits, "split", ["hosts", "windows", "label true", *kinds])
    for name, row in card["splits"].items():
        shares = [_percent(row["kinds"][kind]) for kind in kinds]
        splits.add_row(name, f"{row['hosts']:,}", f"{row['windows']:,}", _percent(row["centred"]), *shares)
    quantiles = Table(title="test split, quantiles", title_justify="left")
    _columns(quantiles, "property", ["least", "25 %", "median", "75 %", "greatest"])
    for name in ("density", "weight", "margin"):
        quantiles.add_row(name, *(f"{value:.3g}" for value in card["properties"][name]))
    ladder = Table(title="explicit rules and learned shortcuts, test split", title_justify="left")
    _columns(ladder, "scorer", ["accuracy", "standard error", "stated"])
    ladder.add_column("basis")
    ladder.add_column("sees")
    for part in (card["rules"], card["probes"]):
        for rung in part:
            stated = "" if rung["stated"] is None else f"{rung['stated']:.4f}"
            numbers = (f"{rung['accuracy']:.4f}", f"{rung['standard_error']:.4f}", stated)
            ladder.add_row(rung["name"], *numbers, rung["basis"], rung["sees"])
        ladder.add_section()
    return [splits, quantiles, ladder]


def run_tables(results: dict[str, Any]) -> list[Table]:
    """Lay out the results of a run (see :func:`gnnmax.comparison.compare`): one table a test set.

    Example:
        >>> run_tables({"tests": []})
        []
    """
    return [test_table(test) for test in results["tests"]]


def test_table(test: dict[str, Any]) -> Table:
    """Lay out what was found on one test set (see :func:`gnnmax.results.judged_set`), nets first, then the rules.

    Example:
        >>> verdict = dict(accuracy=0.9, auroc=0.95, average_precision=0.9, bayes_gap=None, slices=dict(kind={}))
        >>> test = dict(name="x", windows=8, hosts=2, centred=0.5, ceiling=None, trained=True, seeds={"gnn": []})
        >>> pair = dict(first="gnn", second="margin", sentence="cannot tell")
        >>> verdicts = {"gnn": {**verdict, "intervals": {"accuracy": [0.8, 1.0]}}}
        >>> test_table({**test, "verdicts": verdicts, "pairs": [pair]}).row_count
        1
    """
    known = "held-out hosts of the training recipe" if test["trained"] else "hosts of another recipe, never seen"
    ceiling = "" if test["ceiling"] is None else f", ceiling {test['ceiling']:.4f}"
    counts = f"{test['windows']:,} windows of {test['hosts']:,} hosts, {_percent(test['centred'])} centred{ceiling}"
    nets = [pair["sentence"] for pair in test["pairs"] if {pair["first"], pair["second"]} <= set(test["seeds"])]
    table = Table(title=f"{test['name']}: {known}; {counts}", title_justify="left", caption_justify="left")
    table.caption = "\n".join(nets) or None
    kinds = list(next(iter(test["verdicts"].values()))["slices"]["kind"])
    _columns(table, "scorer", ["accuracy", "95 % interval", "AUROC", "average precision"])
    if test["ceiling"] is not None:
        table.add_column("Bayes gap", justify="right")
    for kind in kinds:
        table.add_column(kind, justify="right")
    for name, verdict in test["verdicts"].items():
        if name not in test["seeds"] and len(table.rows) == len(test["seeds"]):
            table.add_section()
        low, high = verdict["intervals"]["accuracy"]
        gap = [] if test["ceiling"] is None else [f"{verdict['bayes_gap']:+.4f}"]
        table.add_row(
            name,
            f"{verdict['accuracy']:.4f}",
            f"[{low:.4f}, {high:.4f}]",
            f"{verdict['auroc']:.4f}",
            f"{verdict['average_precision']:.4f}",
            *gap,
            *(f"{verdict['slices']['kind'][kind]['accuracy']:.3f}" for kind in kinds),
        )
    return table


def _columns(table: Table, first: str, numbers: list[str]) -> None:
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
