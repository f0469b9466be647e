"""Laws of the edge weights."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

__all__ = ["Counts", "Exponential", "Law", "Lognormal", "Normal", "Pareto", "Poisson", "Uniform", "sample_weights"]

Positive = Annotated[float, Meta(gt=0.0, le=1e6)]
Unit = Annotated[tuple[Positive, Positive], Meta(description="least and greatest unit of a host's weights")]


class _Law(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all laws share: each host has weights in a unit of its own, drawn log-uniform between two bounds.

    A unit makes the centre's value alone tell nothing: what is large in one host is small in another.
    """

    unit: Unit = (1.0, 1.0)

    def __post_init__(self) -> None:
        if self.unit[0] > self.unit[1]:
            raise ValueError(f"unit must be [least, greatest], not {list(self.unit)}")


class Uniform(_Law, frozen=True, tag="uniform"):
    """Uniform between ``low`` and ``high``.

    Example:
        >>> Uniform(low=1.0, high=2.0).draw(3, np.random.default_rng(0)).dtype
        dtype('float32')
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low < self.high:
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return rng.random(size, dtype=np.float32) * np.float32(self.high - self.low) + np.float32(self.low)


class Normal(_Law, frozen=True, tag="normal"):
    """Gaussian; weights may be negative, and an absent edge (0) may then beat a present one.

    Example:
        >>> Normal().draw((2, 3), np.random.default_rng(0)).shape
        (2, 3)
    """

    mean: float = 0.0
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

    sigma: Positive = 1.0

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
    """Power law with density falling as ``w ** -(shape + 1)`` from 1 on.

    Example:
        >>> bool((Pareto(shape=2.0).draw(100, np.random.default_rng(0)) >= 1).all())
        True
    """

    shape: Positive = 2.0

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return (1.0 + rng.pareto(self.shape, size)).astype(np.float32)


class Counts(_Law, frozen=True, tag="counts"):
    """Positive integers, geometric with a mean: many ties among the lower weights.

    Example:
        >>> sorted(set(Counts(mean=2.0).draw(100, np.random.default_rng(0)).tolist()))[:3]
        [1.0, 2.0, 3.0]
    """

    mean: Annotated[float, Meta(gt=1.0, le=1e4)] = 3.0

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return rng.geometric(1.0 / self.mean, size).astype(np.float32)


class Poisson(_Law, frozen=True, tag="poisson"):
    """Counts from zero on, Poisson with a mean: what sequencing and photon counting give.

    Example:
        >>> float(Poisson(mean=2.0).draw(1000, np.random.default_rng(0)).min())
        0.0
    """

    mean: Annotated[float, Meta(gt=0.0, le=1e4)] = 2.0

    def draw(self, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw weights in unit 1."""
        return rng.poisson(self.mean, size).astype(np.float32)


Law = Uniform | Normal | Lognormal | Exponential | Pareto | Counts | Poisson


def sample_weights(law: Law, size: int | tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw the weights of one host, all in the same unit.

    Args:
        law: Their law.
        size: Shape of the result.
        rng: The only source of randomness.

    Returns:
        Shape ``size``, float32.

    Example:
        >>> weights = sample_weights(Uniform(unit=(10.0, 100.0)), 1000, np.random.default_rng(0))
        >>> bool(weights.max() > 9)
        True
    """
    least, greatest = (math.log(bound) for bound in law.unit)
    factor = math.exp(rng.uniform(least, greatest)) if least < greatest else law.unit[0]
    weights = law.draw(size, rng)
    return weights if factor == 1.0 else weights * np.float32(factor)
