"""The data card: the content of a data set, the accuracy of the explicit rules, and that of the shortcut probes."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax.data.card_record import Basis, Card, Properties, Rung, SplitCounts
from gnnmax.data.dataset import DataSet
from gnnmax.data.duplicates import count_shared
from gnnmax.data.hosts.own_files import File
from gnnmax.data.hosts.weights import Normal
from gnnmax.data.imported import Imported
from gnnmax.data.planting.plants import Bump, Noise, Spike
from gnnmax.data.prevalence import natural_prevalence
from gnnmax.data.recipe import Recipe
from gnnmax.task.bayes import ceiling_of, expected_accuracy
from gnnmax.task.label import KINDS
from gnnmax.task.rules import RULES
from gnnmax.task.windows import Windows

__all__ = ["PROBES", "Card", "Rung", "describe"]

Features = Callable[[Windows], npt.NDArray[Any]]
PROBED_WINDOWS = 20_000


def describe(data: DataSet, *, probes: bool = True) -> Card:
    """Describe a data set in a card.

    Args:
        data: The data set; its split ``test`` is described, or the last split if there is none of that name.
        probes: Whether to train the shortcut probes, which takes some seconds.

    Example:
        >>> from gnnmax.data.generation import build
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> card = describe(build(load_recipe("real-karate")))
        >>> card.splits["test"]["windows"], card.probes
        (78, ())
    """
    recipe = data.recipe
    described = "test" if "test" in data.splits else list(data.splits)[-1]
    test = data.splits[described]
    trained = probes and (isinstance(recipe, Imported) or recipe.kinds is not None) and "train" in data.splits
    return Card(
        name=recipe.name,
        summary=recipe.summary,
        digest=recipe.digest,
        ceiling=data.ceiling,
        splits={name: _counts(windows) for name, windows in data.splits.items()},
        properties=_properties(test),
        natural=natural_prevalence(data, described),
        duplicates=sum(pair.windows for pair in count_shared(data.splits)),
        rules=tuple(_rule_rung(recipe, name, test) for name in RULES),
        probes=_probe_rungs(recipe, data.splits["train"], test) if trained else (),
    )


def _counts(windows: Windows) -> SplitCounts:
    return {
        "hosts": len(np.unique(windows.graph)),
        "windows": len(windows),
        "centred": float(windows.label.mean()),
        "kinds": {kind: float((windows.kind_code == code).mean()) for code, kind in enumerate(KINDS)},
    }


def _properties(windows: Windows) -> Properties:
    density = (windows.values != 0).mean(axis=(1, 2))
    entries = windows.values[windows.values != 0]
    middle = windows.k // 2
    ties = (windows.values == windows.values[:, middle, middle, None, None]).sum(axis=(1, 2)) > 1
    return {
        "density": _quantiles(density),
        "weight": _quantiles(entries),
        "margin": _quantiles(windows.margin),
        "centre_tied": float(ties.mean()),
    }


def _quantiles(values: npt.NDArray[Any]) -> list[float | None]:
    """Return five quantiles of the finite values; None where there is no such value."""
    values = values[np.isfinite(values)]
    if not len(values):
        return [None] * 5
    return [float(q) for q in np.quantile(values, [0.0, 0.25, 0.5, 0.75, 1.0])]


def _rung(
    name: str, sees: str, *, right: npt.NDArray[np.bool_], graph: npt.NDArray[Any], stated: float | None, basis: Basis
) -> Rung:
    accuracy = float(right.mean())
    residuals = np.bincount(np.unique(graph, return_inverse=True)[1], weights=right - accuracy)
    error = math.sqrt(float((residuals**2).sum())) / len(right)
    return Rung(name, sees, accuracy, error, stated, basis if stated is not None else "none")


def _rule_rung(recipe: Recipe | Imported, name: str, windows: Windows) -> Rung:
    rule = RULES[name]
    right = (rule(windows) > 0) == windows.label
    return _rung(
        name, rule.summary, right=right, graph=windows.graph, stated=stated_accuracy(recipe, name), basis="exact"
    )


def stated_accuracy(recipe: Recipe | Imported, rule: str) -> float | None:
    """Return the accuracy of a rule that follows from the recipe alone, or None if there is none.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> stated_accuracy(load_recipe("spike-9"), "sorted_entries")
        0.6
    """
    if isinstance(recipe, Imported):
        return 1.0 if recipe.label == "observed" and rule in ("argmax", "margin") else None
    return _as_labelled(recipe, _true_accuracy(recipe, rule))


def _as_labelled(recipe: Recipe, accuracy: float | None) -> float | None:
    """Convert the accuracy of any scorer on true labels to its accuracy if a share of the labels is flipped."""
    return None if accuracy is None else (1 - 2 * recipe.label_noise) * accuracy + recipe.label_noise


def _true_accuracy(recipe: Recipe, rule: str) -> float | None:
    kinds, plant = recipe.kinds, recipe.plant
    if kinds is None:
        return 1.0 if rule in ("argmax", "margin", "bayes") else None
    if isinstance(plant, Noise | Bump):
        k = recipe.k
        if recipe.label == "observed":
            return 1.0 if rule in ("argmax", "margin") else None
        if rule == "bayes":
            return ceiling_of(k, plant.levels, plant.model).accuracy
        # Lognormal noise is an increasing map of Gaussian noise: ranks and half-way points do not change.
        symmetric_noise = isinstance(plant, Noise) and plant.law != "poisson"
        found = [expected_accuracy(rule, k, level) for level in plant.levels]
        return fmean(one for one in found if one is not None) if symmetric_noise and None not in found else None
    nonnegative = all(not isinstance(law, Normal) and getattr(law, "low", 0.0) >= 0 for law in recipe.weights)
    nonnegative &= not any(isinstance(host, File) for host in recipe.hosts)  # its weights may have any sign
    stated = {
        "argmax": 1.0,
        "margin": 1.0,
        "bayes": 1.0,
        # A largest entry that is tied is never centred, nor is one of a constant window.
        "sorted_entries": kinds.centred + kinds.tied + kinds.constant,
        # The centre is an edge, and so above 0, unless the window is constant.
        "centre_value": kinds.centred + kinds.constant if nonnegative else None,
    }
    return stated.get(rule)


def _probe_rungs(recipe: Recipe | Imported, train: Windows, test: Windows) -> tuple[Rung, ...]:
    from threadpoolctl import threadpool_limits

    # Boosting threads wait actively: on a busy machine two are twenty times slower than one.
    with threadpool_limits(1):
        return tuple(_probe_rung(recipe, name, train, test) for name in PROBES)


def _probe_rung(recipe: Recipe | Imported, name: str, train: Windows, test: Windows) -> Rung:
    sees, features = PROBES[name]
    train = train[np.linspace(0, len(train) - 1, min(len(train), PROBED_WINDOWS)).astype(np.intp)]
    seen, label = features(train), train.label
    right = (_probe().fit(seen, label).predict(features(test)) == test.label).astype(np.bool_)
    ceiling = probe_ceiling(recipe, name)
    if ceiling is not None:
        return _rung(name, sees, right=right, graph=test.graph, stated=ceiling, basis="exact")
    half = np.asarray(train.graph % 2 == 0)
    if half.all() or not half.any():  # cross-fitting needs two hosts
        return _rung(name, sees, right=right, graph=test.graph, stated=None, basis="none")
    folds = [(half, ~half), (~half, half)]
    crossed = [(_probe().fit(seen[a], label[a]).predict(seen[b]) == label[b]).mean() for a, b in folds]
    return _rung(name, sees, right=right, graph=test.graph, stated=float(np.mean(crossed)), basis="estimate")


def probe_ceiling(recipe: Recipe | Imported, probe: str) -> float | None:
    """Return the best possible accuracy of a probe from its features, if it follows from the recipe.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> probe_ceiling(load_recipe("spike-9"), "sorted_entries"), probe_ceiling(load_recipe("spike-9"), "degree")
        (0.6, 0.5)
    """
    return None if isinstance(recipe, Imported) else _as_labelled(recipe, _true_ceiling(recipe, probe))


def _true_ceiling(recipe: Recipe, probe: str) -> float | None:
    assert recipe.kinds is not None
    centred, tied, constant = recipe.kinds.centred, recipe.kinds.tied, recipe.kinds.constant
    chance = constant + max(centred, 1 - centred - constant)  # a window without edges is never centred
    if probe == "centre_value":
        symmetric_noise = isinstance(recipe.plant, Noise) and recipe.plant.law != "poisson"
        return _true_accuracy(recipe, "centre_value") if symmetric_noise else None
    if probe in ("sorted_entries", "sum") and isinstance(recipe.plant, Spike):
        return tied + constant + max(centred, 1 - centred - tied - constant)
    return chance


def _probe() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=40, random_state=0)


def _standardised(windows: Windows) -> npt.NDArray[np.float64]:
    entries = windows.values.reshape(len(windows), -1).astype(np.float64)
    spread = entries.std(axis=1, keepdims=True)
    return np.asarray((entries - entries.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0))


def _sorted_entries(windows: Windows) -> npt.NDArray[Any]:
    ordered = np.sort(_standardised(windows), axis=1)[:, ::-1]
    return np.concatenate([ordered[:, :12], -np.diff(ordered[:, :4], axis=1)], axis=1)


def _centre_value(windows: Windows) -> npt.NDArray[Any]:
    return windows.values[:, windows.k // 2, windows.k // 2, None]


def _sum(windows: Windows) -> npt.NDArray[Any]:
    return np.asarray(windows.values.sum(axis=(1, 2), dtype=np.float64)[:, None])


def _degree(windows: Windows) -> npt.NDArray[Any]:
    edges, middle = windows.values != 0, windows.k // 2
    counts = [edges.sum(axis=(1, 2)), edges[:, middle].sum(axis=1), edges[:, :, middle].sum(axis=1)]
    return np.stack(counts, axis=1)


def _position(windows: Windows) -> npt.NDArray[Any]:
    middle = windows.k // 2
    return np.stack([windows.rows[:, middle], windows.columns[:, middle]], axis=1)


PROBES: dict[str, tuple[str, Features]] = {
    "sorted_entries": ("the largest entries in order, standardised, and their gaps", _sorted_entries),
    "centre_value": ("the centre's value alone", _centre_value),
    "sum": ("the sum of the window", _sum),
    "degree": ("the number of edges of the window, of the centre's row and of its column", _degree),
    "position": ("the two nodes of the centre", _position),
}
