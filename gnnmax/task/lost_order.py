"""The posterior of a peak's place where the order of the nodes is lost: Markov chains over orders and places."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from gnnmax.errors import InputError
from gnnmax.task.map_posterior import known_amplitude
from gnnmax.task.maps import Maps

__all__ = ["LostOrder", "lost_order_posterior"]

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

FARTHEST_SWAP = 4
"""Most places between two nodes that a proposal exchanges."""

FARTHEST_MOVE = 8
"""Most places over which a proposal moves one node; every other one moves it anywhere."""

PROPOSALS_PER_PEAK = 20
"""Proposals for the order between two draws of the peak's place."""

WARM_UP = 0.25
"""Share of a chain that is not counted."""


@dataclass(frozen=True)
class LostOrder:
    """Posterior of the places of one peak in each map, over all orders of its nodes.

    Attributes:
        found: Probability that the peak is at a pair of nodes, shape ``(M, n, n)``, symmetric; the pairs of a map sum
            to 1.
        within_one: Probability that it is within one place of the pair, in rows and in columns along the host, same
            shape.
    """

    found: Array
    within_one: Array


def lost_order_posterior(maps: Maps, *, scatter: float = 0.0, sweeps: int = 400, seed: int = 0) -> LostOrder:
    """Return the posterior of the peak's place, given the values and everything about their law but the order.

    Known are the mean of each entry along the host, the profile and the amplitude of the peak, and the noise; unknown
    are which node is where, all orders being equally likely, and the place of the peak, all allowed places being
    equally likely. A Markov chain for each map draws both from their joint posterior: Metropolis proposals exchange
    two nodes, move one, or reverse a stretch, and the place of the peak is drawn given the order. The probabilities are
    means over the chain of the exact ones given the order.

    The chain begins at the true order, blurred by ``scatter`` places. With 0 it begins with a draw from the posterior,
    and a chain that is too short stays near the truth, so its best place is right too often: an upper bound of what can
    be found. Blurred, it has to find its way, and bounds it from below. A chain that begins anywhere else does not
    arrive within these lengths: the posterior has many separate modes, so this is a ceiling, not a rule.

    Cost: ``O(sweeps * n^3)`` a map, for the moves over many places and for the draws of the place.

    Args:
        maps: Symmetric maps without padding, every entry observed, normal or lognormal noise, one peak in each.
        scatter: Standard deviation of normal noise that is added to the true places before nodes are sorted by them.
        sweeps: Proposals for each node, at least 4.
        seed: Seed of the chains.

    Raises:
        InputError: maps of another kind, a negative scatter, or fewer than 4 sweeps.

    References:
        Metropolis et al., "Equation of State Calculations by Fast Computing Machines", J. Chem. Phys. 1953. Bagaria,
        Ding, Tse, Wu, Xu, "Hidden Hamiltonian Cycle Recovery via Linear Programming", Operations Research 2020: when
        an order can be read from weights.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> maps = build(load_recipe("line-64-shuffled").replace(splits={"test": 2}, **{"map.n": 16})).test
        >>> posterior = lost_order_posterior(maps, sweeps=20)
        >>> posterior.found.shape, posterior.found.sum(axis=(1, 2)).round(6).tolist()
        ((2, 16, 16), [2.0, 2.0])
    """
    _check(maps, scatter, sweeps)
    chains = _Chains(maps, scatter, np.random.default_rng(seed))
    proposals = sweeps * maps.n
    found, near, counted = np.zeros(maps.values.shape), np.zeros(maps.values.shape), 0
    for step in range(proposals):
        chains.propose(step)
        if step % PROPOSALS_PER_PEAK == 0:
            chance = chains.draw_peak()
            if step >= WARM_UP * proposals:
                nodes = np.arange(len(maps))[:, None, None], chains.order[:, :, None], chains.order[:, None, :]
                found[nodes] += chance
                near[nodes] += np.triu(9 * uniform_filter(chance, size=(1, 3, 3), mode="constant"), 1)
                counted += 1
    return LostOrder(*((each + each.swapaxes(1, 2)) / counted for each in (found, near)))


def _check(maps: Maps, scatter: float, sweeps: int) -> None:
    if maps.structure != "symmetric" or (maps.size != maps.n).any() or not len(maps):
        raise InputError(
            "the posterior over orders is that of symmetric maps of one size: choose such maps, at least one"
        )
    if maps.model.law not in ("gaussian", "lognormal") or max(maps.model.block) or (maps.peak_count != 1).any():
        raise InputError("the posterior over orders is that of one peak in normal or lognormal noise: choose such maps")
    if np.isnan(maps.values[:, ~np.eye(maps.n, dtype=np.bool_)]).any():
        raise InputError("the posterior over orders needs every entry off the diagonal: choose maps without gaps")
    if not 0 <= scatter < math.inf:
        raise InputError(f"scatter must be finite and at least 0 places, not {scatter!r}")
    if not isinstance(sweeps, (int, np.integer)) or sweeps < 4:
        raise InputError(f"a chain needs a whole number of sweeps, at least 4, not {sweeps!r}")


def _exchange_gain(values: Array, mean: Array, exchanged: tuple[Places, Places, Places]) -> Array:
    """Return by how much the log likelihood grows where two nodes of a map change places.

    Args:
        values: Symmetric entries in the present order, diagonals 0, shape ``(M, n, n)``.
        mean: Their means, same shape.
        exchanged: Maps, and first and second place, shape ``(E,)`` each.
    """
    some, p, q = exchanged
    gain = (values[some, q] - values[some, p]) * (mean[some, p] - mean[some, q])
    at = np.arange(len(some))
    return np.asarray(gain.sum(axis=1) - gain[at, p] - gain[at, q])  # the pair itself keeps its entry


def _rearranged(values: Array, mean: Array, source: Places) -> tuple[Array, float]:
    """Let nodes change places within a stretch of a map; also return by how much the log likelihood grows.

    Args:
        values: Symmetric entries in the present order, diagonal 0, shape ``(n, n)``.
        mean: Their means, same shape.
        source: Where the node of each place of the stretch comes from, ``S`` neighbouring places in any order.

    Returns:
        The new rows of the stretch, shape ``(S, n)``, and the gain.
    """
    stretch = slice(int(source.min()), int(source.max()) + 1)
    moved = values[source]
    moved[:, stretch] = moved[:, source]
    gained = (moved - values[stretch]) * mean[stretch]
    return moved, float(gained.sum() - gained[:, stretch].sum() / 2)  # pairs within the stretch stand there twice


class _Chains:
    """One chain for each map. Entries are kept in the present order, so that the mean is a fixed matrix.

    In unit normal noise the log likelihood of an order is the sum of value times mean over pairs, up to a constant: the
    sum of squares of the means is the same in every order.

    Args:
        maps: Maps with one peak each.
        scatter: As in :func:`lost_order_posterior`.
        rng: Draws proposals.
    """

    def __init__(self, maps: Maps, scatter: float, rng: np.random.Generator) -> None:
        self.rng, self.count, self.n = rng, len(maps), maps.n
        self.every = np.arange(self.count)
        along = np.argsort(maps.row_place, axis=1)
        self.order = np.argsort(maps.row_place + scatter * rng.standard_normal(maps.row_place.shape), axis=1)
        values = maps.values.astype(np.float64)
        if maps.model.law == "lognormal":
            with np.errstate(divide="ignore"):  # the diagonal, which is no entry
                values = np.log(values)
        self.values = self._cleared(self._sorted(values, self.order))
        background = np.zeros(values.shape) if maps.background is None else maps.background.astype(np.float64)
        self.background = self._cleared(self._sorted(background, along))
        far = np.abs(np.subtract.outer(np.arange(self.n), np.arange(self.n)))
        radius = maps.model.radius
        self.profile = np.exp(-(far**2) / (2 * radius**2)) if radius else np.eye(self.n)
        self.allowed = np.triu(far >= max(maps.model.diagonal, 1))
        both = self.profile @ self.profile
        square = self.profile**2
        self.energy = np.outer(square.sum(axis=1), square.sum(axis=1)) + both**2 - 2 * square @ square
        self.amplitude = known_amplitude(maps)[:, None, None]
        self.mean = self.background
        self.draw_peak()

    def _sorted(self, matrices: Array, order: Places) -> Array:
        return np.asarray(matrices[self.every[:, None, None], order[:, :, None], order[:, None, :]])

    def _cleared(self, matrices: Array) -> Array:
        """Set the diagonals to 0: they are no entries."""
        matrices[:, np.arange(self.n), np.arange(self.n)] = 0.0
        return matrices

    def draw_peak(self) -> Array:
        """Draw the place of each peak given the order; return the chances, ``(M, n, n)``, above the diagonal."""
        overlap = self.profile @ (self.values - self.background) @ self.profile
        score = np.where(self.allowed, self.amplitude * (overlap - self.amplitude * self.energy / 2), -np.inf)
        chance = np.exp(score - score.max(axis=(1, 2), keepdims=True))
        chance /= chance.sum(axis=(1, 2), keepdims=True)
        total = chance.reshape(self.count, -1).cumsum(axis=1)
        drawn = (total < self.rng.random((self.count, 1)) * total[:, -1:]).sum(axis=1)
        rows, columns = (self.profile[each] for each in np.divmod(drawn, self.n))
        bump = rows[:, :, None] * columns[:, None, :]
        self.mean = self._cleared(self.background + self.amplitude * (bump + bump.swapaxes(1, 2)))
        return np.asarray(chance)

    def propose(self, step: int) -> None:
        """Propose a new order for each map, and take it with the Metropolis probability."""
        first = self.rng.integers(0, self.n, self.count)
        if step % 4:
            away = first + self.rng.integers(1, FARTHEST_SWAP + 1, self.count) * self.rng.choice((-1, 1), self.count)
            self._exchange(first, away)
            return
        if step % 8:
            last = first + self.rng.integers(-FARTHEST_MOVE, FARTHEST_MOVE + 1, self.count)
            inside = (last >= 0) & (last < self.n)
            last = np.where(inside, last, first)
        else:
            last = self.rng.integers(0, self.n, self.count)
        self._rearrange(first, last, reverse=step % 12 == 0)

    def _exchange(self, first: Places, second: Places) -> None:
        """Exchange two nodes; a proposal that leaves the map is not taken."""
        some = np.flatnonzero((second >= 0) & (second < self.n))
        p, q = first[some], second[some]
        gain = _exchange_gain(self.values, self.mean, (some, p, q))
        taken = np.log(self.rng.random(len(some))) < gain
        chosen, p, q = some[taken], p[taken], q[taken]
        for view in (self.values, self.values.swapaxes(1, 2), self.order):
            view[chosen, p], view[chosen, q] = view[chosen, q], view[chosen, p]

    def _rearrange(self, first: Places, last: Places, *, reverse: bool) -> None:
        """Move the node at one place to another and shift those between, or reverse the stretch."""
        threshold = np.log(self.rng.random(self.count))
        for at, start, end in zip(range(self.count), first.tolist(), last.tolist(), strict=True):
            stretch = slice(min(start, end), max(start, end) + 1)
            source = np.arange(stretch.start, stretch.stop)
            source = source[::-1] if reverse else np.roll(source, -1 if start < end else 1)
            values, order = self.values[at], self.order[at]
            moved, gain = _rearranged(values, self.mean[at], source)
            if threshold[at] < gain:
                values[stretch], values[:, stretch] = moved, moved.T
                order[stretch] = order[source]
