"""The noise model that the Bayes rule knows: law of the noise and shape of the peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gnnmax.errors import InputError

__all__ = ["SPIKE", "NoiseLaw", "NoiseModel"]

NoiseLaw = Literal["gaussian", "lognormal", "poisson"]


@dataclass(frozen=True)
class NoiseModel:
    """The noise and the peak of windows with a planted amplitude, the same for all windows of a set.

    Attributes:
        law: ``gaussian``: unit normal noise, the peak is added. ``lognormal``: the exponential of that, so the peak
            multiplies. ``poisson``: counts, the peak is added to their mean.
        base: Mean of the counts away from the peak; used by ``poisson`` alone.
        radius: 0 for a spike, one entry alone; else the peak is ``amplitude * exp(-(d_r^2 + d_c^2) / (2 radius^2))``
            with d_r and d_c the distances along the host from the planted row and column, and the nodes' numbers are
            their positions along the host.
        flips: Share of the labels that were flipped at random after planting, from 0 to 1/2.

    Example:
        >>> NoiseModel().radius
        0.0
    """

    law: NoiseLaw = "gaussian"
    base: float = 1.0
    radius: float = 0.0
    flips: float = 0.0

    def __post_init__(self) -> None:
        if self.law not in ("gaussian", "lognormal", "poisson"):
            raise InputError(f"the law of the noise must be gaussian, lognormal or poisson, not {self.law!r}")
        if not (self.base > 0 and self.radius >= 0):
            raise InputError(f"base must be above 0 and radius at least 0, not {self.base} and {self.radius}")
        if not 0 <= self.flips <= 0.5:
            raise InputError(f"the share of flipped labels must be from 0 to 0.5, not {self.flips}")
        if self.radius and self.law == "poisson":
            raise InputError("a peak with a radius comes in gaussian or lognormal noise, not in poisson")


SPIKE = NoiseModel()
"""One entry alone is raised, in unit Gaussian noise."""
