"""The product net: entries are nodes of a product graph whose edges come from the two contexts."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnnmax.errors import InputError
from gnnmax.models.encoding import encode
from gnnmax.models.entry import Encoding
from gnnmax.models.graphs.product_scoring import COMPARED, LARGEST, evidence_side_by_side
from gnnmax.models.graphs.side_by_side import applies
from gnnmax.models.inference import SCORING_BATCH

__all__ = ["ProductNet", "contrast"]


def contrast(evidence: Tensor) -> Tensor:
    """Return the log odds of the centre against the mean of the other entries, shape ``(B,)``.

    If the evidence is the log likelihood of a peak at each entry, this is the Bayes rule.

    Args:
        evidence: One number per entry, shape ``(B, k, k)``.

    References:
        :mod:`gnnmax.task.bayes`.

    Example:
        >>> evidence = torch.zeros(1, 3, 3)
        >>> evidence[0, 1, 1] = 2.0
        >>> contrast(evidence)
        tensor([2.])
    """
    entries = evidence.flatten(1)  # (B, kk)
    middle = entries.shape[1] // 2
    others = torch.cat([entries[:, :middle], entries[:, middle + 1 :]], dim=1)
    return entries[:, middle] - torch.logsumexp(others, dim=1) + math.log(others.shape[1])


class _Refinement(nn.Module):
    """Update each pair of nodes from the paths of length two between them, as in two-dimensional Weisfeiler-Leman."""

    def __init__(self, width: int, neighbours: int | None = None) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.change = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, pairs: Tensor) -> Tensor:
        """Update features of pairs, shape ``(B, k, k, E)``."""
        a, b = (functional.relu(linear(pairs)).movedim(-1, 1) for linear in (self.first, self.second))  # (B, E, k, k)
        paths = (a @ b + b @ a) / (2 * (self.neighbours or pairs.shape[1]))  # both orders: transposing commutes
        change: Tensor = self.change(torch.cat([pairs, paths.movedim(1, -1)], dim=-1))
        return pairs + change


class _Relation(nn.Module):
    """Turn a context into operators on nodes, one per head: learned proximity from the context weights."""

    def __init__(self, width: int, heads: int, refinements: int, *, encoding: Encoding, neighbours: int | None) -> None:
        super().__init__()
        self.encoding, self.neighbours = encoding, neighbours
        self.embed = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width))
        self.refine = nn.Sequential(*(_Refinement(width, neighbours) for _ in range(refinements)))
        self.operators = nn.Sequential(nn.ReLU(), nn.Linear(width, heads))

    def forward(self, context: Tensor) -> Tensor:
        """Return operators, shape ``(B, heads, k, k)``, of contexts ``(B, k, k)``."""
        k = context.shape[-1]
        same = torch.eye(k, dtype=context.dtype, device=context.device).expand_as(context)
        pairs = self.refine(self.embed(torch.stack([encode(context, self.encoding), same], dim=-1)))
        operators: Tensor = self.operators(pairs)
        return operators.movedim(-1, 1) / math.sqrt(self.neighbours or k)


class _Round(nn.Module):
    """One convolution on the product graph: ``X <- X + f(X, P X + X Q, P X Q, pools)``, one P and Q per head."""

    def __init__(self, width: int, heads: int, channels: int, *, pools: bool) -> None:
        super().__init__()
        self.heads, self.pools = heads, pools
        self.send = nn.Linear(width, heads * channels)
        self.gather = nn.Linear((3 if pools else 1) * width + 2 * heads * channels, 2 * width)
        self.change = nn.Linear(2 * width, width)

    def forward(self, entries: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Update entries ``(B, k, k, H)`` by the operators of rows and columns, ``(B, heads, k, k)`` each."""
        sent = self.send(entries).unflatten(-1, (self.heads, -1)).permute(0, 3, 4, 1, 2)  # (B, heads, C, k, k)
        down, across = rows[:, :, None] @ sent, sent @ columns[:, :, None]
        seen = torch.cat([down + across, down @ columns[:, :, None]], dim=2)  # (B, heads, 2C, k, k)
        parts = [entries, seen.flatten(1, 2).movedim(1, -1)]
        if self.pools:
            pools = entries.amax(dim=(1, 2), keepdim=True), entries.mean(dim=(1, 2), keepdim=True)
            parts += [pool.expand_as(entries) for pool in pools]
        change: Tensor = self.change(functional.relu(self.gather(torch.cat(parts, dim=-1))))
        return entries + change


class ProductNet(nn.Module):
    """Convolution on shuffled nodes: proximity is read from the contexts, never from the order.

    Each entry ``(r, c)`` is a node of the product of the row graph and the column graph. The contexts give operators
    P on rows and Q on columns, after refining pairs of nodes over third nodes (the weights are noisy); entries then mix
    through ``P X + X Q`` and ``P X Q``. If P and Q are functions of the distance along a path, this *is* a convolution
    with a symmetric kernel, in any order of rows and columns. The output is the evidence for a peak at each entry, and
    the score contrasts the centre with the others.

    Exactly invariant to relabelling rows and columns around the centre, with their contexts, and to transposition.

    Cost: ``O(refinements * k^2 * edge^2 + rounds * heads * channels * k^3)`` per window.

    Args:
        width: Features of an entry.
        edge: Features of a pair of rows or of columns.
        heads: Operators on rows, and on columns.
        channels: Features that each operator carries.
        refinements: Rounds in which pairs read paths of length two.
        rounds: Rounds of convolution.
        encoding: How values and contexts are encoded.
        neighbours: Divide sums over nodes by this number, and pool nothing, so that evidence of an entry depends on
            its neighbours alone and a net trained on small windows reads larger ones; None divides by the side.

    References:
        Maron, Ben-Hamu, Serviansky, Lipman, "Provably Powerful Graph Networks", NeurIPS 2019: the product of feature
        matrices. Monti, Bronstein, Bresson, "Geometric Matrix Completion with Recurrent Multi-Graph Neural Networks",
        NeurIPS 2017: filters on rows and columns of a matrix; there on a given graph, here learned from noisy weights.

    Example:
        >>> net = ProductNet(width=4, edge=4, heads=2, rounds=1)
        >>> values, rows, columns = torch.rand(3, 2, 5, 5)
        >>> order = torch.tensor([4, 0, 2, 1, 3])
        >>> moved = net(values[:, order], rows[:, order][:, :, order], columns)
        >>> bool((moved - net(values, rows, columns)).abs().max() < 1e-5)
        True
    """

    def __init__(
        self,
        *,
        width: int = 16,
        edge: int = 24,
        heads: int = 6,
        channels: int = 4,
        refinements: int = 3,
        rounds: int = 2,
        encoding: Encoding = "standard",
        neighbours: int | None = None,
    ) -> None:
        super().__init__()
        self.encoding = encoding
        self.relation = _Relation(edge, heads, refinements, encoding=encoding, neighbours=neighbours)
        self.embed = nn.Sequential(nn.Linear(1, width), nn.ReLU(), nn.Linear(width, width))
        self.rounds = nn.ModuleList(_Round(width, heads, channels, pools=neighbours is None) for _ in range(rounds))
        self.evidence = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(
        self, values: Tensor, row_context: Tensor | None = None, column_context: Tensor | None = None
    ) -> Tensor:
        """Return logits, shape ``(B,)``, of windows and contexts ``(B, k, k)`` of any odd side.

        Raises:
            InputError: there are no contexts.
        """
        return contrast(self.entry_evidence(values, row_context, column_context)) + self.bias

    def entry_evidence(
        self, values: Tensor, row_context: Tensor | None = None, column_context: Tensor | None = None
    ) -> Tensor:
        """Return the evidence for a peak at each entry, shape ``(B, k, k)``, of windows and contexts of any side.

        Raises:
            InputError: there are no contexts.
        """
        if row_context is None or column_context is None:
            raise InputError("the product net reads contexts and there are none: set contexts = true in the recipe")
        if self._is_plain(values):
            parts = (encode(part, self.encoding) for part in (values, row_context, column_context))
            return evidence_side_by_side(self, *parts)
        rows, columns = self.relation(row_context), self.relation(column_context)
        entries = self.embed(encode(values, self.encoding).unsqueeze(-1))  # (B, k, k, H)
        for mix in self.rounds:
            entries = mix(entries, rows, columns)
        evidence: Tensor = self.evidence(entries).squeeze(-1)
        return evidence

    def scoring_batch(self, values: Tensor) -> int:
        """Return how many windows to score together: many where equal contexts of a batch are read once.

        Args:
            values: The windows, shape ``(N, k, k)``.
        """
        return COMPARED if self._is_plain(values) else SCORING_BATCH

    def _is_plain(self, values: Tensor) -> bool:
        """Return whether small windows are scored without gradients on a CPU, by layers of this module alone."""
        layers = (self.relation, *self.relation.refine, *self.rounds)  # a subclass may compute something else
        plain = {type(layer) for layer in layers} <= {_Relation, _Refinement, _Round}
        return plain and values.shape[-1] <= LARGEST and applies(self, values)
