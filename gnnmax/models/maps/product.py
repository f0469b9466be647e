"""The map product net: convolution over nodes whose order is lost, with operators read from the map itself."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.models.maps.encoding import equals_transpose, standardise_maps

__all__ = ["MapProductNet"]

CLASSES = 4
"""Soft classes of pairs that the evidence reads."""

FARTHEST = 20.0
"""Standard units beyond which learned features of an entry stay constant; its evidence still grows."""

BARRED = -1e9
"""Logit of a pair that is no neighbour: finite, so that the row of a node without neighbours is not NaN."""

EDGE = 0.1
"""Units over which a node fades out from among the highest ones, so that rounding decides nothing."""

TOGETHER = 2**13
"""Pairs whose features are worked on together where no gradient is asked for."""

PLAIN = 2
"""Features of a pair that are not learned: its own entry, and the likeness of its two rows."""


class _Map(NamedTuple):
    """One batch of square maps, ready for the net.

    Attributes:
        entries: Robust standard units, shape ``(B, n, n)``, 0 where not observed.
        observed: 1 where an entry is observed, else 0, same shape.
        barred: Pairs that are never neighbours: a node with itself, and nodes outside the map, same shape.
        symmetric: Whether every map equals its transpose.
    """

    entries: Tensor
    observed: Tensor
    barred: Tensor
    symmetric: bool


def _both(products: Tensor, *, symmetric: bool) -> Tensor:
    """Return the mean with the transpose, which a symmetric tensor equals already."""
    return products if symmetric else (products + products.mT) / 2


def _cosines(rows: Tensor) -> Tensor:
    """Return the cosine of every pair of rows, shape ``(..., n, n)``: a ratio, so it does not grow with n."""
    unit = rows * rows.square().sum(dim=-1, keepdim=True).add(1e-9).rsqrt()
    return unit @ unit.mT


def _by_rows(layers: nn.Module, parts: list[Tensor]) -> Tensor:
    """Apply layers to features ``(B, n, n, F)``, side by side; without gradients a few rows at a time, in a cache."""
    if torch.is_grad_enabled():
        whole: Tensor = layers(torch.cat(parts, dim=-1))
        return whole
    batch, _, m, _ = parts[0].shape
    rows = max(1, TOGETHER // (batch * m))
    pieces = zip(*(torch.split(part, rows, dim=1) for part in parts), strict=True)
    return torch.cat([layers(torch.cat(piece, dim=-1)) for piece in pieces], dim=1)


def _read(values: Tensor, *, symmetric: bool) -> _Map:
    """Put maps on their robust scale; the diagonal of a symmetric map is not an entry."""
    same = torch.eye(values.shape[-1], dtype=torch.bool, device=values.device)
    units, observed = standardise_maps(values.masked_fill(same, torch.nan) if symmetric else values)
    inside = observed.any(dim=1) | observed.any(dim=2)  # (B, n)
    barred = same | ~inside[:, :, None] | ~inside[:, None, :]
    return _Map(units, observed.to(values.dtype), barred, symmetric)


def _highest(weights: Tensor, by: Tensor, most: int | None) -> Tensor:
    """Return weights that are 0 but for the ``most`` highest entries of each row of ``by``, and for their equals.

    Without the bound, the many entries of noise of a large map outweigh the few nodes that tell something of a node.
    """
    if most is None or by.shape[-1] <= most:
        return weights
    least = by.topk(most, dim=-1).values[..., -1:]
    return weights * ((by - least) / EDGE + 1).clamp(0, 1)


def _nearest(logits: Tensor, most: int | None) -> Tensor:
    """Return weights that sum to one along each row: a softmax over its ``most`` highest logits."""
    weights = _highest(logits.softmax(dim=-1), logits, most)
    return weights / weights.sum(dim=-1, keepdim=True)


class _Operators(nn.Module):
    """Turn features of pairs into operators, one a head: weights of each node's neighbours, which sum to one.

    At first the neighbours of a node are those that are strongly joined to it and whose rows are like its own.

    Args:
        width: Features of a pair.
        heads: Operators.
        neighbours: Number of neighbours of a node at most; None sets no bound.
    """

    def __init__(self, width: int, heads: int, neighbours: int | None) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.logits = nn.Linear(width, heads, bias=False)  # a softmax ignores a constant
        self.skip = nn.Linear(PLAIN, heads, bias=False)
        with torch.no_grad():
            self.logits.weight.mul_(0.1)
            self.skip.weight[:, 0] = torch.linspace(0.5, 1.5, heads)
            self.skip.weight[:, 1] = 4.0

    def forward(self, pairs: Tensor, plain: Tensor, given: _Map) -> Tensor:
        """Return operators ``(B, heads, n, n)``, rows that sum to one, of pairs ``(B, n, n, W)``."""
        logits = _both((self.logits(pairs) + self.skip(plain)).movedim(-1, 1), symmetric=given.symmetric)
        return _nearest(logits.masked_fill(given.barred[:, None], BARRED), self.neighbours)


class _Round(nn.Module):
    """Update each pair from the pairs of its nodes' neighbours, from third nodes, and from walks that both begin.

    Convolution: ``P X + X P'`` and ``P X P'``, one P a head. Third nodes: cosines of learned features of two rows.
    Walks: cosines of the places that walks of 1, 2, 4, ... steps reach, which tell a bridge between two far groups of
    nodes from the inside of one group.
    """

    def __init__(
        self, width: int, *, hidden: int, heads: int, channels: int, likeness: int, walks: int, neighbours: int | None
    ) -> None:
        super().__init__()
        self.channels, self.walks, self.neighbours = channels, walks, neighbours
        self.norm = nn.LayerNorm(width)
        self.operators = _Operators(width, heads, neighbours)
        self.walk = _Operators(width, 1, neighbours)
        self.send = nn.Linear(width, heads * channels)
        self.side = nn.Linear(width, likeness)
        seen = width + 2 * heads * channels + likeness + walks
        self.mix = nn.Sequential(nn.Linear(seen, hidden), nn.GELU(), nn.Linear(hidden, width))
        with torch.no_grad():
            self.mix[-1].weight.mul_(0.3)  # type: ignore[operator]  # a linear layer

    def forward(self, pairs: Tensor, plain: Tensor, given: _Map) -> Tensor:
        """Update pairs ``(B, n, n, W)``."""
        normed = self.norm(pairs)
        parts = [normed, *self._convolved(normed, plain, given), self._third_nodes(normed, given)]
        parts.append(torch.cat([_cosines(walk) for walk in self.steps(normed, plain, given)], dim=1).movedim(1, -1))
        return pairs + _by_rows(self.mix, parts)

    def _convolved(self, normed: Tensor, plain: Tensor, given: _Map) -> list[Tensor]:
        """Return ``P X + X P'`` of each head, then ``P X P'`` of each, shape ``(B, n, n, channels)``.

        One head after the other, so that what is allocated for one serves the next.
        """
        once, twice = [], []
        signals = self.send(normed).split(self.channels, dim=-1)
        for operator, sent in zip(self.operators(normed, plain, given).unbind(1), signals, strict=True):
            batch, n, _, channels = sent.shape
            wide = sent.transpose(2, 3).reshape(batch, n, -1)  # the channels side by side: one product
            down = (operator @ wide).view(batch, n, channels, n).transpose(1, 2)
            sideways = operator[:, None].mT
            across = down.mT if given.symmetric else sent.movedim(-1, 1) @ sideways
            once.append((down + across).movedim(1, -1))
            twice.append((down @ sideways).movedim(1, -1))
        return once + twice

    def _third_nodes(self, normed: Tensor, given: _Map) -> Tensor:
        side = functional.relu(self.side(normed)).movedim(-1, 1).masked_fill(given.barred[:, None], 0.0)
        likeness = _cosines(_highest(side, side, self.neighbours))
        if not given.symmetric:
            likeness = (likeness + _cosines(_highest(side.mT, side.mT, self.neighbours))) / 2
        return likeness.movedim(1, -1)

    def steps(self, normed: Tensor, plain: Tensor, given: _Map) -> list[Tensor]:
        """Return lazy random walks of 1, 2, 4, ... steps, shape ``(B, 1, n, n)`` each, rows that sum to one."""
        same = torch.eye(normed.shape[1], dtype=normed.dtype, device=normed.device)
        walks = [(self.walk(normed, plain, given) + same) / 2]
        while len(walks) < self.walks:
            walks.append(walks[-1] @ walks[-1])
        return walks


class MapProductNet(nn.Module):
    """Find peaks in a map whose order of nodes is lost: neighbours are read from the map, never from the order.

    First the pairs of nodes are described: by their entries, and by the likeness of their rows. A few rounds then
    refine the description of each pair from those of its nodes' neighbours, where the neighbours are a learned function
    of the description, renewed in each round. The last operators convolve the entries of the map in the same way, and
    the result is the evidence for a peak at each entry.

    All sums over nodes are means with weights that sum to one, or cosines, so a trained net takes maps of other sizes.

    Exactly equivariant to relabelling the nodes, and to transposition. Nodes outside a map (rows and columns of NaN)
    change nothing, and NaN inside means "not observed".

    Cost: ``O(rounds * (heads * channels + likeness + walks) * n^3)`` a map; memory ``O((width + heads * channels) *
    n^2)``.

    Args:
        width: Features of a pair.
        hidden: Features between the two layers of an update.
        heads: Operators of a round.
        channels: Features that each operator carries.
        likeness: Features of third nodes in a round.
        walks: Lengths of walks in a round: 1, 2, 4, ...
        rounds: Updates of the pairs.
        neighbours: Number of neighbours of a node at most, in every operator, and of third nodes that its likeness to
            another node is read from; None sets no bound.

    References:
        Maron, Ben-Hamu, Serviansky, Lipman, "Provably Powerful Graph Networks", NeurIPS 2019: products of feature
        matrices. Jumper et al., "Highly accurate protein structure prediction with AlphaFold", Nature 2021: updates of
        pairs along triangles. Coifman, Lafon, "Diffusion maps", 2006: nodes are near if their walks meet. Levin, Ma,
        Diaz, Villar, "On transferring transferability", NeurIPS 2025: the normalisation of sums decides whether a net
        carries over to other sizes.

    Example:
        >>> net = MapProductNet(width=4, heads=2, channels=2, rounds=1)
        >>> a = torch.rand(2, 7, 7)
        >>> order = torch.randperm(7)
        >>> moved = net(a[:, order][:, :, order])
        >>> bool((moved - net(a)[:, order][:, :, order]).abs().max() < 1e-4)
        True
    """

    def __init__(
        self,
        *,
        width: int = 24,
        hidden: int = 48,
        heads: int = 4,
        channels: int = 4,
        likeness: int = 6,
        walks: int = 4,
        rounds: int = 4,
        neighbours: int | None = 48,
    ) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(likeness))
        self.threshold = nn.Parameter(torch.linspace(0.5, 2.0, likeness))
        self.embed = nn.Sequential(nn.Linear(4 + likeness, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.rounds = nn.ModuleList(
            _Round(
                width,
                hidden=hidden,
                heads=heads,
                channels=channels,
                likeness=likeness,
                walks=walks,
                neighbours=neighbours,
            )
            for _ in range(rounds)
        )
        self.norm = nn.LayerNorm(width)
        self.classes = nn.Linear(width, CLASSES)
        self.operators = _Operators(width, heads, neighbours)
        self.walk = _Operators(width, 1, neighbours)
        self.smoothings = min(walks, 3)
        seen = 1 + 2 * heads + self.smoothings
        self.evidence = nn.Sequential(nn.Linear(width + seen + CLASSES, hidden), nn.GELU(), nn.Linear(hidden, 1))
        self.skip = nn.Linear(seen, 1, bias=False)
        with torch.no_grad():  # at first a rule: the entries averaged over neighbours
            self.evidence[-1].weight.mul_(0.1)  # type: ignore[operator]  # a linear layer
            self.skip.weight.zero_()
            self.skip.weight[:, 0] = 1.0
            self.skip.weight[:, 1 : 1 + heads] = 1.2 / heads
            self.skip.weight[:, 1 + heads : 1 + 2 * heads] = 1.44 / heads

    def forward(self, values: Tensor, *, symmetric: bool | None = None) -> Tensor:
        """Return the evidence for a peak at each entry, shape ``(B, n, n)``, of maps of that shape.

        Args:
            values: Square maps; NaN where an entry is not observed or outside the map.
            symmetric: Whether every map equals its transpose; None looks, which waits for a GPU.

        Raises:
            InputError: the maps are not square.
        """
        if values.ndim != 3 or values.shape[1] != values.shape[2]:
            raise InputError(f"the net reads square maps, shape (B, n, n), not {tuple(values.shape)}")
        if symmetric is None:
            symmetric = equals_transpose(values)
        given = _read(values, symmetric=symmetric)
        pairs, plain = self._embedded(given)
        for update in self.rounds:
            pairs = update(pairs, plain, given)
        normed = self.norm(pairs)
        seen = self._smoothed(normed, plain, given)
        classes = functional.log_softmax(self.classes(normed), dim=-1)
        evidence: Tensor = self.skip(seen) + _by_rows(self.evidence, [normed, seen, classes])
        return evidence.squeeze(-1)

    def _embedded(self, given: _Map) -> tuple[Tensor, Tensor]:
        """Describe the pairs: learned features ``(B, n, n, W)``, and plain ones ``(B, n, n, 2)``."""
        x = given.entries
        others = x.masked_fill(given.barred, 0.0)
        strong = functional.relu(others[:, None] * self.gain[:, None, None] - self.threshold[:, None, None])
        strong = strong.masked_fill(given.barred[:, None], 0.0)
        likeness = _cosines(strong)
        if not given.symmetric:
            likeness = (likeness + _cosines(strong.mT)) / 2
        near = x.clamp(-FARTHEST, FARTHEST)
        entries = torch.stack([near, near.mT, near.square() / 4, given.observed], dim=-1)
        pairs = _by_rows(self.embed, [entries, likeness.movedim(1, -1)])
        return pairs, torch.stack([(x + x.mT) / 2, likeness.mean(dim=1).masked_fill(given.barred, 0.0)], dim=-1)

    def _smoothed(self, normed: Tensor, plain: Tensor, given: _Map) -> Tensor:
        """Average the entries over neighbours, and over walks of growing length, shape ``(B, n, n, seen)``."""
        x = given.entries[:, None]
        operators = self.operators(normed, plain, given)
        down = operators @ x
        across = down.mT if given.symmetric else x @ operators.mT
        same = torch.eye(normed.shape[1], dtype=normed.dtype, device=normed.device)
        walk = (self.walk(normed, plain, given) + same) / 2
        parts = [x, down + across, down @ operators.mT]
        for _ in range(self.smoothings):
            parts.append(walk @ x @ walk.mT)
            walk = walk @ walk
        return torch.cat(parts, dim=1).movedim(1, -1)
