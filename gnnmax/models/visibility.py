"""Positions of a lone spike that look like the centre to a convolution tower, and the accuracy ceiling they force.

Colour refinement on images: every entry starts with a colour (spike, background, outside), and each output of a layer
gets a colour made from the colours and positions that it reads. Two spikes with equal colours at the head look the same
to every net of the specification, for any weights; some net with enough channels distinguishes all others. No torch.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.models.tower_spec import TowerSpec, margins, sampled_side
from gnnmax.task.hashing import splitmix64
from gnnmax.task.symmetry_groups import forced_ceiling

__all__ = ["Background", "blur_taps", "grid_starts", "orbit", "visible_ceiling"]

Background = Literal["any", "zero"]
Colours = npt.NDArray[np.uint64]

OUTSIDE, EMPTY, SPIKE = 0, 1, 2


@lru_cache(maxsize=1024)
def orbit(spec: TowerSpec, k: int, background: Background = "any") -> int:
    """Count the positions whose spike looks like one at the centre to every net of a specification, itself included.

    Cost: ``k ** 4`` colours per layer, ``k ** 6`` from a polyphase layer on.

    Args:
        spec: Specification of the tower.
        k: Side of the windows.
        background: ``any``: it differs from the zeros of the padding. ``zero``: it equals them, so that only later
            layers, whose features are not zero, see the border.

    References:
        Weisfeiler, Leman, "The reduction of a graph to canonical form", 1968: colour refinement, here with one colour
        for every position that a kernel reads. Kayhan, van Gemert, "On Translation Invariance in CNNs", CVPR 2020, and
        Islam, Jia, Bruce, "How much Position Information Do Convolutional Neural Networks Encode?", ICLR 2020: the
        position information in borders.

    Example:
        >>> [orbit(TowerSpec(channels=(8,), padding="valid", head="global"), k) for k in (3, 5, 9, 15)]
        [1, 1, 25, 121]
        >>> orbit(TowerSpec(channels=(8,), head="global"), 9, "zero")
        49
    """
    spec.sides(k)
    colours = _initial_colours(spec, k, background)  # (P, Q, n, n): one image per position of the spike, Q grids of it
    norms = np.zeros((len(colours), 1), dtype=np.uint64)  # (P, Q): they decide which grid is kept
    for _, step in spec.stages:
        stride = step if spec.downsampling == "stride" else 1
        colours = _convolve(colours, spec, stride)
        if stride < step and spec.downsampling == "polyphase":
            colours, norms = _split_grids(colours, norms, step)
        elif stride < step:
            colours = _downsample(colours, spec, step)
    seen = _read_head(colours, norms, spec)
    return int((seen == seen[k * k // 2]).sum())


def visible_ceiling(spec: TowerSpec, k: int, background: Background = "any") -> float:
    """Return the best accuracy that a specification allows, see :func:`gnnmax.task.symmetry_groups.forced_ceiling`.

    Example:
        >>> visible_ceiling(TowerSpec(channels=(8,), padding="circular", head="global"), 9)
        0.5
    """
    return forced_ceiling(orbit(spec, k, background), k)


def blur_taps(step: int) -> npt.NDArray[np.int64]:
    """Return the binomial taps that blur before a stride: ``2 * step - 1`` of them.

    Example:
        >>> blur_taps(2), blur_taps(3)
        (array([1, 2, 1]), array([1, 4, 6, 4, 1]))
    """
    taps = np.ones(1, dtype=np.int64)
    for _ in range(2 * step - 2):
        taps = np.convolve(taps, [1, 1])
    return taps


def grid_starts(side: int, step: int) -> int:
    """Return the number of grids of every ``step``-th row in a circular image, one per distinct first row.

    Where the step divides the side, grids that start a step apart are equal up to a rotation. Otherwise every row
    starts its own grid, which wraps around. In both cases a translation only permutes the grids.

    Example:
        >>> grid_starts(9, 3), grid_starts(5, 3)
        (3, 5)
    """
    return side if side % step else step


def _initial_colours(spec: TowerSpec, k: int, background: Background) -> Colours:
    images = np.full((k * k, k * k), OUTSIDE if background == "zero" else EMPTY, dtype=np.uint64)
    np.fill_diagonal(images, SPIKE)
    if spec.coordinates:
        images = splitmix64(images + _tags(k * k))
    return images.reshape(k * k, 1, k, k)


def _convolve(colours: Colours, spec: TowerSpec, stride: int) -> Colours:
    padded = _pad(colours, margins(spec.kernel, spec.padding), circular=spec.padding == "circular")
    views = np.lib.stride_tricks.sliding_window_view(padded, (spec.kernel, spec.kernel), axis=(2, 3))
    reads = views[:, :, ::stride, ::stride].reshape(*_grid(views[:, :, ::stride, ::stride]), -1)  # (P, Q, n, n, taps)
    combined = splitmix64(splitmix64(reads + _tags(reads.shape[-1])).sum(axis=-1, dtype=np.uint64))
    # Without a bias, an output that reads zeros only is zero.
    return combined if spec.biases else np.where((reads == OUTSIDE).all(axis=-1), np.uint64(OUTSIDE), combined)


def _split_grids(colours: Colours, norms: Colours, step: int) -> tuple[Colours, Colours]:
    """Return every grid of an image, and a colour that determines its norm: that of the multiset of its entries."""
    side = colours.shape[-1]
    starts = np.arange(grid_starts(side, step))
    lines = (starts[:, None] + step * np.arange(sampled_side(side, step))) % side  # (starts, m)
    grids = colours[:, :, lines[:, None, :, None], lines[None, :, None, :]]  # (P, Q, starts, starts, m, m)
    entries = splitmix64(grids).sum(axis=(4, 5), dtype=np.uint64)
    norms = splitmix64(norms[:, :, None, None] + splitmix64(entries))  # (P, Q, starts, starts)
    return grids.reshape(len(colours), -1, *grids.shape[-2:]), norms.reshape(len(colours), -1)


def _downsample(colours: Colours, spec: TowerSpec, step: int) -> Colours:
    side = colours.shape[-1]
    if spec.downsampling == "blur":
        taps = blur_taps(step)
        padded = _pad(colours, (step - 1, step - 1), circular=spec.padding == "circular")
        views = np.lib.stride_tricks.sliding_window_view(padded, (len(taps), len(taps)), axis=(2, 3))
        reads = views[:, :, ::step, ::step].reshape(*_grid(views[:, :, ::step, ::step]), -1)
        weights = np.outer(taps, taps).ravel().astype(np.uint64)
        return splitmix64(splitmix64(reads + splitmix64(weights)).sum(axis=-1, dtype=np.uint64))
    # A maximum or mean depends on the content of its block in any order, a mean also on the size of a block cut short.
    short = -side % step
    padded = _pad(colours, (0, short), circular=False)
    m = padded.shape[-1] // step
    blocks = padded.reshape(*padded.shape[:2], m, step, m, step)
    inside = (splitmix64(blocks) * (blocks != OUTSIDE)).sum(axis=(3, 5), dtype=np.uint64)
    if spec.downsampling == "average":
        lines = np.minimum(step, side - step * np.arange(m)).astype(np.uint64)  # rows of each block
        inside += splitmix64(np.outer(lines, lines)) * (inside != 0)  # the mean of zeros is zero at any size
    return splitmix64(inside)


def _read_head(colours: Colours, norms: Colours, spec: TowerSpec) -> Colours:
    side = colours.shape[-1]
    if spec.head == "centre":
        seen = colours[:, :, side // 2, side // 2]
    else:
        entries = colours.reshape(*colours.shape[:2], -1)
        tags = _tags(side * side) if spec.head == "flatten" else np.uint64(0)
        seen = splitmix64(entries + tags).sum(axis=-1, dtype=np.uint64)
    # The net keeps the grid of the largest norm: equal bags of grids with their norms give equal scores. Of several
    # with the largest norm it keeps the first, which shows their order.
    order = np.argsort(norms, axis=1)
    norms_sorted, seen_sorted = np.take_along_axis(norms, order, axis=1), np.take_along_axis(seen, order, axis=1)
    tied = (norms_sorted[:, 1:] == norms_sorted[:, :-1]) & (seen_sorted[:, 1:] != seen_sorted[:, :-1])
    places = _tags(seen.shape[1]) * tied.any(axis=1, keepdims=True)
    return np.asarray(splitmix64(splitmix64(seen) + norms + places).sum(axis=-1, dtype=np.uint64))


def _pad(colours: Colours, added: tuple[int, int], *, circular: bool) -> Colours:
    widths = ((0, 0), (0, 0), added, added)
    return np.pad(colours, widths, mode="wrap") if circular else np.pad(colours, widths, constant_values=OUTSIDE)


def _grid(views: npt.NDArray[Any]) -> tuple[int, ...]:
    return views.shape[:4]


def _tags(count: int) -> Colours:
    """Return one large number per position."""
    return splitmix64(np.arange(1, count + 1, dtype=np.uint64) << np.uint64(32))
