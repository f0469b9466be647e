"""The outcome of a reproduction: rows of numbers and checked claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gnnmax.errors import InputError
from gnnmax.task.claims import Check

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

__all__ = ["Figure", "Outcome", "Progress", "mean_and_error", "silent"]

Figure = str | float | int
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Outcome:
    """A reproduced table.

    Attributes:
        title: The quantity and the data.
        source: The origin of the numbers to compare with.
        rows: One dict per row, all with the same keys in the same order: the columns.
        checks: Claims about the rows.
        draw: Draws the rows on axes of matplotlib, or on new ones for None; None where a table has no figure.
        note: A remark below the rows, such as the processor time of all cells; empty for none.

    Example:
        >>> outcome = Outcome("a title", "a paper", ({"net": "cnn", "accuracy": 0.9},), (Check("high", True, ""),))
        >>> outcome.holds, outcome.to_dict()["rows"]
        (True, [{'net': 'cnn', 'accuracy': 0.9}])
    """

    title: str
    source: str
    rows: tuple[dict[str, Figure], ...]
    checks: tuple[Check, ...]
    draw: Callable[[Sequence[dict[str, Figure]], Any], tuple[Picture, Axes]] | None = None
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(check.holds for check in self.checks)

    def plot(self, ax: Any = None) -> tuple[Picture, Axes]:
        """Draw the figure of the table.

        Args:
            ax: Axes of matplotlib to draw on; None draws a new figure.

        Raises:
            InputError: the table has no figure.
        """
        if self.draw is None:
            raise InputError("this table has no figure: print it")
        return self.draw(self.rows, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, fit for JSON; unknown ones, such as the error of a single seed, are None."""
        checks = [{"claim": c.claim, "holds": c.holds, "found": c.found} for c in self.checks]
        rows = [{name: _known(figure) for name, figure in row.items()} for row in self.rows]
        return {"title": self.title, "source": self.source, "rows": rows, "checks": checks, "note": self.note}


def _known(figure: Figure) -> Figure | None:
    return None if isinstance(figure, float) and math.isnan(figure) else figure


def silent(_done: int, _total: int) -> None:
    """Report no progress."""


def mean_and_error(figures: Sequence[float]) -> tuple[float, float]:
    """Return the mean of values, one per seed, and its standard error; NaN for a single value.

    Example:
        >>> mean_and_error([1.0, 2.0, 3.0])
        (2.0, 0.5773502691896257)
    """
    n = len(figures)
    mean = math.fsum(figures) / n
    if n == 1:
        return mean, math.nan
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in figures) / (n - 1) / n)
