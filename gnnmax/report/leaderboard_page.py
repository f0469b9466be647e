"""The page and the table of a leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gnnmax.evaluation.metrics import METRICS
from gnnmax.experiments.leaderboard import FIGURES, Standing
from gnnmax.report.rendering import environment, write_whole
from gnnmax.task.tabulation import TableText, interval_text

__all__ = ["board_table", "write_board_page"]


def board_table(standing: Standing) -> TableText:
    """Lay out a leaderboard as a table: the best group first.

    Example:
        >>> import numpy as np
        >>> from gnnmax.data.generation import build
        >>> from gnnmax.experiments.leaderboard import check_board, new_board, with_entries
        >>> data = build("tiny")
        >>> board = with_entries(new_board(data), data, {"half": np.full(16, 0.5)})
        >>> board_table(check_board(board, data)).rows[0][:3]
        ['half', '1', '0.5000']
    """
    header = ["entry", "group", *_titles(), "95 % interval", "audit"]
    rows = [[row["name"], str(row["group"]), *row["figures"], row["interval"], row["audit"]] for row in _rows(standing)]
    ceiling = [] if standing.ceiling is None else [f"best possible accuracy: {standing.ceiling:.4f}"]
    board = standing.board
    return TableText(
        f"{board.data} {board.digest[:12]}, {board.split}: {board.windows:,} windows", header, rows, ceiling
    )


def write_board_page(standing: Standing, path: Path) -> Path:
    """Write the page of a leaderboard: one HTML file without links to the network.

    Raises:
        InputError: its folder does not exist, or it is no file.
    """
    pairs = () if standing.comparison is None else standing.comparison.pairs
    page = environment().get_template("leaderboard.html")
    content = page.render(
        board=standing.board,
        ceiling=standing.ceiling,
        titles=_titles(),
        rows=_rows(standing),
        sentences=[pair.sentence() for pair in pairs],
    )
    return write_whole(path, content)


def _titles() -> list[str]:
    return [METRICS[name].title for name in FIGURES]


def _rows(standing: Standing) -> list[dict[str, Any]]:
    return [
        {
            "group": number,
            "first": name == group[0],
            "name": name,
            "figures": [
                "" if (value := standing.verdict(name).value(figure)) is None else f"{value:.4f}" for figure in FIGURES
            ],
            "interval": interval_text(standing.verdict(name).intervals["accuracy"]),
            "audit": standing.audit_of(name),
            "above": standing.is_above_ceiling(name),
        }
        for number, group in enumerate(standing.groups, start=1)
        for name in group
    ]
