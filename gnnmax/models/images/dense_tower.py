"""All windows of a matrix at once: a tower's convolutions over the matrix itself, with the borders of every window."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.models.images.tower import TowerNet
from gnnmax.models.plan import Plan, convolved_side, margins

__all__ = ["ConvolvedTower", "convolvable"]

TILE = 96
"""Windows along a side of what is computed at once: small enough for a processor's cache, large beside a window."""

_PIECEMEAL = 3
"""How much longer a convolution takes in pieces, measured."""


class Run(NamedTuple):
    """Neighbouring places of a kernel, or of a window, that read one and the same feature map.

    ``first`` and ``stop`` are the places; ``alike`` is the class of what they read; ``shift`` is how far away the first
    of them reads, in entries of the matrix.
    """

    first: int
    stop: int
    alike: int
    shift: int


@dataclass(frozen=True)
class Stage:
    """What one convolution does along one axis of a window.

    The places of a window see its border in different ways, so what is at one entry of the matrix depends on the place
    that it has in the window; places that see it alike form a class, and each class has a feature map of its own. Deep
    inside a window all places are alike.

    Attributes:
        spread: Entries of the matrix between two neighbours of the kernel.
        classes: Of each class of the outcome, what its kernel reads; what lies outside the window is left out.
    """

    spread: int
    classes: tuple[tuple[Run, ...], ...]


def convolvable(net: nn.Module) -> bool:
    """Return whether the windows of a matrix share what a net computes: towers on values as they are, strides at most.

    Example:
        >>> net = TowerNet(Plan(channels=(4,), head="global"), k=9, encoding="none")
        >>> convolvable(net), convolvable(TowerNet(Plan(channels=(4,), head="global"), k=9))
        (True, False)
    """
    if not isinstance(net, TowerNet) or net.encoding != "none":
        return False
    plan = net.tower.plan
    coarser = any(step > 1 for _, step in plan.stages)
    return not plan.coordinates and (plan.sampling == "stride" or not coarser) and net.tower.dense.out_features == 1


class ConvolvedTower:
    """Score the windows around all entries of a matrix with one pass of convolutions over the matrix.

    The scores are those of the net, window by window, up to rounding (sums in another order). Exact for every padding:
    near the border of a window features differ from those of the same entry inside another window, so they are computed
    once for each way to see the border. A layer of 3 x 3 kernels with zero padding has 9 such ways, two have 25, valid
    convolutions one.

    Cost: ``(k / ways)^2`` times less than window by window, roughly, and free of the copies of windows.

    Args:
        net: A net of which :func:`convolvable` is true.
        k: Side of the windows.

    Raises:
        InputError: another net, or a side that it does not take.

    References:
        Giusti, Ciresan, Masci, Gambardella, Schmidhuber, "Fast Image Scanning with Deep Max-Pooling Convolutional
        Neural Networks", ICIP 2013, and Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic
        Segmentation", CVPR 2015, for valid convolutions; the classes of border places are our own.

    Example:
        >>> net = TowerNet(Plan(channels=(4, 4), head="global"), k=5, encoding="none").eval()
        >>> matrix = torch.rand(8, 7)
        >>> windows = matrix.unfold(0, 5, 1).unfold(1, 5, 1)  # (4, 3, 5, 5)
        >>> with torch.no_grad():
        ...     torch.testing.assert_close(ConvolvedTower(net, k=5)(matrix), net(windows.flatten(0, 1)).view(4, 3))
    """

    def __init__(self, net: nn.Module, k: int) -> None:
        if not isinstance(net, TowerNet) or not convolvable(net):
            raise InputError("this net is not convolvable: expected a tower with encoding none and no coarser grids")
        self.net, self.k = net, k
        self.stages, self.last, reach = _unrolled(net.tower.plan, k)
        self.beyond = max(0, reach - (k - 1))
        if net.tower.plan.head == "flatten" and net.tower.dense.in_features % len(self.last) ** 2:
            raise InputError(f"the net was made for windows of another side than {k}")

    @property
    def cheaper(self) -> bool:
        """Whether this costs less than window by window: not where most of a window sees its border.

        Example:
            >>> net = TowerNet(Plan(channels=(4, 4, 4), head="global"), k=9, encoding="none")
            >>> ConvolvedTower(net, k=9).cheaper, ConvolvedTower(net, k=15).cheaper
            (False, True)
        """
        here = sum(len(stage.classes) ** 2 for stage in self.stages)
        return _PIECEMEAL * here < sum(side**2 for side in self.net.tower.plan.sides(self.k))

    @torch.no_grad()
    def __call__(self, matrix: Tensor) -> Tensor:
        """Return logits, shape ``(n - k + 1, m - k + 1)``, of the windows of a finite matrix ``(n, m)``.

        Raises:
            InputError: the matrix is smaller than a window.
        """
        n, m = matrix.shape
        if min(n, m) < self.k:
            raise InputError(f"a matrix of {n} x {m} has no window of side {self.k}")
        scores = matrix.new_empty(n - self.k + 1, m - self.k + 1)
        for row in range(0, len(scores), TILE):
            for column in range(0, scores.shape[1], TILE):
                tile = matrix[row : row + TILE + self.k - 1, column : column + TILE + self.k - 1]
                scores[row : row + TILE, column : column + TILE] = self._tile(tile)
        return scores

    def _tile(self, matrix: Tensor) -> Tensor:
        maps = {(0, 0): functional.pad(matrix, (0, self.beyond) * 2)[None, None]}  # (1, 1, n, m)
        convolutions = [layer for layer in self.net.tower.layers if isinstance(layer, nn.Conv2d)]
        for stage, layer in zip(self.stages, convolutions, strict=True):
            numbers = range(len(stage.classes))
            maps = {
                (a, b): functional.relu(_convolved(maps, stage.classes[a], stage.classes[b], layer, stage.spread))
                for a, b in itertools.product(numbers, numbers)
            }
        n, m = matrix.shape
        return self._headed(maps)[: n - self.k + 1, : m - self.k + 1]

    def _headed(self, maps: dict[tuple[int, int], Tensor]) -> Tensor:
        """Return the logits of the windows that begin at each entry."""
        head, dense, side = self.net.tower.plan.head, self.net.tower.dense, len(self.last)
        spread = self.stages[-1].spread * self.net.tower.plan.stages[-1][1] if self.stages else 1
        assert isinstance(dense.bias, Tensor)
        if head == "centre":
            middle = side // 2
            seen = _moved(maps[self.last[middle], self.last[middle]], middle * spread, middle * spread, (1, 1), 1)
            return functional.conv2d(seen, dense.weight[:, :, None, None], dense.bias)[0, 0]
        runs = _runs([(alike, place * spread) for place, alike in enumerate(self.last)], spread)
        parts = list(itertools.product(runs, runs))
        channels = maps[0, 0].shape[1]
        if head == "flatten":
            weight = dense.weight.view(channels, side, side)
            flat: Tensor = dense.bias + _summed(_weighed(maps, a, b, weight, spread) for a, b in parts)
            return flat
        of_highest, of_mean = dense.weight.view(2, channels, 1, 1)
        weight = (of_mean / side**2).expand(channels, side, side)
        highest = torch.stack([_highest(maps, a, b, spread) for a, b in parts]).amax(dim=0)
        mean = _summed(_weighed(maps, a, b, weight, spread) for a, b in parts)
        logits: Tensor = dense.bias + mean + (of_highest * highest).sum(dim=0)
        return logits


def _unrolled(plan: Plan, k: int) -> tuple[tuple[Stage, ...], list[int], int]:
    """Follow the places of a window through a plan, along one axis.

    Returns:
        The stages; the class of each place after the last; and how far from a window's beginning a place lies, at most.
    """
    alike, spread, stages, reach = [0] * k, 1, [], k - 1
    before, _ = margins(plan.kernel, plan.padding)
    for side, (_, step) in zip(plan.sides(k), plan.stages, strict=True):
        assert side == convolved_side(len(alike), plan.kernel, plan.padding, step)
        known: dict[tuple[tuple[int, int] | None, ...], int] = {}
        found = []
        for place in range(side):
            read = [place * step + tap - before for tap in range(plan.kernel)]
            if plan.padding == "circular":
                read = [other % len(alike) for other in read]
            taps = tuple(
                (alike[other], (other - place * step) * spread) if 0 <= other < len(alike) else None for other in read
            )
            found.append(known.setdefault(taps, len(known)))
        stages.append(Stage(spread, tuple(tuple(_runs(taps, spread)) for taps in known)))
        alike, spread = found, spread * step
        reach = max(reach, (side - 1) * spread)
    return tuple(stages), alike, reach


def _runs(taps: tuple[tuple[int, int] | None, ...] | list[tuple[int, int]], spread: int) -> list[Run]:
    """Join neighbours that read the same map one step apart.

    Example:
        >>> _runs([(0, -1), (0, 0), None, (1, 2)], spread=1)
        [Run(first=0, stop=2, alike=0, shift=-1), Run(first=3, stop=4, alike=1, shift=2)]
    """
    runs: list[Run] = []
    for place, tap in enumerate(taps):
        if tap is None:
            continue
        alike, shift = tap
        last = runs[-1] if runs else None
        if last and last.stop == place and last.alike == alike and shift == last.shift + (place - last.first) * spread:
            runs[-1] = last._replace(stop=place + 1)
        else:
            runs.append(Run(place, place + 1, alike, shift))
    return runs


def _lengths(a: Run, b: Run) -> tuple[int, int]:
    return a.stop - a.first, b.stop - b.first


def _moved(image: Tensor, down: int, right: int, lengths: tuple[int, int], spread: int) -> Tensor:
    """Move a map so that a kernel of these lengths, laid at an entry, reads what is so far down and right of it."""
    rows, columns = ((length - 1) * spread for length in lengths)
    return functional.pad(image, (-right, right + columns, -down, down + rows))


def _convolved(
    maps: dict[tuple[int, int], Tensor], rows: tuple[Run, ...], columns: tuple[Run, ...], layer: nn.Conv2d, spread: int
) -> Tensor:
    """Return what a convolution makes of the maps at places of one class of rows and one of columns."""
    parts = [
        functional.conv2d(
            _moved(maps[a.alike, b.alike], a.shift, b.shift, _lengths(a, b), spread),
            layer.weight[:, :, a.first : a.stop, b.first : b.stop],
            dilation=spread,
        )
        for a, b in itertools.product(rows, columns)
    ]
    total = parts[0] if len(parts) == 1 else torch.stack(parts).sum(dim=0)
    return total if layer.bias is None else total + layer.bias[:, None, None]


def _weighed(maps: dict[tuple[int, int], Tensor], a: Run, b: Run, weight: Tensor, spread: int) -> Tensor:
    """Sum what a window's places of two runs hold, by weights ``(C, side, side)``, for windows that begin anywhere.

    Channels are summed first, by one product for all places, so that what moves is one number an entry.
    """
    lengths = _lengths(a, b)
    image = _moved(maps[a.alike, b.alike], a.shift, b.shift, lengths, spread)[0]  # (C, n, m)
    part = weight[:, a.first : a.stop, b.first : b.stop]
    even = bool((part == part[:, :1, :1]).all())
    kernel = (part[:, :1, :1] if even else part).flatten(1).T  # (1 or places, C)
    products = (kernel @ image.flatten(1)).view(-1, *image.shape[1:])
    if even:
        return _slid(_slid(products, 1, lengths[0], spread, torch.add), 2, lengths[1], spread, torch.add)[0]
    rows, columns = (size - (length - 1) * spread for size, length in zip(image.shape[1:], lengths, strict=True))
    places = itertools.product(range(lengths[0]), range(lengths[1]))
    moved = (
        product[i * spread : i * spread + rows, j * spread : j * spread + columns]
        for (i, j), product in zip(places, products, strict=True)
    )
    return _summed(moved)


def _summed(images: Iterable[Tensor]) -> Tensor:
    return functools.reduce(torch.add, images)


def _highest(maps: dict[tuple[int, int], Tensor], a: Run, b: Run, spread: int) -> Tensor:
    """Return the maximum over a window's places of two runs, ``(C, n, m)``, for windows that begin anywhere."""
    lengths = _lengths(a, b)
    image = _moved(maps[a.alike, b.alike], a.shift, b.shift, lengths, spread)[0]
    return _slid(_slid(image, 1, lengths[0], spread, torch.maximum), 2, lengths[1], spread, torch.maximum)


def _slid(image: Tensor, axis: int, length: int, spread: int, join: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Join ``length`` neighbours along an axis, by doubling.

    Example:
        >>> _slid(torch.arange(6), 0, 3, 1, torch.add), _slid(torch.tensor([4, 1, 2, 0]), 0, 2, 2, torch.maximum)
        (tensor([ 3,  6,  9, 12]), tensor([4, 1]))
    """
    left = image.shape[axis] - (length - 1) * spread
    joined, done, width = None, 0, 1  # so many neighbours are joined already; image holds the joins of so many
    while True:
        if length & width:
            part = image.narrow(axis, done * spread, left)
            joined = part if joined is None else join(joined, part)
            done += width
        if done == length:
            assert joined is not None
            return joined
        shorter = image.shape[axis] - width * spread
        image = join(image.narrow(axis, 0, shorter), image.narrow(axis, width * spread, shorter))
        width *= 2
