"""Laws of the edge weights."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.data.hosts.host import Host, degrees

__all__ = [
    "BlockCorrelated",
    "BoundLaw",
    "Counts",
    "DegreeDriven",
    "Exponential",
    "FreeLaw",
    "Law",
    "Lognormal",
    "Normal",
    "Pareto",
    "Poisson",
    "Uniform",
    "check_unit",
    "draw_unit",
    "sample_weights",
    "weigh",
]

# Bounds that keep weights inside float32: none is infinite, and only the smallest vanish.
Finite = Annotated[float, Meta(ge=-1e30, le=1e30)]
Positive = Annotated[float, Meta(gt=0.0, le=1e6)]
Scale = Annotated[float, Meta(ge=1e-20, le=1e6)]
Unit = Annotated[tuple[Scale, Scale], Meta(description="least and greatest unit of a host's weights")]


def check_unit(unit: tuple[float, float]) -> None:
    """Refuse a unit whose bounds are in the wrong order.

    Example:
        >>> check_unit((2.0, 1.0))
        Traceback (most recent call last):
        ...
        ValueError: unit must be [least, greatest], not [2.0, 1.0]
    """
    if unit[0] > unit[1]:
        raise ValueError(f"unit must be [least, greatest], not {list(unit)}")


class _Law(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all laws: each host has its own unit of weights, drawn log-uniformly between two bounds.

    With units the centre's value alone is uninformative: a value that is large in one host is small in another.
    """

    unit: Unit = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_unit(self.unit)


class Uniform(_Law, frozen=True, tag="uniform"):
    """Uniform between ``low`` and ``high``.

    Example:
        >>> Uniform(low=1.0, high=2.0).draw(3, np.random.default_rng(0)).dtype
        dtype('float32')
    """

    low: Finite = 0.0
    high: Finite = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low < self.high:
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return rng.random(size, dtype=np.float32) * np.float32(self.high - self.low) + np.float32(self.low)


class Normal(_Law, frozen=True, tag="normal"):
    """Gaussian; weights may be negative, so an absent edge (0) may exceed a present one.

    Example:
        >>> Normal().draw((2, 3), np.random.default_rng(0)).shape
        (2, 3)
    """

    mean: Finite = 0.0
    sd: Positive = 1.0

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        draws = rng.standard_normal(size, dtype=np.float32)
        return draws if (self.mean, self.sd) == (0.0, 1.0) else draws * np.float32(self.sd) + np.float32(self.mean)


class Lognormal(_Law, frozen=True, tag="lognormal"):
    """Exponential of a Gaussian with mean 0 and standard deviation ``sigma``.

    Example:
        >>> bool((Lognormal(sigma=1.0).draw(100, np.random.default_rng(0)) > 0).all())
        True
    """

    sigma: Annotated[float, Meta(gt=0.0, le=8.0)] = 1.0

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return rng.lognormal(0.0, self.sigma, size).astype(np.float32)


class Exponential(_Law, frozen=True, tag="exponential"):
    """Exponential with mean 1.

    Example:
        >>> bool((Exponential().draw(100, np.random.default_rng(0)) >= 0).all())
        True
    """

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return rng.standard_exponential(size, dtype=np.float32)


class Pareto(_Law, frozen=True, tag="pareto"):
    """Power law with density proportional to ``w ** -(shape + 1)`` from 1 on.

    Example:
        >>> bool((Pareto(shape=2.0).draw(100, np.random.default_rng(0)) >= 1).all())
        True
    """

    shape: Annotated[float, Meta(ge=0.5, le=1e6)] = 2.0

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return (1.0 + rng.pareto(self.shape, size)).astype(np.float32)


class Counts(_Law, frozen=True, tag="counts"):
    """Positive integers, geometric with a given mean: many ties among the lower weights.

    Example:
        >>> sorted(set(Counts(mean=2.0).draw(100, np.random.default_rng(0)).tolist()))[:3]
        [1.0, 2.0, 3.0]
    """

    mean: Annotated[float, Meta(gt=1.0, le=1e4)] = 3.0

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return rng.geometric(1.0 / self.mean, size).astype(np.float32)


class Poisson(_Law, frozen=True, tag="poisson"):
    """Counts from zero on, Poisson with a given mean, as in sequencing and photon counting.

    Example:
        >>> float(Poisson(mean=2.0).draw(1000, np.random.default_rng(0)).min())
        0.0
    """

    mean: Annotated[float, Meta(gt=0.0, le=1e4)] = 2.0

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return rng.poisson(self.mean, size).astype(np.float32)


class BlockCorrelated(_Law, frozen=True, tag="block_correlated"):
    """Lognormal, times a factor that all edges between the same two blocks share.

    Blocks are equal stretches of the host's natural order. In a directed host, the two directions between two blocks
    have different factors.

    Attributes:
        blocks: Number of blocks.
        shared: Standard deviation of the logarithm of the factor of a pair of blocks.
        own: Standard deviation of the logarithm of an edge's own factor.

    Example:
        >>> host = Host(4, np.array([[0, 2], [0, 3], [1, 2]]))
        >>> law = BlockCorrelated(blocks=2, shared=1.0, own=0.0)
        >>> len(set(law.draw_on(host, np.random.default_rng(0)).tolist()))
        1
    """

    blocks: Annotated[int, Meta(ge=1, le=1_000)] = 4
    shared: Annotated[float, Meta(ge=0.0, le=10.0)] = 1.0
    own: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.5

    def draw_on(self, host: Host, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw the weights of a host's edges in unit 1."""
        factors = rng.lognormal(0.0, self.shared, (self.blocks, self.blocks))
        first, second = (host.edges * self.blocks // host.nodes).T  # edges of an undirected host are above the diagonal
        own = rng.lognormal(0.0, self.own, len(host.edges))
        return np.asarray(factors[first, second] * own, dtype=np.float32)


class DegreeDriven(_Law, frozen=True, tag="degree_driven"):
    """Weights that grow with the degrees of both ends, so hubs make stripes of heavy edges.

    The weight is ``(d_u d_v / d^2) ** power`` times a lognormal factor; d is the mean degree. Degrees in a directed
    host count the edges in and out.

    Attributes:
        power: Exponent of the dependence; 0.5 in the world's network of air traffic.
        own: Standard deviation of the logarithm of an edge's own factor.

    References:
        Barrat, Barthelemy, Pastor-Satorras and Vespignani, "The architecture of complex weighted networks", PNAS, 2004.

    Example:
        >>> star = Host(4, np.array([[0, 1], [0, 2], [0, 3], [1, 2]]))
        >>> DegreeDriven(power=1.0, own=0.0).draw_on(star, np.random.default_rng(0)).tolist()
        [1.5, 1.5, 0.75, 1.0]
    """

    power: Annotated[float, Meta(ge=-5.0, le=5.0)] = 1.0
    own: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.5

    def draw_on(self, host: Host, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw the weights of a host's edges in unit 1."""
        count = degrees(host)
        mean = max(2 * len(host.edges) / host.nodes, 1.0 / host.nodes)
        factor = np.array([0.0, *((d / mean) ** self.power for d in range(1, int(count.max()) + 1))])[count]
        own = rng.lognormal(0.0, self.own, len(host.edges))
        return np.asarray(factor[host.edges[:, 0]] * factor[host.edges[:, 1]] * own, dtype=np.float32)


FreeLaw = Uniform | Normal | Lognormal | Exponential | Pareto | Counts | Poisson
"""Laws whose weights are independent of each other and of the host."""

BoundLaw = BlockCorrelated | DegreeDriven
"""Laws whose weights depend on the position of the edge in the host."""

Law = FreeLaw | BoundLaw


def weigh(law: Law, host: Host, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw the weights of a host's edges, all in the same unit.

    Args:
        law: The law of the weights.
        host: The host with the edges.
        rng: The only source of randomness.

    Returns:
        Shape ``(E,)``, float32.

    Example:
        >>> weigh(Uniform(), Host(3, np.array([[0, 1], [1, 2]])), np.random.default_rng(0)).shape
        (2,)
    """
    if isinstance(law, FreeLaw):
        return sample_weights(law, len(host.edges), rng)
    unit = draw_unit(law.unit, rng)
    return law.draw_on(host, rng) * np.float32(unit)


def draw_unit(unit: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw a host's unit log-uniformly between two bounds; equal bounds draw nothing.

    Example:
        >>> 1.0 <= draw_unit((1.0, 10.0), np.random.default_rng(0)) <= 10.0
        True
    """
    least, greatest = (math.log(bound) for bound in unit)
    return math.exp(rng.uniform(least, greatest)) if least < greatest else unit[0]


def sample_weights(law: FreeLaw, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw independent weights, all in the same unit.

    Args:
        law: The law of the weights.
        size: Shape of the result.
        rng: The only source of randomness.

    Returns:
        Shape ``size``, float32.

    Example:
        >>> weights = sample_weights(Uniform(unit=(10.0, 100.0)), 1000, np.random.default_rng(0))
        >>> bool(weights.max() > 9)
        True
    """
    factor = draw_unit(law.unit, rng)
    weights = law.draw(size, rng)
    return weights if factor == 1.0 else weights * np.float32(factor)
