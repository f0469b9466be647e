"""The explicit scorers of maps: rules without parameters that score every place, with and without the order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gnnmax.data.subgraphs.node_order import reverse_cuthill_mckee_order, spectral_order
from gnnmax.errors import InputError
from gnnmax.task.map_posterior import matched_filter, posterior
from gnnmax.task.maps import Maps, refuse_infinite

__all__ = ["MAP_RULES", "MapRule"]

Reads = Literal["entries", "image", "host", "graph"]
Scores = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

NEIGHBOURS = 4
"""Number of neighbours of each node, for the rules that do not know the order."""


@dataclass(frozen=True)
class MapRule:
    """An explicit scorer of maps: the higher the score of a place, the more likely a peak is there.

    Attributes:
        name: Its key in :data:`MAP_RULES`.
        summary: Its computation, in one sentence.
        knows: Hidden facts that it reads, among ``order`` and ``background``; a bound rather than a rival if there are
            any, unless the maps are in natural order and without a background.
        reads: ``entries`` one by one; ``image``: rows and columns are neighbours in the order in which they come;
            ``host``: along the true order; ``graph``: whatever the order is, from the weights among the nodes.
        function: The computation, one map cut to its size, in standard form, to scores of shape ``(n, m)``; rules that
            know the order take the maps as they are.

    Example:
        >>> maps = Maps.from_values([[0, 1, 2], [3, 9, 4], [5, 6, 7]], structure="directed")
        >>> int(MAP_RULES["argmax"](maps).argmax())
        4
    """

    name: str
    summary: str
    knows: tuple[str, ...]
    reads: Reads
    function: Callable[[Maps], Scores]

    def applies(self, maps: Maps) -> bool:
        """Return whether the rule can score such maps: bipartite ones have no weights among rows."""
        return self.reads != "graph" or maps.structure != "bipartite"

    def __call__(self, maps: Maps) -> Scores:
        """Score every place.

        Returns:
            Shape ``(M, n, m)``; minus infinity outside a map, where an entry is not observed, and on the diagonal of a
            symmetric map, whose scores are symmetric.

        Raises:
            InputError: infinite values, or bipartite maps where the rule reads weights among nodes.
        """
        if not isinstance(maps, Maps):
            raise InputError(
                f"rule {self.name!r} scores Maps, not {type(maps).__name__}: make them with Maps.from_values"
            )
        if not self.applies(maps):
            raise InputError(
                f"rule {self.name!r} looks for the order of the nodes in their weights, and bipartite maps have no "
                "weights among rows: use another rule"
            )
        refuse_infinite(maps)
        scores = np.full(maps.values.shape, -np.inf)
        if self.knows:
            scores = self.function(maps)
        else:
            for index in range(len(maps)):
                rows, columns = maps.size[index].tolist()
                scores[index, :rows, :columns] = self.function(_cropped(maps, index))
        nowhere = np.isnan(maps.values) | np.isnan(scores)
        if maps.structure == "symmetric":
            nowhere |= np.eye(maps.n, dtype=np.bool_)
            scores = (scores + scores.swapaxes(1, 2)) / 2  # sums along rows and along columns round otherwise
        return np.where(nowhere, -np.inf, scores)


def _cropped(maps: Maps, index: int) -> Maps:
    """Return one map alone, without padding and without its hidden facts, noise of standard deviation near 1."""
    rows, columns = maps.size[index].tolist()
    one = maps[index]
    return dataclasses.replace(
        one,
        values=_stabilised(one.values[:, :rows, :columns], maps.model.law),
        row_place=np.arange(rows)[None],
        column_place=np.arange(columns)[None],
        background=None,
        model=dataclasses.replace(maps.model, law="gaussian", diagonal=0),
    )


def _stabilised(values: npt.NDArray[np.float32], law: str) -> npt.NDArray[np.float32]:
    """Map the values so that the noise has the same deviation everywhere: logarithms, or Anscombe's root of counts."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if law == "poisson":
            return np.asarray(2 * np.sqrt(values + np.float32(0.375)), dtype=np.float32)
        return np.asarray(np.nan_to_num(np.log(values), neginf=0.0, nan=np.nan)) if law == "lognormal" else values


def _argmax(one: Maps) -> Scores:
    return np.asarray(one.values[0], dtype=np.float64)


def _rivals(values: Scores, k: int) -> Scores:
    """Largest other entry of the window of side ``k`` around each entry; NaN beats nothing."""
    from scipy.ndimage import maximum_filter

    around = np.ones((k, k), dtype=np.bool_)
    around[k // 2, k // 2] = False
    entries = np.where(np.isnan(values), -np.inf, values)
    return np.asarray(maximum_filter(entries, footprint=around, mode="constant", cval=-np.inf))


def _margin(one: Maps) -> Scores:
    values = one.values[0].astype(np.float64)
    seen = values[~np.isnan(values)]
    spread = float(seen.std()) if len(seen) else 1.0
    rivals = _rivals(values, 9)
    rivals[np.isinf(rivals)] = np.nan  # an entry without any other has no margin
    return np.asarray((values - rivals) / (spread or 1.0))


def _nms(one: Maps) -> Scores:
    values = one.values[0].astype(np.float64)
    return np.where(values > _rivals(values, 5), values, -np.inf)


def _laplacian_of_gaussian(one: Maps) -> Scores:
    from scipy.ndimage import gaussian_laplace

    values = one.values[0].astype(np.float64)
    filled = np.where(np.isnan(values), np.nanmean(values) if (~np.isnan(values)).any() else 0.0, values)
    return -np.asarray(gaussian_laplace(filled, one.model.radius or 1.0, mode="nearest"))


def _posterior(maps: Maps) -> Scores:
    return posterior(maps, logarithm=True)


def _along(one: Maps, order: npt.NDArray[np.intp]) -> Scores:
    """Filter with the profile of a peak along an order of the nodes, as if it were the true one."""
    n = len(order)
    moved = dataclasses.replace(
        one.permuted(order[None]), row_place=np.arange(n)[None], column_place=np.arange(n)[None]
    )
    back = np.argsort(order)
    return np.asarray(matched_filter(moved)[0][np.ix_(back, back)])


def _square(one: Maps) -> Matrix:
    """Return the weights between nodes, made symmetric, gaps and the diagonal 0."""
    weights = np.nan_to_num(one.values[0].astype(np.float64))
    both: Matrix = (weights + weights.T) / 2
    np.fill_diagonal(both, 0.0)
    return both


def _spectral_seriation(one: Maps) -> Scores:
    if not one.model.radius:  # a spike has no neighbours: no order changes its score
        return _argmax(one)
    weights = _square(one)
    return _along(one, spectral_order(weights.astype(np.float32), weights != 0))


def _rcm_seriation(one: Maps) -> Scores:
    if not one.model.radius:
        return _argmax(one)
    weights = _square(one)
    strongest = np.argsort(-_standard(weights), axis=1)[:, :NEIGHBOURS]
    edges = np.zeros(weights.shape, dtype=np.bool_)
    np.put_along_axis(edges, strongest, values=True, axis=1)
    return _along(one, reverse_cuthill_mckee_order(weights.astype(np.float32), edges | edges.T))


def _standard(weights: Matrix) -> Matrix:
    """Return weights in robust standard units, minus infinity on the diagonal."""
    off = ~np.eye(len(weights), dtype=np.bool_)
    if not off.any():
        return np.full(weights.shape, -np.inf)
    middle = np.median(weights[off])
    spread = 1.4826 * np.median(np.abs(weights[off] - middle)) or float(weights[off].std()) or 1.0
    return np.where(off, (weights - middle) / spread, -np.inf)


def _neighbours(one: Maps) -> Scores:
    """Add to each entry those of the nodes' neighbours, by affinity and by the likeness of their rows.

    The affinity of two nodes is their weight in robust standard units, at most 3, so that a single entry decides
    nothing; the likeness is the sum over third nodes of the products of both affinities.
    """
    standard = _standard(_square(one))
    affinity = np.clip(standard, 0.0, 3.0)
    near = np.minimum(standard, 3.0) + 0.1 * affinity @ affinity
    np.fill_diagonal(near, -np.inf)
    count = min(NEIGHBOURS, len(near) - 1)
    strongest = np.argsort(-near, axis=1)[:, :count]
    strength = np.maximum(np.take_along_axis(near, strongest, axis=1), 0.0)
    share = np.zeros(near.shape)
    np.put_along_axis(share, strongest, strength / np.maximum(strength.sum(axis=1, keepdims=True), 1e-12), axis=1)
    operator = np.eye(len(near)) + 0.7 * share
    values = np.nan_to_num(one.values[0].astype(np.float64))
    return np.asarray(operator @ values @ operator.T)


def _rule(
    name: str, summary: str, function: Callable[[Maps], Scores], reads: Reads, *, knows: tuple[str, ...] = ()
) -> MapRule:
    return MapRule(name, summary, knows, reads, function)


MAP_RULES: dict[str, MapRule] = {
    rule.name: rule
    for rule in (
        _rule("argmax", "The value itself: the largest entry of the map is named first.", _argmax, "entries"),
        _rule(
            "margin",
            "The value minus the largest within 4 rows and columns, in deviations.",
            _margin,
            "image",
        ),
        _rule(
            "nms",
            "The value where it is the strict maximum within 2 rows and columns.",
            _nms,
            "image",
        ),
        _rule(
            "laplacian_of_gaussian",
            "Minus the Laplacian of a Gaussian of the peak's radius: the blob detector of images.",
            _laplacian_of_gaussian,
            "image",
        ),
        _rule(
            "matched_filter",
            "Correlation with the peak's profile along the true order, the background known.",
            matched_filter,
            "host",
            knows=("order", "background"),
        ),
        _rule(
            "posterior",
            "Best possible for one peak: its probability, the order and the background known.",
            _posterior,
            "host",
            knows=("order", "background"),
        ),
        _rule(
            "spectral_seriation",
            "Order the nodes along the Fiedler vector of the map, then filter with the profile.",
            _spectral_seriation,
            "graph",
        ),
        _rule(
            "rcm_seriation",
            "Order the nodes by reverse Cuthill-McKee of their strongest entries, then filter with the profile.",
            _rcm_seriation,
            "graph",
        ),
        _rule(
            "neighbours",
            "Find each node's neighbours by affinity and row likeness, and add their entries.",
            _neighbours,
            "graph",
        ),
    )
}
"""The rules of maps by name."""
