"""Natural prevalence: the share of centred windows among those around any edge, before classes are balanced.

Here it is counted; a verdict expects it from the number of edges in each window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from gnnmax.data.dataset import DataSet
from gnnmax.data.generation import build
from gnnmax.data.hosts.families import Complete, Line
from gnnmax.data.imported import Imported
from gnnmax.data.planting.plants import Natural
from gnnmax.data.recipe import Recipe

__all__ = ["Prevalence", "natural_prevalence"]

HOSTS = 20
"""Number of hosts that are generated to measure the prevalence."""


@dataclass(frozen=True)
class Prevalence:
    """The natural share of centred windows.

    Attributes:
        share: Share of windows centred on their strict maximum, among all windows centred on an edge.
        standard_error: Standard error with hosts as clusters; 0 if the share is exact, None for a single host.
        windows: Number of windows counted; 0 if the share is exact.
        basis: ``exact``: all entries are equally likely to be the largest, ``1 / k^2``, apart from ties.
            ``natural windows``: counted on the windows of all edges of hosts drawn without a plant. ``this split``: the
            split itself contains all windows of its hosts. ``imported windows``: the split itself, as it was imported.
    """

    share: float
    standard_error: float | None
    windows: int
    basis: str


def natural_prevalence(data: DataSet, split: str) -> Prevalence:
    """Return the share of centred windows among those around every edge of a split's hosts, with nothing planted.

    Args:
        data: A data set with that split.
        split: Name of the split.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> natural_prevalence(build(load_recipe("noise-9-mu3").replace(splits={"test": 1})), "test").share
        0.012345679012345678
    """
    recipe = data.recipe.of(split)
    if isinstance(recipe, Imported):
        return _counted(data, split, "imported windows")
    if isinstance(recipe.plant, Natural):
        return _counted(data, split, "this split")
    if any(isinstance(host, Complete | Line) for host in recipe.hosts):
        return Prevalence(1 / recipe.k**2, 0.0, 0, "exact")
    return _counted(build(_unplanted(recipe)), "natural", "natural windows")


def _unplanted(recipe: Recipe) -> Recipe:
    """Return the recipe of the same hosts without a plant, with a window around every edge."""
    return recipe.replace(
        plant=Natural(),
        kinds=None,
        windows_per_graph=None,
        pairing="independent",
        subgraphs=[structs.replace(sampling, separation=0) for sampling in recipe.subgraphs],
        label="observed",
        label_noise=0.0,
        shifts={},
        splits={"natural": len(recipe.hosts) if recipe.hosts[0].fixed else HOSTS},
    )


def _counted(data: DataSet, split: str, basis: str) -> Prevalence:
    w = data.split(split)
    share = float(w.observed.mean())
    hosts, which = np.unique(w.graph, return_inverse=True)
    error = None
    if len(hosts) > 1:
        residuals = np.bincount(which, weights=w.observed - share)
        error = math.sqrt(float((residuals**2).sum())) / len(w)
    return Prevalence(share, error, len(w), basis)
