"""Terminal tables."""

from __future__ import annotations

from typing import Any

from rich.table import Table

__all__ = ["card_tables"]


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


def _columns(table: Table, first: str, numbers: list[str]) -> None:
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
