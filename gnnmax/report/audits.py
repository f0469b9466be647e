"""Terminal tables of audits."""

from __future__ import annotations

from collections.abc import Collection

from rich.table import Table

from gnnmax.auditing.findings import Audit

__all__ = ["audit_table"]


def audit_table(name: str, audit: Audit, declared: Collection[str] = ()) -> Table:
    """Lay out an audit: one row a transformation.

    Args:
        name: Of the scorer.
        audit: What was found.
        declared: The transformations to which the scorer is declared invariant.

    Example:
        >>> import numpy as np
        >>> from gnnmax import RULES, Windows, audit
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(20, 3, 3)))
        >>> audit_table("rank", audit(RULES["argmax"], w, rng=np.random.default_rng(0))).row_count
        10
    """
    table = Table(title=f"{name}: {audit.judgement}", title_justify="left")
    table.add_column("transformation")
    table.add_column("verdict")
    for column in ("largest change", "relative", "spurious flips", "due flips", "windows"):
        table.add_column(column, justify="right")
    table.add_column("the label")
    table.add_column("declared")
    for finding in audit.values():
        table.add_row(
            finding.name,
            finding.verdict,
            f"{finding.maximum:.3g}",
            "" if finding.relative is None else f"{finding.relative:.3g}",
            *("" if share is None else f"{share:.1%}" for share in (finding.spurious, finding.due)),
            f"{finding.windows:,}",
            "stays" if finding.label_stays else "moves",
            "invariant" if finding.name in declared else "",
            style="bold" if finding.fault else None,
        )
    return table
