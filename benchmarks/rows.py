"""A row of the table: our figure, that of a floor or a peer, their ratio, and its target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Figure", "Row", "Setting", "Target"]

Unit = Literal["s", "B"]
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


@dataclass(frozen=True)
class Setting:
    """The settings of a measurement.

    Attributes:
        quick: Whether to use the smallest sizes and one repetition, to check that it runs.
        folder: A scratch folder, removed afterwards.
    """

    quick: bool
    folder: Path

    def size(self, full: int, quick: int) -> int:
        """Choose between the full size and the quick one."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Figure:
    """An amount per item: ``Figure("PCG64", 1.4e-7, "window")`` is 140 ns per window.

    Attributes:
        label: Name of the contestant.
        amount: Seconds, or bytes; positive.
        item: The item that costs this amount.
        unit: ``s`` or ``B``.
    """

    label: str
    amount: float
    item: str
    unit: Unit = "s"

    def __str__(self) -> str:
        if self.unit == "B" and self.amount < 1:
            return f"{self.amount:.2f} B/{self.item}"  # bytes have no metric prefix below 1
        scale, prefix = next(((s, p) for s, p in _PREFIXES if self.amount >= s), (1e-9, "n"))
        return f"{_three_digits(self.amount / scale)} {prefix}{self.unit}/{self.item}"


@dataclass(frozen=True)
class Target:
    """The target of a ratio.

    Attributes:
        reading: ``cost``: our time over the floor's, at most ``bound``. ``speed``: the peer's time over ours, at least
        ``bound``. ``share``: our share of the ceiling's speed, at least ``bound``.
        bound: The target; None if none was set, and the ratio is for information.
    """

    reading: Literal["cost", "speed", "share"]
    bound: float | None = None

    def ratio(self, ours: float, other: float) -> float:
        """Return the ratio of two amounts under this reading.

        Example:
            >>> Target("cost").ratio(6.0, 3.0), Target("speed").ratio(6.0, 3.0), Target("share").ratio(6.0, 3.0)
            (2.0, 0.5, 0.5)
        """
        return ours / other if self.reading == "cost" else other / ours

    def met(self, ratio: float) -> bool | None:
        """Return whether a ratio meets the bound; None if there is no bound.

        Example:
            >>> Target("cost", 2.0).met(1.9), Target("speed", 5.0).met(4.9), Target("share").met(0.1)
            (True, False, None)
        """
        if self.bound is None:
            return None
        return ratio <= self.bound if self.reading == "cost" else ratio >= self.bound

    def written(self, ratio: float) -> str:
        """Write a ratio: times for costs and speeds, per cent for shares.

        Example:
            >>> Target("share").written(0.254), Target("cost").written(6.08), Target("speed").written(1234.5)
            ('25 %', '6.08x', '1,234x')
        """
        if self.reading == "share":
            return f"{100 * ratio:.0f} %"
        return f"{ratio:,.{2 if ratio < 10 else 1 if ratio < 100 else 0}f}x"

    def __str__(self) -> str:
        if self.bound is None:
            return ""
        return f"{'<=' if self.reading == 'cost' else '>='} {_bare(self)}"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: Name of the row.
        ours: Our figure.
        other: That of the floor or the peer; None if the peer is not installed.
        target: Reading and bound of the ratio.
        absent: Name of the peer that is not installed.

    Example:
        >>> row = Row("fill", Figure("ours", 3e-3, "call"), Figure("floor", 2e-3, "call"), Target("cost", 2.0))
        >>> row.ratio, row.met, row.cells()
        (1.5, True, ['fill', '3.00 ms/call', 'floor: 2.00 ms/call', '1.50x', '<= 2x', 'yes'])
    """

    name: str
    ours: Figure
    other: Figure | None
    target: Target
    absent: str = ""

    @property
    def ratio(self) -> float | None:
        """The ratio under the reading of its target; None without a peer."""
        return None if self.other is None else self.target.ratio(self.ours.amount, self.other.amount)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is none, or no peer."""
        return None if self.ratio is None else self.target.met(self.ratio)

    def cells(self) -> list[str]:
        """Format the cells of the row."""
        verdict = {True: "yes", False: "missed", None: ""}[self.met]
        other = f"{self.absent}: not installed" if self.other is None else f"{self.other.label}: {self.other}"
        ratio = "" if self.ratio is None else self.target.written(self.ratio)
        return [self.name, str(self.ours), other, ratio, str(self.target), verdict]


def _bare(target: Target) -> str:
    assert target.bound is not None
    return f"{100 * target.bound:g} %" if target.reading == "share" else f"{target.bound:g}x"


def _three_digits(amount: float) -> str:
    return f"{amount:.{max(0, 2 - math.floor(math.log10(amount)))}f}" if 1 <= amount < 1000 else f"{amount:.3g}"
