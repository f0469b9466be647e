"""Plants: a maximum at one entry of a window; the kinds of windows differ in its position alone."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.task.label import KINDS
from gnnmax.task.noise import NoiseLaw, NoiseModel

__all__ = ["Bump", "Natural", "Noise", "Plant", "Raised", "Shares", "Spike", "draw_kinds", "paired_kinds"]

CENTRED, SHIFTED, RUNNER_UP, TIED, BACKGROUND, CONSTANT = range(len(KINDS))
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
    constant: Share = 0.0

    def __post_init__(self) -> None:
        total = math.fsum(self.of(kind) for kind in KINDS)
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the shares of the kinds must sum to 1, not {total:g}")

    def of(self, kind: str) -> float:
        """Return the share of a kind by its name."""
        return float(getattr(self, kind))


class Spike(Struct, frozen=True, forbid_unknown_fields=True, tag="spike"):
    """A spike: one entry is the maximum, by a log-uniform margin.

    In every kind the window's largest value is set to the second largest plus the margin and then swapped into place,
    among the window's edges: the multiset of values, the topology and the sum do not depend on the kind. (In ``tied``
    the second largest is raised to the largest too; no strict maximum can have such a multiset. In ``constant`` all
    entries become 0: no edge is left.) A margin that float32 cannot hold becomes one unit in the last place.

    Distractors are the largest other edges, each raised by a uniform share of its difference to the unplanted maximum
    and swapped to a position that is drawn before the kind: their positions do not depend on the kind. In ``runner_up``
    the highest of them is at the centre, in ``tied`` it is the rival.

    Attributes:
        margin: Least and greatest margin, in units of the window's standard deviation.
        distractors: Number of lower peaks in every window.
        gap: Least distance in entries, the larger of those along rows and columns, of distractors from the centre and
            from each other; and of the maximum from them if the edges allow it. From 2 on, no two are adjacent.
    """

    margin: tuple[Amount, Amount] = (0.05, 1.0)
    distractors: Annotated[int, Meta(ge=0, le=20)] = 0
    gap: Annotated[int, Meta(ge=1, le=100)] = 2

    def __post_init__(self) -> None:
        if self.margin[0] > self.margin[1]:
            raise ValueError(f"margin must be [least, greatest], not {list(self.margin)}")


class Raised(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of plants in noise: an amplitude, or several levels of it.

    Several levels have equal shares of every host's windows, within one; the level of each window is stored.
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


class Noise(Raised, frozen=True, tag="noise"):
    """A spike in noise: one entry of a window of noise is raised by an amplitude.

    The label is ``planted``: it says which entry was raised, whatever the noise is. The best possible scorer is known.

    Attributes:
        amplitude: One amplitude, or a list of levels in equal shares. It is added to unit Gaussian noise, to the
            logarithm of lognormal noise, or to the mean of Poisson counts.
        law: Law of the noise.
        base: Mean of Poisson counts away from the raised entry.
    """

    law: NoiseLaw = "gaussian"
    base: Amount = 1.0

    @property
    def model(self) -> NoiseModel:
        """The noise model: the knowledge of the Bayes rule besides the amplitude."""
        return NoiseModel(self.law, self.base)


class Bump(Raised, frozen=True, tag="bump"):
    """A bump: a peak in unit Gaussian noise that decays with the distance along the host, over rows and columns.

    ``amplitude * exp(-(d_r^2 + d_c^2) / (2 radius^2))`` is added, with d_r and d_c the distances along the host from
    the planted row and column. The label is ``planted``. In natural order it is a bump in the image; in shuffled order
    only the contexts show which nodes are near each other.

    Attributes:
        amplitude: Height of the peak, or a list of levels in equal shares.
        radius: Distance at which it falls to exp(-1/2).
    """

    radius: Amount

    @property
    def model(self) -> NoiseModel:
        """The noise model: the knowledge of the Bayes rule besides the amplitude."""
        return NoiseModel(radius=self.radius)


class Natural(Struct, frozen=True, forbid_unknown_fields=True, tag="natural"):
    """No plant: every edge of the subgraph is the centre of one window, and weights are unchanged."""


Plant = Spike | Noise | Bump | Natural


def draw_kinds(shares: Shares, count: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw the kinds of ``count`` windows in random order, in the stated shares up to one window each.

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
    """Draw the kinds of ``count`` windows, where ``twins`` consecutive windows come from one cut.

    Args:
        shares: Shares of the kinds; None for a ladder, whose spike is at the centre in one window and elsewhere in the
            others.
        count: A multiple of ``twins``.
        twins: 1: independent kinds. 2: a centred window and a twin of another kind. More: a ladder.
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
