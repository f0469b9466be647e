"""What a convolution tower can see of a lone spike: which places of it look like the centre, and what that forces.

Colour refinement on images: every entry starts with a colour (spike, background, outside), and a layer gives each of
its outputs the colour of all that it reads, and of where it reads it. Two spikes whose colours agree at the head look
alike to every net of the plan, whatever its weights; all others some net with enough channels tells apart. No torch.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gnnmax.models.plan import Plan, margins, sampled_side
from gnnmax.task.hashing import splitmix64
from gnnmax.task.symmetry_groups import forced_ceiling

__all__ = ["Background", "blur_taps", "grid_starts", "orbit", "visible_ceiling"]

Background = Literal["any", "zero"]
Colours = npt.NDArray[np.uint64]

OUTSIDE, EMPTY, SPIKE = 0, 1, 2


@lru_cache(maxsize=1024)
def orbit(plan: Plan, k: int, background: Background = "any") -> int:
    """Count the entries at which a spike looks like one at the centre, itself included, to every net of a plan.

    Cost: ``k ** 4`` colours a layer, ``k ** 6`` from a polyphase layer on.

    Args:
        plan: Of the tower.
        k: Side of the windows.
        background: ``any``: it differs from the zeros that a padding adds. ``zero``: it is zero itself, so that only
            later layers, whose features are not, notice where the padding begins.

    References:
        Weisfeiler, Leman, "The reduction of a graph to canonical form", 1968: colour refinement, here with one colour
        for every place that a kernel reads. Kayhan, van Gemert, "On Translation Invariance in CNNs", CVPR 2020, and
        Islam, Jia, Bruce, "How much Position Information Do Convolutional Neural Networks Encode?", ICLR 2020: what
        borders give away.

    Example:
        >>> [orbit(Plan(channels=(8,), padding="valid", head="global"), k) for k in (3, 5, 9, 15)]
        [1, 1, 25, 121]
        >>> orbit(Plan(channels=(8,), head="global"), 9, "zero")
        49
    """
    plan.sides(k)
    colours = _painted(plan, k, background)  # (P, Q, n, n): one image a place of the spike, Q grids of it
    for _, step in plan.stages:
        stride = step if plan.sampling == "stride" else 1
        colours = _convolved(colours, plan, stride)
        if stride < step:
            colours = _sampled(colours, plan, step)
    seen = _read(colours, plan)
    return int((seen == seen[k * k // 2]).sum())


def visible_ceiling(plan: Plan, k: int, background: Background = "any") -> float:
    """Return the best accuracy that a plan allows, see :func:`gnnmax.task.symmetry_groups.forced_ceiling`.

    Example:
        >>> visible_ceiling(Plan(channels=(8,), padding="circular", head="global"), 9)
        0.5
    """
    return forced_ceiling(orbit(plan, k, background), k)


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
    """Return how many grids of every ``step``-th row lie in a closed image, told apart by their first row.

    Where the step divides the side, grids that start a step apart are the same but for a turn. Else every row starts
    a grid of its own, which wraps around: then, too, a translation only exchanges the grids.

    Example:
        >>> grid_starts(9, 3), grid_starts(5, 3)
        (3, 5)
    """
    return side if side % step else step


def _painted(plan: Plan, k: int, background: Background) -> Colours:
    images = np.full((k * k, k * k), OUTSIDE if background == "zero" else EMPTY, dtype=np.uint64)
    np.fill_diagonal(images, SPIKE)
    if plan.coordinates:
        images = splitmix64(images + _tags(k * k))
    return images.reshape(k * k, 1, k, k)


def _convolved(colours: Colours, plan: Plan, stride: int) -> Colours:
    padded = _padded(colours, margins(plan.kernel, plan.padding), circular=plan.padding == "circular")
    views = np.lib.stride_tricks.sliding_window_view(padded, (plan.kernel, plan.kernel), axis=(2, 3))
    reads = views[:, :, ::stride, ::stride].reshape(*_grid(views[:, :, ::stride, ::stride]), -1)  # (P, Q, n, n, taps)
    combined = splitmix64(splitmix64(reads + _tags(reads.shape[-1])).sum(axis=-1, dtype=np.uint64))
    # Without a bias what has read zeros only is zero.
    return combined if plan.biases else np.where((reads == OUTSIDE).all(axis=-1), np.uint64(OUTSIDE), combined)


def _sampled(colours: Colours, plan: Plan, step: int) -> Colours:
    side = colours.shape[-1]
    if plan.sampling == "polyphase":
        starts = np.arange(grid_starts(side, step))
        lines = (starts[:, None] + step * np.arange(sampled_side(side, step))) % side  # (starts, m)
        grids = colours[:, :, lines[:, None, :, None], lines[None, :, None, :]]  # (P, Q, starts, starts, m, m)
        return grids.reshape(len(colours), -1, *grids.shape[-2:])
    if plan.sampling == "blur":
        taps = blur_taps(step)
        padded = _padded(colours, (step - 1, step - 1), circular=plan.padding == "circular")
        views = np.lib.stride_tricks.sliding_window_view(padded, (len(taps), len(taps)), axis=(2, 3))
        reads = views[:, :, ::step, ::step].reshape(*_grid(views[:, :, ::step, ::step]), -1)
        weights = np.outer(taps, taps).ravel().astype(np.uint64)
        return splitmix64(splitmix64(reads + splitmix64(weights)).sum(axis=-1, dtype=np.uint64))
    # A maximum or mean knows what is in its block, and not where; a block that is cut short is another.
    short = -side % step
    padded = _padded(colours, (0, short), circular=False)
    m = padded.shape[-1] // step
    blocks = padded.reshape(*padded.shape[:2], m, step, m, step)
    inside = splitmix64(blocks) * (blocks != OUTSIDE)
    return splitmix64(inside.sum(axis=(3, 5), dtype=np.uint64))


def _read(colours: Colours, plan: Plan) -> Colours:
    side = colours.shape[-1]
    if plan.head == "centre":
        seen = colours[:, :, side // 2, side // 2]
    else:
        entries = colours.reshape(*colours.shape[:2], -1)
        tags = _tags(side * side) if plan.head == "flatten" else np.uint64(0)
        seen = splitmix64(entries + tags).sum(axis=-1, dtype=np.uint64)
    return np.asarray(splitmix64(seen).sum(axis=-1, dtype=np.uint64))  # which of the grids is taken is not known


def _padded(colours: Colours, added: tuple[int, int], *, circular: bool) -> Colours:
    widths = ((0, 0), (0, 0), added, added)
    return np.pad(colours, widths, mode="wrap") if circular else np.pad(colours, widths, constant_values=OUTSIDE)


def _grid(views: npt.NDArray[Any]) -> tuple[int, ...]:
    return views.shape[:4]


def _tags(count: int) -> Colours:
    """One large number for each of some places."""
    return splitmix64(np.arange(1, count + 1, dtype=np.uint64) << np.uint64(32))
