"""Peaks in noise: draw amplitudes, and raise one entry of each window."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gnnmax.data.planting.plants import CENTRED, Bump, Noise
from gnnmax.task.noise import NoiseModel

__all__ = ["draw_amplitudes", "plant_noise"]

Flat = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


def draw_amplitudes(plant: Noise | Bump, count: int, twins: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw the amplitudes of ``count`` windows: all levels equally often (within one), independently of the kind.

    Args:
        plant: A plant with one level or several; nothing is drawn for a single level.
        count: A multiple of ``twins``.
        twins: Number of consecutive windows with the same amplitude.
        rng: The only source of randomness.

    Example:
        >>> draw_amplitudes(Noise(amplitude=(1.0, 4.0)), 4, 2, np.random.default_rng(0)).tolist()
        [1.0, 1.0, 4.0, 4.0]
    """
    levels = np.array(plant.levels)
    if len(levels) == 1:
        return np.full(count, levels[0])
    return np.repeat(levels[rng.permutation(count // twins) % len(levels)], twins)


def plant_noise(
    values: Flat,
    nodes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    *,
    kinds: npt.NDArray[np.uint8],
    amplitude: npt.NDArray[np.float64],
    noise: NoiseModel,
    rng: np.random.Generator,
) -> Places:
    """Raise one entry of each window in place: the centre if its kind is centred, else a uniformly random other entry.

    Args:
        values: Noise, shape ``(W, k * k)``; changed in place.
        nodes: Nodes of the rows and of the columns, each ``(W, k)``; their numbers are positions along the host.
        kinds: Codes of the kinds, centred or shifted, shape ``(W,)``.
        amplitude: Amplitudes to add, shape ``(W,)``.
        noise: Law of the noise and radius of the peak.
        rng: The only source of randomness.

    Returns:
        The flat index of the raised entry, shape ``(W,)``.

    Example:
        >>> values, nodes = np.zeros((2, 9), dtype=np.float32), np.tile(np.arange(3), (2, 1))
        >>> amplitude, rng = np.full(2, 3.0), np.random.default_rng(0)
        >>> kinds = np.array([0, 1], dtype=np.uint8)
        >>> plant_noise(
        ...     values, (nodes, nodes + 9), kinds=kinds, amplitude=amplitude, noise=NoiseModel(), rng=rng
        ... )[0]
        np.int64(4)
    """
    windows, entries = values.shape
    middle = entries // 2
    place = rng.integers(entries - 1, size=windows, dtype=np.intp)
    place += place >= middle
    place[kinds == CENTRED] = middle
    every = np.arange(windows)
    if noise.radius > 0:
        values += amplitude.astype(np.float32)[:, None] * _profile(nodes, place, noise.radius)
    elif noise.law == "lognormal":
        # One by one: machines round vectorised exponentials differently.
        values[every, place] *= np.array([math.exp(a) for a in amplitude.tolist()], dtype=np.float32)
    elif noise.law == "poisson":
        values[every, place] += rng.poisson(amplitude)
    else:
        values[every, place] += amplitude.astype(np.float32)
    return np.asarray(place)


def _profile(nodes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], place: Places, radius: float) -> Flat:
    """Return the peak of height 1 around an entry of each window, shape ``(W, k * k)``."""
    every, k = np.arange(len(place)), nodes[0].shape[1]
    row, column = (
        np.exp(-((side - side[every, where, None]) ** 2) / (2 * radius**2))
        for side, where in zip(nodes, np.divmod(place, k), strict=True)
    )
    return (row[:, :, None] * column[:, None, :]).reshape(len(place), k * k).astype(np.float32)
