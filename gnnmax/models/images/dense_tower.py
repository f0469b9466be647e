"""Dense scoring with a tower: one pass of convolutions over a matrix, exact at the border of every window."""

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
from gnnmax.models.inference import full_precision
from gnnmax.models.tower_spec import TowerSpec, convolved_side, margins

__all__ = ["DenseTower", "has_dense_form"]

TILE = 96
"""Windows along each side of a tile: small enough for a processor's cache, large beside a window."""

_PIECEMEAL = 3
"""Measured slowdown of a convolution that is computed in pieces."""


class Run(NamedTuple):
    """Neighbouring positions of a kernel, or of a window, that read the same feature map.

    ``first`` and ``stop`` bound the positions; ``source`` is the class of the map; ``shift`` is the distance of the
    entry that the first position reads, in entries of the matrix.
    """

    first: int
    stop: int
    source: int
    shift: int


@dataclass(frozen=True)
class Stage:
    """One convolution along one axis of a window.

    The features at an entry of the matrix depend on its position in the window, because positions see the border of the
    window differently. Positions that see it equally form a class, and each class has its own feature map. Deep inside
    a window all positions are of one class.

    Attributes:
        spread: Entries of the matrix between neighbouring kernel positions (the dilation).
        classes: For each class of the output, the runs that its kernel reads; positions outside the window are omitted.
    """

    spread: int
    classes: tuple[tuple[Run, ...], ...]


def has_dense_form(net: nn.Module) -> bool:
    """Tell whether a net has a dense form: a tower on unencoded values that downsamples by strides only.

    Example:
        >>> net = TowerNet(TowerSpec(channels=(4,), head="global"), k=9, encoding="none")
        >>> has_dense_form(net), has_dense_form(TowerNet(TowerSpec(channels=(4,), head="global"), k=9))
        (True, False)
    """
    if not isinstance(net, TowerNet) or net.encoding != "none":
        return False
    spec = net.tower.spec
    coarser = any(step > 1 for _, step in spec.stages)
    return not spec.coordinates and (spec.downsampling == "stride" or not coarser) and net.tower.dense.out_features == 1


class DenseTower:
    """Score the windows around all entries of a matrix with one pass of convolutions over the matrix.

    The scores equal those of the net, window by window, up to rounding (the order of sums). Exact for every padding:
    near the border of a window, features differ from those of the same entry inside another window, so they are
    computed once per class of border positions. One layer of 3 x 3 kernels with zero padding has 9 classes, two have
    25, valid convolutions one.

    Cost: about ``(k / classes)^2`` times less than window by window, without copies of windows.

    Args:
        net: A net with a dense form, see :func:`has_dense_form`.
        k: Side of the windows.

    Raises:
        InputError: a net without a dense form, or a side that it does not accept.

    References:
        Giusti, Ciresan, Masci, Gambardella, Schmidhuber, "Fast Image Scanning with Deep Max-Pooling Convolutional
        Neural Networks", ICIP 2013, and Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic
        Segmentation", CVPR 2015, for valid convolutions; the classes of border positions are our own.

    Example:
        >>> net = TowerNet(TowerSpec(channels=(4, 4), head="global"), k=5, encoding="none").eval()
        >>> matrix = torch.rand(8, 7)
        >>> windows = matrix.unfold(0, 5, 1).unfold(1, 5, 1)  # (4, 3, 5, 5)
        >>> with torch.no_grad():
        ...     torch.testing.assert_close(DenseTower(net, k=5)(matrix), net(windows.flatten(0, 1)).view(4, 3))
    """

    def __init__(self, net: nn.Module, k: int) -> None:
        if not isinstance(net, TowerNet) or not has_dense_form(net):
            raise InputError(
                "this net has no dense form: expected a tower with encoding none that downsamples by strides only"
            )
        self.net, self.k = net, k
        self.stages, self.last, reach = _unroll(net.tower.spec, k)
        self.beyond = max(0, reach - (k - 1))
        if net.tower.spec.head == "flatten" and net.tower.dense.in_features % len(self.last) ** 2:
            raise InputError(f"the net takes windows of one side only, and not {k}")

    @property
    def is_cheaper(self) -> bool:
        """Whether this is cheaper than window by window: not where most of a window sees its border.

        Example:
            >>> net = TowerNet(TowerSpec(channels=(4, 4, 4), head="global"), k=9, encoding="none")
            >>> DenseTower(net, k=9).is_cheaper, DenseTower(net, k=15).is_cheaper
            (False, True)
        """
        here = sum(len(stage.classes) ** 2 for stage in self.stages)
        return _PIECEMEAL * here < sum(side**2 for side in self.net.tower.spec.sides(self.k))

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
                with full_precision(matrix.device):
                    scores[row : row + TILE, column : column + TILE] = self._tile(tile)
        return scores

    def _tile(self, matrix: Tensor) -> Tensor:
        maps = {(0, 0): functional.pad(matrix, (0, self.beyond) * 2)[None, None]}  # (1, 1, n, m)
        convolutions = [layer for layer in self.net.tower.layers if isinstance(layer, nn.Conv2d)]
        for stage, layer in zip(self.stages, convolutions, strict=True):
            numbers = range(len(stage.classes))
            maps = {
                (a, b): functional.relu(_convolve(maps, stage.classes[a], stage.classes[b], layer, stage.spread))
                for a, b in itertools.product(numbers, numbers)
            }
        n, m = matrix.shape
        return self._apply_head(maps)[: n - self.k + 1, : m - self.k + 1]

    def _apply_head(self, maps: dict[tuple[int, int], Tensor]) -> Tensor:
        """Return the logits of the windows whose first entry is each entry."""
        head, dense, side = self.net.tower.spec.head, self.net.tower.dense, len(self.last)
        spread = self.stages[-1].spread * self.net.tower.spec.stages[-1][1] if self.stages else 1
        assert isinstance(dense.bias, Tensor)
        if head == "centre":
            middle = side // 2
            seen = _shift(maps[self.last[middle], self.last[middle]], middle * spread, middle * spread, (1, 1), 1)
            return functional.conv2d(seen, dense.weight[:, :, None, None], dense.bias)[0, 0]
        runs = _runs([(source, position * spread) for position, source in enumerate(self.last)], spread)
        parts = list(itertools.product(runs, runs))
        channels = maps[0, 0].shape[1]
        if head == "flatten":
            weight = dense.weight.view(channels, side, side)
            flat: Tensor = dense.bias + _sum(_weighted_sum(maps, a, b, weight, spread) for a, b in parts)
            return flat
        of_highest, of_mean = dense.weight.view(2, channels, 1, 1)
        weight = (of_mean / side**2).expand(channels, side, side)
        highest = torch.stack([_maximum(maps, a, b, spread) for a, b in parts]).amax(dim=0)
        mean = _sum(_weighted_sum(maps, a, b, weight, spread) for a, b in parts)
        logits: Tensor = dense.bias + mean + (of_highest * highest).sum(dim=0)
        return logits


def _unroll(spec: TowerSpec, k: int) -> tuple[tuple[Stage, ...], list[int], int]:
    """Follow the positions of a window through a tower, along one axis.

    Returns:
        The stages; the class of each position after the last; and the largest distance of a position from the start.
    """
    classes, spread, stages, reach = [0] * k, 1, [], k - 1
    before, _ = margins(spec.kernel, spec.padding)
    for side, (_, step) in zip(spec.sides(k), spec.stages, strict=True):
        assert side == convolved_side(len(classes), spec.kernel, spec.padding, step)
        known: dict[tuple[tuple[int, int] | None, ...], int] = {}
        found = []
        for position in range(side):
            read = [position * step + tap - before for tap in range(spec.kernel)]
            if spec.padding == "circular":
                read = [other % len(classes) for other in read]
            taps = tuple(
                (classes[other], (other - position * step) * spread) if 0 <= other < len(classes) else None
                for other in read
            )
            found.append(known.setdefault(taps, len(known)))
        stages.append(Stage(spread, tuple(tuple(_runs(taps, spread)) for taps in known)))
        classes, spread = found, spread * step
        reach = max(reach, (side - 1) * spread)
    return tuple(stages), classes, reach


def _runs(taps: tuple[tuple[int, int] | None, ...] | list[tuple[int, int]], spread: int) -> list[Run]:
    """Join neighbouring positions that read the same map one step apart.

    Example:
        >>> _runs([(0, -1), (0, 0), None, (1, 2)], spread=1)
        [Run(first=0, stop=2, source=0, shift=-1), Run(first=3, stop=4, source=1, shift=2)]
    """
    runs: list[Run] = []
    for position, tap in enumerate(taps):
        if tap is None:
            continue
        source, shift = tap
        last = runs[-1] if runs else None
        if (
            last
            and last.stop == position
            and last.source == source
            and shift == last.shift + (position - last.first) * spread
        ):
            runs[-1] = last._replace(stop=position + 1)
        else:
            runs.append(Run(position, position + 1, source, shift))
    return runs


def _lengths(a: Run, b: Run) -> tuple[int, int]:
    return a.stop - a.first, b.stop - b.first


def _shift(image: Tensor, down: int, right: int, lengths: tuple[int, int], spread: int) -> Tensor:
    """Shift a map so that a kernel of these lengths, placed at an entry, reads ``down`` and ``right`` of it."""
    rows, columns = ((length - 1) * spread for length in lengths)
    return functional.pad(image, (-right, right + columns, -down, down + rows))


def _convolve(
    maps: dict[tuple[int, int], Tensor], rows: tuple[Run, ...], columns: tuple[Run, ...], layer: nn.Conv2d, spread: int
) -> Tensor:
    """Convolve the maps at positions of one class of rows and one of columns."""
    parts = [
        functional.conv2d(
            _shift(maps[a.source, b.source], a.shift, b.shift, _lengths(a, b), spread),
            layer.weight[:, :, a.first : a.stop, b.first : b.stop],
            dilation=spread,
        )
        for a, b in itertools.product(rows, columns)
    ]
    total = parts[0] if len(parts) == 1 else torch.stack(parts).sum(dim=0)
    return total if layer.bias is None else total + layer.bias[:, None, None]


def _weighted_sum(maps: dict[tuple[int, int], Tensor], a: Run, b: Run, weight: Tensor, spread: int) -> Tensor:
    """Sum the positions of two runs with weights ``(C, side, side)``, for windows that start at any entry.

    Channels are summed first, by one product for all positions, so that one number per entry is shifted.
    """
    lengths = _lengths(a, b)
    image = _shift(maps[a.source, b.source], a.shift, b.shift, lengths, spread)[0]  # (C, n, m)
    part = weight[:, a.first : a.stop, b.first : b.stop]
    even = bool((part == part[:, :1, :1]).all())
    kernel = (part[:, :1, :1] if even else part).flatten(1).T  # (1 or positions, C)
    products = (kernel @ image.flatten(1)).view(-1, *image.shape[1:])
    if even:
        return _slide(_slide(products, 1, lengths[0], spread, torch.add), 2, lengths[1], spread, torch.add)[0]
    rows, columns = (size - (length - 1) * spread for size, length in zip(image.shape[1:], lengths, strict=True))
    positions = itertools.product(range(lengths[0]), range(lengths[1]))
    moved = (
        product[i * spread : i * spread + rows, j * spread : j * spread + columns]
        for (i, j), product in zip(positions, products, strict=True)
    )
    return _sum(moved)


def _sum(images: Iterable[Tensor]) -> Tensor:
    return functools.reduce(torch.add, images)


def _maximum(maps: dict[tuple[int, int], Tensor], a: Run, b: Run, spread: int) -> Tensor:
    """Return the maximum over the positions of two runs, ``(C, n, m)``, for windows that start at any entry."""
    lengths = _lengths(a, b)
    image = _shift(maps[a.source, b.source], a.shift, b.shift, lengths, spread)[0]
    return _slide(_slide(image, 1, lengths[0], spread, torch.maximum), 2, lengths[1], spread, torch.maximum)


def _slide(image: Tensor, axis: int, length: int, spread: int, join: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Join ``length`` neighbours along an axis, by doubling.

    Example:
        >>> _slide(torch.arange(6), 0, 3, 1, torch.add), _slide(torch.tensor([4, 1, 2, 0]), 0, 2, 2, torch.maximum)
        (tensor([ 3,  6,  9, 12]), tensor([4, 1]))
    """
    left = image.shape[axis] - (length - 1) * spread
    joined, done, width = None, 0, 1  # neighbours joined so far; neighbours joined in each entry of image
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
