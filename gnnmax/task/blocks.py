"""A hidden block: a matrix in unit noise, its strength, the exact borders, and the exact course of message passing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr

from gnnmax.errors import InputError

__all__ = ["BlockProblem", "block_borders", "block_strength", "check_blocks", "state_evolution"]

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Sizes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BlockProblem:
    """A matrix that hides a block in unit noise: the input of the rules of blocks.

    Attributes:
        values: Entries, shape ``(n, m)``, float32: noise of mean 0 and variance 1, plus the amplitude in the block. 0
            where nothing is observed, and on the diagonal of a symmetric matrix.
        size: Numbers of rows and of columns of the block.
        amplitude: Height of the block, in standard deviations of the noise.
        symmetric: Whether rows and columns are the same nodes, and the matrix symmetric.

    Example:
        >>> problem = BlockProblem.of(np.zeros((50, 50)), size=5, amplitude=2.0)
        >>> problem.strength
        2.0
    """

    values: npt.NDArray[np.float32]
    size: tuple[int, int]
    amplitude: float
    symmetric: bool

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or not all(0 < own < all_ for own, all_ in zip(self.size, self.shape, strict=True)):
            raise InputError(
                f"a block must be smaller than its matrix, not {self.size} in {self.values.shape}: give a matrix of "
                "two axes, and a block of at least one row and column"
            )
        if not 0 < self.amplitude < math.inf:
            raise InputError(f"the amplitude of a block must be finite and above 0, not {self.amplitude!r}")

    @classmethod
    def of(
        cls, values: npt.ArrayLike, *, size: int | tuple[int, int], amplitude: float, symmetric: bool = True
    ) -> BlockProblem:
        """Make a problem of your own matrix, which must be standardised: noise of mean 0 and variance 1.

        Args:
            values: Shape ``(n, m)``; NaN means "not observed".
            size: Number of nodes of the block, or its numbers of rows and of columns.
            amplitude: Height of the block, in standard deviations of the noise.
            symmetric: Whether rows and columns are the same nodes, and the matrix symmetric.

        Raises:
            InputError: no matrix, one that is not symmetric, a block that does not fit, or no amplitude.
        """
        matrix = np.nan_to_num(np.asarray(values, dtype=np.float32))
        if matrix.ndim != 2:
            raise InputError(f"a block is hidden in one matrix, not in an array of shape {matrix.shape}: pass one")
        if symmetric:
            if matrix.shape[0] != matrix.shape[1] or not np.array_equal(matrix, matrix.T):
                raise InputError("the matrix is not symmetric: pass a symmetric one, or symmetric=False")
            np.fill_diagonal(matrix, 0.0)
        return cls(matrix, size if isinstance(size, tuple) else (size, size), float(amplitude), symmetric)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of columns of the matrix."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def strength(self) -> float:
        """Signal strength, see :func:`block_strength`."""
        return block_strength(self.amplitude, self.size, self.shape)


def block_strength(amplitude: float, block: tuple[int, int], size: tuple[int, int]) -> float:
    """Return the signal strength lam = mu^2 K L / sqrt(n m) of a K x L block of height mu in an n x m matrix.

    For a principal block of a symmetric matrix that is mu^2 K^2 / n.

    Args:
        amplitude: mu, in standard deviations of the noise.
        block: K and L.
        size: n and m.

    Example:
        >>> block_strength(0.5, (80, 80), (4_000, 4_000))
        0.4
    """
    return amplitude**2 * block[0] * block[1] / math.sqrt(size[0] * size[1])


def block_borders(n: int, block: int) -> dict[str, float]:
    """Return the signal strength from which each rule finds a block of a symmetric matrix, by rule.

    ``scan``, order known: 4 ln n / n. ``amp``, message passing, order lost: 1/e. ``eigenvector``: 1. These are theorems
    for large n and blocks that are a vanishing share of the nodes. ``degrees``: where half of the block is among its
    K largest row sums in the mean, the squared normal quantile of K / n.

    Args:
        n: Number of nodes.
        block: K, number of nodes of the block.

    Raises:
        InputError: no node, or a block that has half of the nodes or more.

    References:
        Dadon, Huleihel and Bendory, "Detection and recovery of hidden submatrices", 2023 (consecutive nodes). Hajek, Wu
        and Xu, "Submatrix localization via message passing", JMLR 18, 2018; Deshpande and Montanari, "Finding hidden
        cliques of size sqrt(N/e) in nearly linear time", 2013 (arbitrary nodes).

    Example:
        >>> {name: round(border, 3) for name, border in block_borders(4_000, 80).items()}
        {'scan': 0.008, 'amp': 0.368, 'eigenvector': 1.0, 'degrees': 4.218}
    """
    from scipy.special import ndtri

    if not 0 < block < n / 2:
        raise InputError(f"a block must have fewer than half of the {n} nodes, and at least one, not {block}")
    return {
        "scan": 4 * math.log(n) / n,
        "amp": 1 / math.e,
        "eigenvector": 1.0,
        "degrees": float(ndtri(block / n)) ** 2,
    }


def state_evolution(strength: float, share: float, steps: int = 50) -> Floats:
    """Return the share of a block that message passing finds after each step, exactly for large n.

    After a step the messages of members and of others are normal, with variances 1 and means sqrt(g) and 0. The next
    signal-to-noise ratio g' is lam / share times the mean posterior probability of a member. The first step reads row
    sums: g = lam. The overlap is the share of the block among the K largest messages.

    Args:
        strength: lam = mu^2 K^2 / n, see :func:`block_strength`.
        share: K / n, between 0 and 1/2.
        steps: Number of steps, at least 1.

    Returns:
        Overlaps, shape ``(steps,)``.

    Raises:
        InputError: a strength that is not positive, a share out of range, or no step.

    References:
        Hajek, Wu and Xu, "Submatrix localization via message passing", JMLR 18, 2018.

    Example:
        >>> state_evolution(0.3, 0.02)[-1] < 0.2, state_evolution(0.7, 0.02)[-1] > 0.98
        (np.True_, np.True_)
    """
    if not (0 < strength < math.inf and 0 < share < 0.5 and steps >= 1):
        raise InputError(
            "state evolution takes a strength above 0, a share between 0 and 0.5 and at least one step, not "
            f"{strength}, {share} and {steps}"
        )
    # The trapezoid rule is exact to rounding here: the integrand is smooth and dies out at both ends.
    z, step = np.linspace(-10.0, 10.0, 4_001, retstep=True)
    weight = np.exp(-(z**2) / 2) * step / math.sqrt(2 * math.pi)
    ratio, last = strength, 0.0
    found: list[float] = []
    for _ in range(steps):
        if ratio == last:  # the fixed point
            found.append(found[-1])
            continue
        found.append(_overlap(ratio, share))
        member = float((weight * expit(logit(share) + ratio / 2 + math.sqrt(ratio) * z)).sum())
        last, ratio = ratio, strength / share * member
    return np.array(found)


def _overlap(ratio: float, share: float) -> float:
    """Share of the members among the share of nodes with the largest messages."""

    def too_many(cut: float) -> float:
        return share * float(ndtr(math.sqrt(ratio) - cut)) + (1 - share) * float(ndtr(-cut)) - share

    cut = brentq(too_many, -10.0, 10.0 + math.sqrt(ratio))
    return float(ndtr(math.sqrt(ratio) - cut))


def check_blocks(
    row: Marks | None, column: Marks | None, amplitude: npt.NDArray[np.float32] | None, *, size: Sizes, bipartite: bool
) -> None:
    """Refuse blocks of maps that contradict themselves.

    Args:
        row: Rows of each block, shape ``(M, n)``, or None for maps of another kind.
        column: Columns of each block, shape ``(M, m)``, or None.
        amplitude: Their heights, shape ``(M,)``, or None.
        size: Numbers of rows and columns of each map, shape ``(M, 2)``.
        bipartite: Whether rows and columns are different nodes.

    Raises:
        InputError: one field without the others, nodes outside their map, or two different sets of the same nodes.
    """
    if row is None and column is None and amplitude is None:
        return
    if row is None or column is None or amplitude is None:
        raise InputError("row_block, column_block and block_amplitude belong together: give all three, or none")
    for marks, own in zip((row, column), size.T, strict=True):
        if (marks & (np.arange(marks.shape[1]) >= own[:, None])).any():
            raise InputError("a node of a block lies outside its map: mark nodes below the map's size")
    if not bipartite and not np.array_equal(row, column):
        raise InputError("rows and columns of these maps are the same nodes: mark the same block in both")
    there = row.any(axis=1)
    if (column.any(axis=1) != there).any() or (np.isfinite(amplitude) != there).any():
        raise InputError("a block has rows, columns and an amplitude; a map without one has none of them")
