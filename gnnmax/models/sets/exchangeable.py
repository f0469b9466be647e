"""The exchangeable net: layers that commute with relabelling rows and columns, two sets joined by the entries."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.models.encoding import encode
from gnnmax.models.entry import Encoding, Mark, Pool
from gnnmax.models.sets.pooling import POOLS

__all__ = ["ExchangeableLayer", "ExchangeableNet", "join", "split"]

Pools = Sequence[Callable[[Tensor, int], Tensor]]

Blocks = list[list[Tensor]]
"""A window split into middle and others: ``blocks[a][b]`` has shape ``(B, rows of a, columns of b, H)``."""


def split(entries: Tensor, mark: Mark) -> Blocks:
    """Split features of entries into blocks that no relabelling around the marked centre mixes.

    Args:
        entries: Shape ``(B, k, k, H)``.
        mark: ``both``: centre row and other rows by centre column and other columns; ``row``: centre row and other
            rows, all columns; ``none``: one block.

    Example:
        >>> [[tuple(block.shape[1:3]) for block in row] for row in split(torch.zeros(1, 5, 5, 1), "both")]
        [[(4, 4), (4, 1)], [(1, 4), (1, 1)]]
    """
    rows = _parts(entries, 1) if mark != "none" else [entries]
    return [_parts(part, 2) if mark == "both" else [part] for part in rows]


def _parts(entries: Tensor, axis: int) -> list[Tensor]:
    """Separate the others from the middle along an axis."""
    k = entries.shape[axis]
    before, middle, after = (entries.narrow(axis, *part) for part in ((0, k // 2), (k // 2, 1), (k // 2 + 1, k // 2)))
    return [torch.cat([before, after], dim=axis), middle]


def join(blocks: Blocks) -> Tensor:
    """Undo :func:`split`: put blocks back into one window, shape ``(B, k, k, H)``."""
    return _joined([_joined(row, 2) for row in blocks], 1)


def _joined(parts: Sequence[Tensor], axis: int) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    others, middle = parts
    before, after = others.chunk(2, dim=axis)
    return torch.cat([before, middle, after], dim=axis)


class ExchangeableLayer(nn.Module):
    """Every linear map that commutes with relabelling rows and columns around the marked centre, with any pools.

    Along the rows, an entry of block ``(a, b)`` reads its own row (where ``a`` has several) and a pool of each part;
    along the columns likewise; and it reads every combination of both. With the mean as the only pool these are all
    linear maps that commute with the group: ``(3 + 2) ** 2 = 25`` with the centre marked, ``(3 + 2) * 2 = 10`` with its
    row marked, ``2 * 2 = 4`` unmarked. Other pools keep the symmetry but are not linear.

    Products are shared before they are broadcast: a pool over rows is multiplied once per column, not once per entry.

    Cost: ``O(k^2 * features_in * features_out)`` per window.

    Args:
        features_in: Features of an entry in the input.
        features_out: Features of an entry in the output.
        mark: Which part of the centre is marked.
        pools: Pools, each once.

    References:
        Hartford, Graham, Leyton-Brown, Ravanbakhsh, "Deep Models of Interactions Across Sets", ICML 2018, the unmarked
        layer and its four maps; the marked ones are its tensor product over the orbits of a stabiliser, see
        :meth:`gnnmax.task.symmetry_groups.Group.equivariant_maps`.

    Example:
        >>> layer = ExchangeableLayer(1, 1, "none", ["mean"])
        >>> sum(weight.numel() for name, weight in layer.named_parameters() if "bias" not in name)
        4
    """

    def __init__(self, features_in: int, features_out: int, mark: Mark, pools: Sequence[Pool]) -> None:
        super().__init__()
        self.pools = [POOLS[pool] for pool in pools]
        rows, columns, many = *_parts_of(mark), (len(pools), 1)
        self.maps = nn.ModuleDict()
        for a, b in itertools.product(rows, columns):
            seen = {"window": _described_size(mark, len(pools))}
            if a == 0:
                seen["row"] = sum(many[j] for j in columns)
            if b == 0:
                seen["column"] = sum(many[i] for i in rows)
            if a == b == 0:
                seen["entry"] = 1
            linears = {
                name: nn.Linear(size * features_in, features_out, bias=name == "window") for name, size in seen.items()
            }
            self.maps[f"{a}{b}"] = nn.ModuleDict(linears)

    def forward(self, blocks: Blocks) -> Blocks:
        """Map blocks to blocks, in the format of :func:`split`."""
        across = [[_pooled(block, 2, self.pools) for block in row] for row in blocks]  # of (B, n, 1, H)
        seen = {
            "window": _pooled_further(across, self.pools),
            "row": torch.cat([part for parts in across[0] for part in parts], dim=-1),
            "column": torch.cat([part for row in blocks for part in _pooled(row[0], 1, self.pools)], dim=-1),
            "entry": blocks[0][0],
        }

        def output(a: int, b: int) -> Tensor:
            maps: Iterable[tuple[str, nn.Module]] = self.maps[f"{a}{b}"].items()  # type: ignore[operator]
            products: list[Tensor] = [linear(seen[name]) for name, linear in maps]
            return functools.reduce(torch.add, products)

        return [[output(a, b) for b in range(len(row))] for a, row in enumerate(blocks)]


def _parts_of(mark: Mark) -> tuple[range, range]:
    """Number the parts of rows and of columns: 0 the others, 1 the middle where it is marked."""
    return range(1 if mark == "none" else 2), range(2 if mark == "both" else 1)


def _described_size(mark: Mark, pools: int) -> int:
    """Count the pools of all blocks: one where a block is one entry."""
    return sum(1 if i == j == 1 else pools for i, j in itertools.product(*_parts_of(mark)))


def _pooled(block: Tensor, axis: int, pools: Pools) -> list[Tensor]:
    """Pool a block over an axis with every pool; one entry is its own pool."""
    return [block] if block.shape[axis] == 1 else [pool(block, axis) for pool in pools]


def _pooled_further(across: list[list[list[Tensor]]], pools: Pools) -> Tensor:
    """Pool over rows what was pooled over columns, each with its own pool; concatenated, ``(B, 1, 1, ...)``."""
    window = []
    for parts in (parts for row in across for parts in row):
        if parts[0].shape[1] == 1:
            window += parts
        elif len(parts) < len(pools):
            window += _pooled(parts[0], 1, pools)
        else:
            window += [pool(part, 1) for pool, part in zip(pools, parts, strict=True)]
    return torch.cat(window, dim=-1)


def _described(blocks: Blocks, pools: Pools) -> Tensor:
    """Pool every block, as every invariant linear map must; concatenated, ``(B, ...)``."""
    return _pooled_further([[_pooled(block, 2, pools) for block in row] for row in blocks], pools).flatten(1)


class ExchangeableNet(nn.Module):
    """Layers that commute with relabelling around the centre, read out at the centre.

    Exactly invariant to relabelling rows and columns around the mark; transposition must be learnt. Unmarked, all
    entries look the same and the best accuracy is one half.

    Cost: ``O(rounds * k^2 * width^2)`` per window.

    Args:
        width: Features of an entry.
        rounds: Number of layers.
        mark: Which part of the centre is marked.
        pools: Pools of every layer, each once.
        encoding: How the values are encoded.

    References:
        Hartford et al., "Deep Models of Interactions Across Sets", ICML 2018, section 2; there for completing a matrix,
        unmarked, with sums.

    Example:
        >>> net = ExchangeableNet(width=8, rounds=1)
        >>> window, order = torch.rand(1, 5, 5), torch.tensor([4, 0, 2, 1, 3])
        >>> bool((net(window[:, order]) - net(window)).abs() < 1e-5)
        True
    """

    def __init__(
        self,
        *,
        width: int = 32,
        rounds: int = 2,
        mark: Mark = "both",
        pools: Sequence[Pool] = ("max", "mean"),
        encoding: Encoding = "standard",
    ) -> None:
        super().__init__()
        self.mark, self.encoding, self.pools = mark, encoding, [POOLS[pool] for pool in pools]
        self.embed = nn.Sequential(nn.Linear(1, width), nn.ReLU(), nn.Linear(width, width))
        self.rounds = nn.ModuleList(ExchangeableLayer(width, width, mark, pools) for _ in range(rounds))
        seen = _described_size(mark, len(pools))
        self.head = nn.Sequential(nn.Linear(seen * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(
        self,
        values: Tensor,
        row_context: Tensor | None = None,
        column_context: Tensor | None = None,
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows ``(B, k, k)`` of any odd side. Contexts are not read."""
        entries = self.embed(encode(values, self.encoding).unsqueeze(-1))  # (B, k, k, H)
        blocks = split(entries, self.mark)
        for layer in self.rounds:
            blocks = _each(torch.add, blocks, layer(_each(functional.relu, blocks)))
        logits: Tensor = self.head(_described(_each(functional.relu, blocks), self.pools))
        return logits.squeeze(1)


def _each(function: Callable[..., Tensor], *blocks: Blocks) -> Blocks:
    return [[function(*parts) for parts in zip(*rows, strict=True)] for rows in zip(*blocks, strict=True)]
