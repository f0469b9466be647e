"""Plants: what puts a maximum at an entry of a window, so that nothing but its position tells the kinds apart."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.task.label import KINDS
from gnnmax.task.noise import NoiseLaw, NoiseModel

__all__ = ["Bump", "Natural", "Noise", "Plant", "Shares", "Spike", "draw_kinds", "paired_kinds"]

CENTRED, SHIFTED, RUNNER_UP, TIED, BACKGROUND = range(len(KINDS))
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Amount = Annotated[float, Meta(gt=0.0, le=100.0)]
Levels = Annotated[tuple[Amount, ...], Meta(min_length=2, max_length=10)]


class Shares(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The share of each kind among the windows of a graph; they sum to one.

    Example:
        >>> Shares(centred=0.5, shifted=0.5).of("shifted")
        0.5
    """

    centred: Share
    shifted: Share = 0.0
    runner_up: Share = 0.0
    tied: Share = 0.0
    background: Share = 0.0

    def __post_init__(self) -> None:
        total = math.fsum(self.of(kind) for kind in KINDS)
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the shares of the kinds must sum to 1, not {total:g}")

    def of(self, kind: str) -> float:
        """Return the share of a kind by its name."""
        return float(getattr(self, kind))


class Spike(Struct, frozen=True, forbid_unknown_fields=True, tag="spike"):
    """One entry is the maximum, by a margin drawn log-uniform.

    In every kind the window's largest value is set to the second largest plus the margin and then swapped into
    place, among the window's edges: the multiset of values, the topology and the sum tell nothing about the kind. (In
    ``tied`` the second largest is raised to the largest too; no strict maximum can have such a multiset.)

    Distractors are the largest other edges, each lifted by a uniform share of its way up to the host's own maximum and
    swapped to a place that is drawn before the kind is known: they stand apart in every kind. In ``runner_up``
    the highest of them is at the centre, in ``tied`` it is the rival.

    Attributes:
        margin: Least and greatest margin, in units of the window's standard deviation.
        distractors: How many lower peaks stand in every window.
        gap: Least distance in entries, the larger of those along rows and columns, of distractors from the centre and
            from each other; and of the maximum from them, where the edges leave room. From 2 on no two touch.
    """

    margin: tuple[Amount, Amount] = (0.05, 1.0)
    distractors: Annotated[int, Meta(ge=0, le=20)] = 0
    gap: Annotated[int, Meta(ge=1, le=100)] = 2

    def __post_init__(self) -> None:
        if self.margin[0] > self.margin[1]:
            raise ValueError(f"margin must be [least, greatest], not {list(self.margin)}")


class _Raised(Struct, frozen=True, forbid_unknown_fields=True):
    """What plants in noise share: an amplitude, or several levels of it.

    Of several levels each has an equal share of every host's windows, within one; a window knows its own.
    """

    amplitude: Amount | Levels

    def __post_init__(self) -> None:
        if len(set(self.levels)) < len(self.levels):
            raise ValueError(f"the levels of an amplitude must be different, not {list(self.levels)}")

    @property
    def levels(self) -> tuple[float, ...]:
        """All amplitudes that occur.

        Example:
            >>> Noise(amplitude=2.0).levels, Noise(amplitude=(1.0, 3.0)).levels
            ((2.0,), (1.0, 3.0))
        """
        return self.amplitude if isinstance(self.amplitude, tuple) else (self.amplitude,)


class Noise(_Raised, frozen=True, tag="noise"):
    """One entry of a window of noise is raised by an amplitude.

    The label is ``planted``: which entry was raised, whatever the noise did. The best possible scorer is known.

    Attributes:
        amplitude: Added to unit Gaussian noise; to the logarithm, in lognormal noise; to the mean, in Poisson counts.
            Or a list of levels in equal shares.
        law: Of the noise.
        base: Mean of Poisson counts away from the raised entry.
    """

    law: NoiseLaw = "gaussian"
    base: Amount = 1.0

    @property
    def model(self) -> NoiseModel:
        """What the Bayes rule knows besides the amplitude."""
        return NoiseModel(self.law, self.base)


class Bump(_Raised, frozen=True, tag="bump"):
    """A peak in unit Gaussian noise that falls off with the distance along the host, over rows and columns.

    ``amplitude * exp(-(d_r^2 + d_c^2) / (2 radius^2))`` is added, with d_r and d_c the distances along the host from
    the planted row and column. The label is ``planted``. In natural order it is a bump of the image; in shuffled order
    only the contexts tell what is near what.

    Attributes:
        amplitude: Height of the peak, or a list of levels in equal shares.
        radius: Distance over which it falls to exp(-1/2).
    """

    radius: Amount

    @property
    def model(self) -> NoiseModel:
        """What the Bayes rule knows besides the amplitude."""
        return NoiseModel(radius=self.radius)


class Natural(Struct, frozen=True, forbid_unknown_fields=True, tag="natural"):
    """Nothing is planted: every edge of the subgraph is the centre of one window, with the weights it has."""


Plant = Spike | Noise | Bump | Natural


def draw_kinds(shares: Shares, count: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw the kinds of ``count`` windows in the stated shares, each within one window of exact, in random order.

    Example:
        >>> kinds = draw_kinds(Shares(centred=0.5, shifted=0.5), 10, np.random.default_rng(0))
        >>> int((kinds == 0).sum())
        5
    """
    bounds = np.cumsum([shares.of(kind) for kind in KINDS])
    points = (np.arange(count) + rng.random()) / count
    codes = np.minimum(np.searchsorted(bounds, points, side="right"), np.flatnonzero(np.diff(bounds, prepend=0.0))[-1])
    return rng.permutation(codes.astype(np.uint8))


def paired_kinds(shares: Shares | None, count: int, twins: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw the kinds of ``count`` windows; each ``twins`` in a row come from one cut.

    Args:
        shares: Of the kinds; None for a ladder, where the spike stands at the centre once and elsewhere otherwise.
        count: A multiple of ``twins``.
        twins: 1: kinds are drawn one by one. 2: centred, and a twin of another kind. More: a ladder.
        rng: The only source of randomness.

    Example:
        >>> paired_kinds(Shares(centred=0.5, shifted=0.5), 4, 2, np.random.default_rng(0))
        array([0, 1, 0, 1], dtype=uint8)
    """
    if shares is None:
        kinds = np.full((count // twins, twins), SHIFTED, dtype=np.uint8)
        kinds[:, twins // 2] = CENTRED
        return kinds.reshape(-1)
    if twins == 1:
        return draw_kinds(shares, count, rng)
    others = {kind: shares.of(kind) / (1 - shares.centred) for kind in KINDS[1:]}
    kinds = np.full((count // 2, 2), CENTRED, dtype=np.uint8)
    kinds[:, 1] = draw_kinds(Shares(centred=0.0, **others), count // 2, rng)
    return kinds.reshape(-1)
