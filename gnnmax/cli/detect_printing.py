"""Print the results of the command detect: the first maxima, or why there are none, and the counts of the run card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gnnmax.cli.printing import print_tables, print_text
from gnnmax.detection.table import Detections

__all__ = ["print_maxima", "why_dropped"]

SHOWN = 20
"""Largest number of maxima to print; the file holds all."""


def print_maxima(found: Detections, card: dict[str, Any], out: Path | None) -> None:
    """Print the first maxima, or the reason why there are none, and the counts of the run card."""
    from rich.table import Table

    scales = [] if card["k"] is None else card["k"] if isinstance(card["k"][0], list) else [card["k"]]
    mode = f"mode {card['mode']}" + (", " if scales else "") + ", ".join(f"{n} x {m}" for n, m in scales)
    if card["seriate"]:
        mode += ", seriated"
    if card["footprint"] != "square":
        mode += f", footprint {card['footprint']}"
    maxima = "maxima" if card["by"] is None else f"calls by {card['by']['net']}"
    listed = f"{card['maxima']:,} {maxima}" if card["positions"] is None else f"{len(found):,} positions"
    title = f"{card['matrix']}: {listed}, {mode}, ties {card['ties']}, border {card['border']}"
    title += f", {card['symmetry']['read']}"
    if card["max_missing"] is not None:
        title += f", at most {card['max_missing']} missing"
    if card["steps"]:
        title += f", steps {','.join(card['steps'])}"
    rows = found[:SHOWN].as_rows()
    if not rows:
        print_text(f"{title}\nno maximum found: {card['no_maximum']}\n{_counts(card)}".removesuffix("\n"))
        return
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "reason" else "right")
    for row in rows:
        table.add_row(*map(_shown, row.values()))
    if len(found) > SHOWN:
        table.caption = f"the first {SHOWN} of {len(found):,}" + ("" if out else "; --out FILE writes all")
    print_tables(table)
    if counts := _counts(card).removesuffix("\n"):
        print_text(counts)
    if out is not None:
        print_text(out)


def why_dropped(card: dict[str, Any]) -> str:
    """Say that all maxima were dropped by their q-values or by filters, if it is so; else nothing."""
    if card["decoys"] is not None and card["decoys"]["dropped"]:
        return f"none of {card['decoys']['found']:,} has a q-value up to --fdr {card['decoys']['fdr']:g}"
    if any(one["dropped"] for one in card["filters"]):
        return "filters dropped every one"
    return ""


def _counts(card: dict[str, Any]) -> str:
    """Return one line each for the mode, the halves, entries without a score, maxima dropped, and score maps."""
    lines = [f"{note}\n" for note in (card["format_note"], card["mode_note"], card["symmetry"]["note"]) if note]
    if card["seriate"]:
        share = card["order_explains"]
        lines.append(
            f"in the order found, the distance explains {share:.0%} of the variance of the roots of the entries\n"
        )
    lines += [f"{lost:,} entries without a score: {why}\n" for why, lost in card["lost"].items()]
    if card["by"] is not None and card["by"]["calls"]:
        by = card["by"]
        lines.append(
            f"the rule agrees with {by['maxima']:,} of {by['calls']:,} calls ({by['agreement']:.1%}); it has "
            f"{by['rule_maxima']:,} maxima of its own\n"
        )
    effective = {one["filter"]: one for one in card["filters"] if one["dropped"]}
    dropped = {flag: f"{one['dropped']:,} of {one['of']:,} maxima dropped: {flag}\n" for flag, one in effective.items()}
    last = [dropped.pop(flag) for flag in effective if flag.startswith("--top ")]  # it selects after the q-values
    lines += dropped.values()
    decoys = card["decoys"]
    if decoys is not None and decoys["failed"]:
        lines.append(f"no q-values, and no maximum dropped: {decoys['failed']}\n")
    elif decoys is not None and decoys["fdr"] is not None:
        lines.append(
            f"{decoys['dropped']:,} of {decoys['found']:,} maxima dropped: q above {decoys['fdr']:g} "
            f"(decoys {decoys['kind']}, {decoys['draws']} draws, seed {decoys['seed']})\n"
        )
    lines += last
    for name, compared in (card["everywhere"] or {}).items():
        recall = "" if compared["recall"] is None else f", recall of the rule {compared['recall']:.4f}"
        lines.append(
            f"{name}: {compared['called']:,} of {compared['windows']:,} whole windows called centred, "
            f"{compared['kept']:,} of them strict maxima{recall}\n"
        )
    return "".join(lines)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
