"""Membership of a hidden block: scan along an order, message passing, the leading eigenvector, votes, and row sums."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from gnnmax.errors import InputError
from gnnmax.task.blocks import BlockProblem
from gnnmax.task.maps import Maps

__all__ = ["Scores", "amp", "block_overlaps", "degrees", "eigenvector", "problem_of", "refined_eigenvector", "scan"]

Scores = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Scores of rows and of columns, the higher the more likely in the block; the same array in symmetric problems."""

STEPS = 300
"""Steps of message passing, unless the messages settle before."""

SETTLED = 1e-6
"""Largest change of a probability in a step that has settled."""

ROUNDS = 30
"""Rounds of votes, unless the set stops changing before."""


def scan(problem: BlockProblem) -> Scores:
    """Score nodes by the largest sum of a block of consecutive rows and columns that they are in.

    The K nodes of the best block get the highest score, so the K largest scores are exactly the answer of an exhaustive
    scan. Rows and columns are read in the order in which they come. The cost is n K for symmetric problems and n m
    else, by cumulative sums.

    References:
        Dadon, Huleihel and Bendory, "Detection and recovery of hidden submatrices", 2023.

    Example:
        >>> values = np.zeros((9, 9))
        >>> values[4:7, 4:7] = 1
        >>> rows, _ = scan(BlockProblem.of(values, size=3, amplitude=1.0))
        >>> np.flatnonzero(rows == rows.max()).tolist()
        [4, 5, 6]
    """
    if problem.symmetric:
        best = _spread(_principal_sums(problem.values, problem.size[0]), problem.size[0])
        return best, best
    sums = _rectangle_sums(problem.values, problem.size)
    return _spread(sums.max(axis=1), problem.size[0]), _spread(sums.max(axis=0), problem.size[1])


def _principal_sums(values: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float64]:
    """Sum the entries of each block of ``size`` consecutive nodes, shape ``(n - size + 1,)``."""
    n = len(values)
    before, after = np.zeros(n), np.zeros(n)  # sums of a node's entries with the size - 1 nodes before and after it
    for node in range(n):
        before[node] = values[node, max(node - size + 1, 0) : node].sum(dtype=np.float64)
        after[node] = values[node, node + 1 : node + size].sum(dtype=np.float64)
    first = values[:size, :size].sum(dtype=np.float64)
    return np.asarray(first + 2 * np.concatenate([[0.0], np.cumsum(before[size:] - after[: n - size])]))


def _rectangle_sums(values: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Sum the entries of each block of consecutive rows and columns, shape ``(n - K + 1, m - L + 1)``."""
    sums = values.astype(np.float64)
    for axis, own in enumerate(size):
        whole = np.cumsum(sums, axis=axis)
        sums = np.take(whole, range(own - 1, whole.shape[axis]), axis=axis)
        later = [slice(None)] * 2
        later[axis] = slice(1, None)
        sums[tuple(later)] -= np.take(whole, range(whole.shape[axis] - own), axis=axis)
    return sums


def _spread(best: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """Give each node the largest sum of the blocks that it is in: block i has the nodes i to i + size - 1."""
    from scipy.ndimage import maximum_filter1d

    padded = np.concatenate([best, np.full(size - 1, -np.inf)])
    return np.asarray(maximum_filter1d(padded, size, mode="constant", cval=-np.inf, origin=(size - 1) // 2))


def amp(problem: BlockProblem, steps: int = STEPS) -> Scores:
    """Score nodes by approximate message passing with the posterior denoiser: the log odds of membership.

    One step is u = W f - b f_old, with f = sigmoid(logit(K / n) + mu u - mu^2 sum(f^2) / 2) of the last step, and the
    Onsager memory b = mu sum(f (1 - f)), the derivative of the denoiser, summed over nodes. For large n
    :func:`gnnmax.task.blocks.state_evolution` gives its course exactly, and it finds the block iff lam > 1/e: beyond
    that no fast way is known. Where the order is lost nothing is: it moves with the nodes.

    Args:
        problem: The matrix, the size of the block and its amplitude.
        steps: Number of steps, unless the messages settle before.

    References:
        Deshpande and Montanari, "Finding hidden cliques of size sqrt(N/e) in nearly linear time", 2013. Hajek, Wu and
        Xu, "Submatrix localization via message passing", JMLR 18, 2018. We use the sum of f^2 that occurs in place of
        its limit.

    Example:
        >>> values = np.zeros((60, 60))
        >>> values[:8, :8] = 2
        >>> rows, _ = amp(BlockProblem.of(values, size=8, amplitude=2.0))
        >>> np.flatnonzero(rows > 0).tolist()
        [0, 1, 2, 3, 4, 5, 6, 7]
    """
    mu, values = problem.amplitude, problem.values
    prior = [float(logit(own / all_)) for own, all_ in zip(problem.size, problem.shape, strict=True)]
    now = [np.full(all_, own / all_) for own, all_ in zip(problem.size, problem.shape, strict=True)]
    old = [np.zeros(all_) for all_ in problem.shape]
    odds = [np.full(all_, each) for all_, each in zip(problem.shape, prior, strict=True)]
    memory = [0.0, 0.0]
    for _ in range(steps):
        new, moved = list(now), 0.0
        for side in (0,) if problem.symmetric else (0, 1):
            other = side if problem.symmetric else 1 - side
            read = now[other]
            message = _times(values if side == 0 else values.T, read) - memory[other] * old[side]
            odds[side] = prior[side] + mu * message - mu**2 * float((read**2).sum()) / 2
            new[side] = expit(odds[side])
            moved = max(moved, float(np.abs(new[side] - now[side]).max()))
        old, now = now, new
        memory = [mu * float((each * (1 - each)).sum()) for each in now]
        if moved < SETTLED:
            break
    return (odds[0], odds[0]) if problem.symmetric else (odds[0], odds[1])


def _times(values: npt.NDArray[np.float32], vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Multiply in the precision of the matrix: no copy of it in float64 is made."""
    return np.asarray(values @ vector.astype(np.float32), dtype=np.float64)


def eigenvector(problem: BlockProblem) -> Scores:
    """Score nodes by the leading eigenvector; of a rectangle, by the leading pair of singular vectors.

    The sign is that in which the large entries are positive (their cubes sum to more than 0), so the scores move with
    the nodes. The vector sees the block iff lam > 1, for large n.

    References:
        Benaych-Georges and Nadakuditi, "The eigenvalues and eigenvectors of finite, low rank perturbations of large
        random matrices", Advances in Mathematics 227, 2011.
    """
    from scipy.sparse.linalg import eigsh

    values = problem.values
    start = values.sum(axis=1, dtype=np.float64)
    start = start.astype(values.dtype) if start.any() else np.ones(len(values), dtype=values.dtype)
    if problem.symmetric:
        _, vectors = eigsh(values, k=1, which="LA", v0=start, tol=1e-5)
        rows = columns = vectors[:, 0].astype(np.float64)
    else:
        _, vectors = eigsh(_gram(values), k=1, which="LA", v0=start, tol=1e-6)
        rows = vectors[:, 0].astype(np.float64)
        columns = _times(values.T, rows)
        columns = columns / (math.sqrt(float((columns**2).sum())) or 1.0)
    sign = -1.0 if float((rows**3).sum() + (columns**3).sum()) < 0 else 1.0
    return sign * rows, sign * columns


def _gram(values: npt.NDArray[np.float32]) -> Any:
    """Return W W^T as an operator."""
    from scipy.sparse.linalg import LinearOperator

    n = len(values)
    return LinearOperator((n, n), matvec=lambda vector: values @ (values.T @ vector), dtype=values.dtype)


def refined_eigenvector(problem: BlockProblem, rounds: int = ROUNDS) -> Scores:
    """Score nodes by their sums of entries to a set of K nodes: first those that lead the eigenvector, then each other.

    The first set are the K largest entries of :func:`eigenvector`. In every round each node gets the sum of its entries
    to the set, and the K nodes with the largest sums are the next set, until it stays as it is. Of a rectangle, rows
    vote for columns and columns for rows. Nodes that are equal at the cut share the rest of the K places, so no order
    decides.

    The eigenvector sees the block iff lam > 1, for large n. From there on, votes find more of it: a sum over the set
    has less noise than an entry of the vector, to which all nodes contribute.

    Args:
        problem: The matrix, and the size of the block.
        rounds: Number of rounds, at least 1, unless the set stops changing before.

    References:
        Alon, Krivelevich and Sudakov, "Finding a large hidden clique in a random graph", Random Structures and
        Algorithms 13, 1998: the k largest entries of an eigenvector, then the nodes that most of these are joined to,
        in one round. Hajek, Wu and Xu, "Information limits for recovering a hidden community", IEEE Transactions on
        Information Theory 63, 2017: a vote makes almost all of a block the whole of it.

    Example:
        >>> values = np.zeros((60, 60))
        >>> values[:8, :8] = 2
        >>> rows, _ = refined_eigenvector(BlockProblem.of(values, size=8, amplitude=2.0))
        >>> rows[:9].tolist()
        [14.0, 14.0, 14.0, 14.0, 14.0, 14.0, 14.0, 14.0, 0.0]
    """
    votes = eigenvector(problem)
    before = [np.zeros(all_) for all_ in problem.shape]
    for _ in range(rounds):
        chosen = [_largest(each, own) for each, own in zip(votes, problem.size, strict=True)]
        if all(np.array_equal(new, old) for new, old in zip(chosen, before, strict=True)):
            break
        before, rows = chosen, _times(problem.values, chosen[1])
        votes = (rows, rows if problem.symmetric else _times(problem.values.T, chosen[0]))
    return votes


def _largest(scores: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """Return 1 for the largest scores and 0 for others; those that are equal at the cut share the rest of the count."""
    least = np.partition(scores, -count)[-count]
    above, equal = scores > least, scores == least
    return np.asarray(above + equal * ((count - above.sum()) / equal.sum()))


def degrees(problem: BlockProblem) -> Scores:
    """Score rows and columns by their sums.

    Example:
        >>> rows, _ = degrees(BlockProblem.of(np.eye(3)[[1, 0, 2]], size=1, amplitude=1.0))
        >>> rows.tolist()
        [1.0, 1.0, 0.0]
    """
    rows = problem.values.sum(axis=1, dtype=np.float64)
    return rows, rows if problem.symmetric else problem.values.sum(axis=0, dtype=np.float64)


def block_overlaps(scores: npt.ArrayLike, maps: Maps) -> npt.NDArray[np.float64]:
    """Return the share of each block that is among as many top nodes as it has.

    Of a rectangle the K top rows and the L top columns count together. Of equal scores the first count as the higher.

    Args:
        scores: One score a node, shape ``(M, n)``; of bipartite maps rows, then columns, ``(M, n + m)``.
        maps: Maps with blocks.

    Returns:
        Shape ``(M,)``; NaN for a map without a block. Chance is K / n.

    Raises:
        InputError: maps without blocks by their kind; scores of another shape, or that are NaN inside a map.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> maps = build(load_recipe("block-1000").replace(splits={"test": 2}, shifts={})).test
        >>> block_overlaps(maps.membership.astype(float), maps).tolist()
        [1.0, 1.0]
    """
    found = np.asarray(scores, dtype=np.float64)
    truth = maps.membership
    if found.shape != truth.shape:
        raise InputError(f"scores of nodes must have shape {truth.shape}, one a node, not {found.shape}")
    places = [maps.row_place, *([maps.column_place] if maps.structure == "bipartite" else [])]
    inside = np.concatenate(places, axis=1) >= 0
    if np.isnan(found[inside]).any():
        raise InputError("a score of a node is NaN: give every node of a map a number")
    right = np.zeros(len(maps))
    for first, side in zip((0, maps.row_place.shape[1]), places, strict=False):
        own = slice(first, first + side.shape[1])
        ranked = np.argsort(np.where(inside[:, own], -found[:, own], np.inf), axis=1, kind="stable")
        hit = np.take_along_axis(truth[:, own], ranked, axis=1)
        count = truth[:, own].sum(axis=1, keepdims=True)
        right += (hit & (np.arange(hit.shape[1]) < count)).sum(axis=1)
    total = truth.sum(axis=1)
    return np.asarray(np.divide(right, total, out=np.full(len(maps), np.nan), where=total > 0))


def problem_of(one: Maps, *, overwrite: bool = False) -> BlockProblem:
    """Return one map as a matrix in unit noise with the knowledge of the rules: the block's size and amplitude.

    Logarithms of lognormal entries; counts and edges less their mean, over their deviation outside the block. A
    directed map is averaged with its mirror image, which makes the block higher by sqrt(2) in units of the noise.

    Args:
        one: One map.
        overwrite: Whether the entries of the map may be changed in place: no copy of a large map is made.

    Raises:
        InputError: the law of the map has no block.
    """
    if len(one) != 1 or not min(one.model.block):
        raise InputError("the rules of blocks need the size of the block: draw maps with a block, or set model.block")
    rows, columns = one.size[0].tolist()
    entries = one.values[0, :rows, :columns]
    values, height = _in_unit_noise(entries if overwrite else entries.copy(), one)
    if one.structure == "directed":
        values, height = (values + values.T) / np.float32(math.sqrt(2)), height * math.sqrt(2)
    if one.structure != "bipartite":
        np.fill_diagonal(values, 0.0)
    return BlockProblem(values, one.model.block, height, one.structure != "bipartite")


def _in_unit_noise(values: npt.NDArray[np.float32], one: Maps) -> tuple[npt.NDArray[np.float32], float]:
    """Give the entries noise of mean 0 and variance 1, in place, and return them with the height of a block."""
    model = one.model
    height = float(one.block_amplitude[0]) if one.block_amplitude is not None else math.nan
    height = height if math.isfinite(height) else 1.0
    deviation = model.deviation
    if model.law == "lognormal":
        with np.errstate(divide="ignore"):
            np.log(values, out=values)
    elif deviation != 1.0 or model.law in ("poisson", "bernoulli"):
        values -= np.float32(model.base)
        values /= np.float32(deviation)
        height *= model.base / deviation
    return np.nan_to_num(values, copy=False, neginf=0.0), height
