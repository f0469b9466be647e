"""What a terminal is told of maxima that were found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gnnmax.detection.tables import Rows

__all__ = ["print_maxima"]

SHOWN = 20
"""Maxima printed; the file holds all."""


def print_maxima(rows: Rows, card: dict[str, Any], out: Path | None) -> None:
    """Print a table of the first maxima, or why there is none, and what else the run card tells."""
    from rich.console import Console
    from rich.table import Table

    how = f"mode {card['mode']}" + ("" if card["k"] is None else f", {card['k'][0]} x {card['k'][1]}")
    what = f"{card['maxima']:,} maxima" if card["positions"] is None else f"{len(rows):,} positions"
    title = f"{card['matrix']}: {what}, {how}, ties {card['ties']}, border {card['border']}"
    if card["steps"]:
        title += f", steps {','.join(card['steps'])}"
    if not rows:
        sys.stdout.write(f"{title}\nno maximum found: {_why_none(card)}\n{_told(card)}")
        return
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "reason" else "right")
    for row in rows[:SHOWN]:
        table.add_row(*map(_shown, row.values()))
    if len(rows) > SHOWN:
        table.caption = f"the first {SHOWN} of {len(rows):,}" + ("" if out else "; --out FILE writes all")
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    sys.stdout.write(_told(card))
    if out is not None:
        sys.stdout.write(f"{out}\n")


def _why_none(card: dict[str, Any]) -> str:
    if card["decoys"] is not None and card["decoys"]["dropped"]:
        return f"none has a q-value up to {card['decoys']['fdr']:g}"
    if card["threshold"] is not None:
        return f"no entry that is the largest of its window is above {card['threshold']:g}"
    if card["border"] != "shrink":
        return f"every largest entry has more entries missing around it than --border {card['border']} allows"
    return "no entry is above all others of its window; --ties all counts equal ones too"


def _told(card: dict[str, Any]) -> str:
    """Say what steps lost, what decoys dropped and what nets said of every entry, a line each."""
    lines = [f"{lost:,} entries without a score: {why}\n" for why, lost in card["lost"].items()]
    decoys = card["decoys"]
    if decoys is not None and decoys["fdr"] is not None:
        lines.append(
            f"{decoys['dropped']:,} of {decoys['found']:,} maxima dropped: q above {decoys['fdr']:g} "
            f"(decoys {decoys['kind']}, {decoys['draws']} draws, seed {decoys['seed']})\n"
        )
    for name, told in (card["everywhere"] or {}).items():
        recall = "" if told["recall"] is None else f", recall of a screen by the rule {told['recall']:.4f}"
        lines.append(
            f"{name}: {told['called']:,} of {told['windows']:,} whole windows called centred, "
            f"{told['kept']:,} of them strict maxima{recall}\n"
        )
    return "".join(lines)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
