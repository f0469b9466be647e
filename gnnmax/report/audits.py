"""Tables of audits, for the terminal and for the page of a run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.table import Table

from gnnmax.auditing.findings import Audit, Finding, Symmetry

if TYPE_CHECKING:  # an audit is printed without torch
    from gnnmax.experiments.results import ModelRecord

__all__ = ["audit_table", "conclusions", "worst_finding", "worst_findings"]

VERDICTS: tuple[Symmetry, ...] = ("invariant", "equivariant", "neither")
"""From no change of the scores to any change."""


def audit_table(name: str, audit: Audit, declared: Collection[str] = ()) -> Table:
    """Lay out an audit as a table: one row a transformation.

    Args:
        name: Of the scorer.
        audit: Its findings.
        declared: The transformations to which the scorer is declared invariant.

    Example:
        >>> import numpy as np
        >>> from gnnmax import RULES, Windows, audit
        >>> w = Windows.from_values(np.random.default_rng(0).normal(size=(20, 3, 3)))
        >>> audit_table("rank", audit(RULES["argmax"], w, rng=np.random.default_rng(0))).row_count
        10
    """
    (text,) = audit.tables()
    table = Table(title=f"{name}: {text.title}", title_justify="left")
    for place, column in enumerate([*text.header, "declared"]):
        table.add_column(column, justify="right" if 2 <= place < len(text.header) - 1 else "left")
    for finding, row in zip(audit.values(), text.rows, strict=True):
        invariant = "invariant" if finding.name in declared else ""
        table.add_row(*row, invariant, style="bold" if finding.fault else None)
    return table


def worst_finding(findings: Sequence[Finding]) -> Finding:
    """Return the worst finding of several seeds about one transformation.

    The verdict is that of a fault if any seed has one, else the one that notices most. Unexpected flips are the most of
    any seed, expected flips the fewest.

    Example:
        >>> still = Finding(
        ...     name="relabelling", verdict="invariant", label_stays=True, maximum=0, relative=0, unexpected_flips=0,
        ...     expected_flips=None, floor=0, windows=9, worst=None
        ... )  # fmt: skip
        >>> noticed = replace(still, verdict="neither", unexpected_flips=0.1)
        >>> worst_finding([still, noticed]).unexpected_flips
        0.1
    """
    faulty = [finding for finding in findings if finding.fault]
    return replace(
        max(faulty or findings, key=lambda finding: VERDICTS.index(finding.verdict)),
        maximum=max(finding.maximum for finding in findings),
        relative=max((finding.relative for finding in findings if finding.relative is not None), default=None),
        unexpected_flips=max(
            (finding.unexpected_flips for finding in findings if finding.unexpected_flips is not None), default=None
        ),
        expected_flips=min(
            (finding.expected_flips for finding in findings if finding.expected_flips is not None), default=None
        ),
    )


def worst_findings(model: ModelRecord) -> dict[str, Finding]:
    """Return the worst finding of a model's seeds about each transformation, see :func:`worst_finding`."""
    audits = [run.audit.findings for run in model.runs]
    return {name: worst_finding([findings[name] for findings in audits]) for name in audits[0]}


def conclusions(model: ModelRecord) -> dict[str, list[int]]:
    """Return each conclusion of the audits of a model with its seeds."""
    found: dict[str, list[int]] = {}
    for run in model.runs:
        found.setdefault(run.audit.conclusion, []).append(run.seed)
    return found
