"""Does the order of rows and columns carry information, and over which distance? An exact permutation test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnnmax.detection.lag_likeness import batches_of_orders, likeness_at_lags
from gnnmax.detection.matrix import MatrixSource
from gnnmax.detection.matrix_input import as_source, check_unstored
from gnnmax.detection.row_profiles import Axis, axis_profiles
from gnnmax.detection.search_options import Mode, Unstored
from gnnmax.detection.seriation import LARGEST as SERIATED
from gnnmax.errors import InputError
from gnnmax.task.equality import EqualByContent
from gnnmax.task.plotting import COLOURS, axes_for
from gnnmax.task.tabulation import Shown, TableText, data_frame

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["AxisOrder", "OrderTest", "order_test"]

Floats = npt.NDArray[np.float64]

LEVEL = 0.05
"""Level of the tests."""

EVERY_LAG = 16
"""Each lag up to this one has a place in the profile; larger ones are spaced in proportion."""

LARGEST = 2**17
"""Rows of the largest matrix: the time grows with their square."""

MOST_DRAWS = 100_000

ROUNDING = 1e-6
"""Likenesses that differ by less are equal: they are computed in single precision, in different sequences."""


@dataclass(frozen=True, eq=False)
class AxisOrder(EqualByContent):
    """What the order of the nodes, of the rows or of the columns says.

    Attributes:
        axis: ``nodes``, ``rows`` or ``columns``.
        n: Their number.
        p: The p-value of "the order is one of all possible orders, each equally likely": ``(1 + orders whose neighbours
            are at least as similar) / (1 + draws)``.
        z: The effect in standard deviations over random orders; 0 if these do not differ.
        effect: How much more similar neighbours are than two at random: 1 if neighbours are equal, 0 without order,
            below 0 if neighbours avoid each other.
        lags: Distances in the order, in places, shape ``(L,)``.
        likeness: Mean likeness at each distance, in excess of two at random.
        low: Lower end of the band that holds 95 % of random orders, at each distance.
        high: Its upper end, at each distance.
        p_at_lag: The p-value at each distance alone.
        null: The effect in each random order, shape ``(draws,)``.
    """

    axis: Axis
    n: int
    p: float
    z: float
    effect: float
    lags: npt.NDArray[np.intp]
    likeness: Floats
    low: Floats
    high: Floats
    p_at_lag: Floats
    null: Floats

    @property
    def informative(self) -> bool:
        """Whether the order carries information, at level 0.05."""
        return self.p <= LEVEL

    @property
    def reach(self) -> int:
        """The largest distance such that up to it all p-values are at most 0.05; 0 if there is none.

        The tests come in a fixed sequence and end at the first that fails. So the reach is above 0 in 5 % of random
        orders, however many distances there are.
        """
        passed = int(np.argmin(np.append(self.p_at_lag <= LEVEL, False)))
        return int(self.lags[passed - 1]) if passed else 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON; without the random orders."""
        arrays = ("lags", "likeness", "low", "high", "p_at_lag")
        plain = {name: getattr(self, name) for name in ("axis", "n", "p", "z", "effect", "reach")}
        return {**plain, **{name: getattr(self, name).tolist() for name in arrays}}


@dataclass(frozen=True, eq=False, repr=False)
class OrderTest(EqualByContent, Shown):
    """Whether the order of a matrix carries information; see :func:`gnnmax.order_test`.

    Attributes:
        axes: One entry for the nodes of a graph; two, for rows and for columns, if these are different things.
        draws: Number of random orders.
    """

    axes: tuple[AxisOrder, ...]
    draws: int

    @property
    def strongest(self) -> AxisOrder:
        """The nodes; or rows or columns, whichever have the smaller p-value."""
        return min(self.axes, key=lambda axis: (axis.p, -axis.z))

    @property
    def p(self) -> float:
        """The p-value of the whole matrix: for rows and columns, twice the smaller one, by Bonferroni."""
        return min(1.0, len(self.axes) * self.strongest.p)

    @property
    def z(self) -> float:
        """The effect of the strongest axis in standard deviations over random orders."""
        return self.strongest.z

    @property
    def effect(self) -> float:
        """How much more similar neighbours are than two at random, on the strongest axis."""
        return self.strongest.effect

    @property
    def reach(self) -> int:
        """The distance over which the order carries information, the smaller one of rows and columns."""
        return min(axis.reach for axis in self.axes)

    @property
    def mode(self) -> Mode:
        """The mode of :func:`gnnmax.find_maxima` that suits: ordered if the order of every axis carries information."""
        return "ordered" if all(axis.informative for axis in self.axes) else "graph"

    @property
    def net(self) -> str:
        """The shipped net that suits: ``cnn`` reads windows as images, ``gnn`` does not depend on the order."""
        return "cnn" if self.mode == "ordered" else "gnn"

    @property
    def advice(self) -> str:
        """One sentence: which mode and which net to use, and why."""
        silent = [axis.axis for axis in self.axes if not axis.informative]
        if self.mode == "ordered":
            return f"use mode ordered and the net cnn: the order carries information, {self._reach_text()}"
        if len(silent) < len(self.axes):
            return (
                f"the order of the {silent[0]} carries no information that shows, that of the others does: sort the "
                f"{silent[0]} first, or use mode graph and the net gnn"
            )
        advice = "use mode graph and the net gnn: no information in the order shows"
        if self.axes[0].axis == "nodes" and self.axes[0].n <= SERIATED:
            advice += "; where near nodes are joined more strongly than far ones, seriate may find the order"
        return advice

    def to_pandas(self) -> pandas.DataFrame:
        """Return the profile as a data frame, one row for each distance of each axis.

        Raises:
            InputError: pandas is not installed.

        Example:
            >>> place = np.arange(40)
            >>> list(order_test(np.exp(-np.abs(place[:, None] - place) / 5)).to_pandas())
            ['axis', 'lags', 'likeness', 'low', 'high', 'p_at_lag']
        """
        axes = np.concatenate([np.full(len(axis.lags), axis.axis, dtype=object) for axis in self.axes])
        names = ("lags", "likeness", "low", "high", "p_at_lag")
        profile = {name: np.concatenate([getattr(axis, name) for axis in self.axes]) for name in names}
        return data_frame({"axis": axes, **profile})

    def _reach_text(self) -> str:
        longest = max(int(axis.lags[-1]) for axis in self.axes)
        if self.reach == longest:
            return f"at every distance up to {longest}"
        return f"up to a distance of {self.reach}" if self.reach else "at some distances"

    def __repr__(self) -> str:
        found = (f"{a.axis} p {a.p:.3g}, z {a.z:.3g}, effect {a.effect:.3f}, reach {a.reach}" for a in self.axes)
        return f"<OrderTest: {'; '.join(found)}; {self.draws:,} random orders>"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        plain = {name: getattr(self, name) for name in ("p", "z", "effect", "reach", "mode", "net", "advice", "draws")}
        return {**plain, "axes": [axis.to_dict() for axis in self.axes]}

    def tables(self) -> list[TableText]:
        """Return a table of the tests, and one of the likeness at each distance."""
        summary = [[a.axis, f"{a.n:,}", f"{a.p:.3g}", f"{a.z:.2f}", f"{a.effect:.3f}", str(a.reach)] for a in self.axes]
        title = f"does the order carry information? {self.draws:,} random orders"
        found = [TableText(title, ["axis", "number", "p", "z", "effect", "reach"], summary, [self.advice])]
        for axis in self.axes:
            profile = zip(axis.lags, axis.likeness, axis.low, axis.high, axis.p_at_lag, strict=True)
            rows = [[str(lag), f"{x:.4f}", f"[{low:.4f}, {high:.4f}]", f"{p:.3g}"] for lag, x, low, high, p in profile]
            header = ["distance", "likeness", "95 % of random orders", "p"]
            found.append(TableText(f"likeness of {axis.axis} by distance", header, rows))
        return found

    def plot(self, *, ax: Any = None) -> tuple[Figure, Axes]:
        """Draw the mean likeness at each distance, over the band that holds 95 % of random orders.

        Args:
            ax: Axes of matplotlib to draw on; None makes a new figure.

        Returns:
            The figure, which ``figure.savefig(path)`` writes, and its axes.

        Example:
            >>> figure, axes = order_test(np.eye(9) + np.eye(9, k=1) + np.eye(9, k=-1)).plot()
            >>> axes.get_xlabel()
            'distance in the order'
        """
        figure, axes = axes_for(ax, 6.0, 3.6)
        for colour, axis in zip(COLOURS, self.axes, strict=False):
            axes.fill_between(axis.lags, axis.low, axis.high, color=colour, alpha=0.2, lw=0)
            axes.plot(axis.lags, axis.likeness, "o-", ms=3.5, lw=1.2, color=colour, label=axis.axis)
        axes.axhline(0, lw=0.6, color="grey")
        if max(int(axis.lags[-1]) for axis in self.axes) > EVERY_LAG:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:.0f}")
        if len(self.axes) > 1:
            axes.legend(frameon=False)
        axes.set(xlabel="distance in the order", ylabel="likeness", title=f"order: p {self.p:.3g}, z {self.z:.2f}")
        return figure, axes


def order_test(
    matrix: Any,
    *,
    draws: int = 999,
    rng: np.random.Generator | None = None,
    two_sets: bool = False,
    unstored: Unstored = "zero",
    missing: Any = None,
    directed: bool | None = None,
    weight: str | None = None,
) -> OrderTest:
    """Test whether the order of the rows and columns of a matrix carries information, and over which distance.

    The statistic is the mean likeness of neighbours in the order. All measured entries become ranks; the likeness of
    two nodes is the covariance of their rows of ranks, around the mean row, over the mean variance of a row. The entry
    of a node with itself counts as the largest of all, whatever the matrix holds there. The matrix is then relabelled
    at random: the statistic is a function of the matrix and the order alone, so the p-value is exact at any number of
    draws. It is unchanged by any strictly increasing map of the values.

    A small p says that the order carries information. It does not say that a window of 9 x 9 has the right scale: the
    profile by distance shows how far the information reaches.

    Cost: ranks of up to 4 million entries, ``n ** 2`` inner products of up to 2,048 numbers each (some 400 at
    n = 10,000), and ``draws * n`` additions for each distance. From about 2,000 rows on, some columns are chosen at
    random, the same for all rows; the rows of a sparse matrix are projected at random instead.

    Args:
        matrix: As for :func:`gnnmax.find_maxima`. NaN means "not measured".
        draws: Number of random orders; the least p-value is ``1 / (1 + draws)``.
        rng: The source of the random orders; None takes ``numpy.random.default_rng(0)``.
        two_sets: Whether rows and columns are different things, whose orders are tested one by one. A matrix that is
            not square, or whose rows and columns have different names, is tested so in any case.
        unstored: The value of an entry that a sparse matrix does not store, ``zero`` or ``missing``.
        missing: True where nothing was measured, shape ``(n, m)``; or None.
        directed: As for :func:`gnnmax.find_maxima`; the columns of an undirected matrix are its rows.
        weight: As for :func:`gnnmax.find_maxima`.

    Returns:
        p-value, effect size, z, the profile by distance, and advice which mode and net to use.

    Raises:
        InputError: not a matrix of real numbers; no measured entry; a single row; too many rows; draws below 1.

    References:
        Moran, "Notes on continuous stochastic phenomena", Biometrika 37, 1950: the statistic, here of rows of ranks
        along a line. Mantel, "The detection of disease clustering and a generalized regression approach", Cancer
        Research 27, 1967: random relabelling. Phipson and Smyth, "Permutation p-values should never be zero",
        Statistical Applications in Genetics and Molecular Biology 9, 2010: the 1 that is added.

    Example:
        >>> place = np.arange(40)
        >>> near = np.exp(-np.abs(place[:, None] - place) / 5)
        >>> found = order_test(near)
        >>> found.p, found.mode, found.reach
        (0.001, 'ordered', 10)
        >>> shuffled = np.random.default_rng(3).permutation(40)
        >>> order_test(near[np.ix_(shuffled, shuffled)]).mode
        'graph'
    """
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or not 1 <= draws <= MOST_DRAWS:
        raise InputError(f"draws must be a whole number from 1 to {MOST_DRAWS:,}, not {draws!r}")
    source = as_source(matrix, unstored=unstored, missing=missing, directed=directed, weight=weight)
    check_unstored(unstored, source)
    rng = np.random.default_rng(0) if rng is None else rng
    n, m = source.shape
    named_apart = source.names is not None and source.names[0] != source.names[1]
    axes: tuple[Axis, ...] = ("rows", "columns") if two_sets or n != m or named_apart else ("nodes",)
    _check_size(n, m)
    source = replace(source, diagonal=axes != ("nodes",))
    return OrderTest(tuple(_axis_order(source, axis, int(draws), rng) for axis in axes), int(draws))


def _check_size(n: int, m: int) -> None:
    if min(n, m) < 2:
        raise InputError(f"an order needs at least two rows and two columns, not {n} x {m}")
    if max(n, m) > LARGEST:
        raise InputError(
            f"the order of at most {LARGEST:,} rows or columns is tested, not of {n} x {m}: cut out a part, such as "
            "one chromosome"
        )


def _axis_order(source: MatrixSource, axis: Axis, draws: int, rng: np.random.Generator) -> AxisOrder:
    vectors = axis_profiles(source, axis, rng)
    n = len(vectors)
    lags = _lags(n)
    batches = batches_of_orders(n, draws, rng)
    found = np.concatenate([likeness_at_lags(vectors, orders, lags) for orders in batches])
    own, null = found[0], found[1:]
    p = (1 + (null >= own - ROUNDING).sum(axis=0)) / (1 + draws)
    middle, spread = null.mean(axis=0), null.std(axis=0)
    low, high = np.quantile(null - middle, [0.025, 0.975], axis=0)
    effect = own - middle
    return AxisOrder(
        axis=axis,
        n=n,
        p=float(p[0]),
        z=float(effect[0] / spread[0]) if spread[0] > ROUNDING else 0.0,
        effect=float(effect[0]),
        lags=lags,
        likeness=effect,
        low=low,
        high=high,
        p_at_lag=p,
        null=null[:, 0] - middle[0],
    )


def _lags(n: int) -> npt.NDArray[np.intp]:
    """Choose distances: each one up to 16, then in proportion, up to half the places.

    Example:
        >>> _lags(100).tolist()
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 25, 32, 40]
    """
    last = max(1, n // 2)
    steps = np.round(EVERY_LAG * 2.0 ** (np.arange(1, 4 * 16) / 3)).astype(np.intp)
    lags = np.concatenate([np.arange(1, EVERY_LAG + 1), steps])
    return lags[lags <= last]
