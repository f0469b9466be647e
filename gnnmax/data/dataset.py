"""A data set: a recipe and its splits, in memory or on disk."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.data.hosts.own_files import File, names_of
from gnnmax.data.imported import Imported
from gnnmax.data.planting.plants import Bump, Noise
from gnnmax.data.recipe import Ingredients, Recipe
from gnnmax.data.splits import Splits
from gnnmax.errors import InputError
from gnnmax.task.bayes import ceiling_of
from gnnmax.task.noise import NoiseModel
from gnnmax.task.rules import RULES, Rule
from gnnmax.task.tabulation import TableText
from gnnmax.task.windows import Windows

__all__ = ["DataSet", "noise_of", "with_names"]


@dataclass(frozen=True, eq=False, repr=False)
class DataSet(Splits[Windows]):
    """A recipe and the windows of each of its splits: a mapping from the names of splits to windows.

    ``data.train``, ``data.val``, ``data.test`` and any other split are attributes too; ``data["test"]`` is the same as
    ``data.test``, ``for split in data`` yields the names, and ``len(data)`` is the number of splits.

    Attributes:
        recipe: The recipe that the windows were drawn from, or the description of an import.
        splits: Windows by name of the split.

    Example:
        >>> from gnnmax.data.generation import build
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> data = build(load_recipe("noise-9-mu2").replace(splits={"test": 2}))
        >>> len(data.test), list(data), round(data.ceiling, 2)
        (256, ['test'], 0.85)
    """

    recipe: Recipe | Imported
    splits: Mapping[str, Windows]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {self.count(name):,}" for name in self.splits)
        return f"<DataSet {self.recipe.name}: windows of side {self.recipe.k}: {sizes}>"

    def tables(self) -> list[TableText]:
        """Return a table of the splits: hosts, windows and side."""
        rows = []
        for name in self.splits:
            recipe = self.recipe.of(name)
            rows.append([name, f"{recipe.splits[name]:,}", f"{self.count(name):,}", str(recipe.k), recipe.label])
        title = f"{self.recipe.name}  {self.recipe.digest[:12]}"
        notes = [self.recipe.summary] if self.recipe.summary else []
        return [TableText(title, ["split", "hosts", "windows", "side", "label"], rows, notes)]

    def groups(self, split: str) -> dict[str, npt.NDArray[np.str_]]:
        """Return the ingredients of each window's host, by window: slices for :func:`gnnmax.evaluate`.

        Returns:
            The keys are ``family`` and, if the recipe has them, ``law``, ``order`` and ``cut``; each array has shape
            ``(N,)``. Imported windows have none.

        Raises:
            InputError: the data set has no such split.

        Example:
            >>> from gnnmax.data.store import load_data
            >>> {name: str(group[0]) for name, group in load_data("real-karate").groups("test").items()}
            {'family': 'real', 'order': 'natural', 'cut': 'neighbours'}
        """
        if isinstance(self.recipe, Imported):
            return {}
        graph, recipe = self.split(split).graph, self.recipe.of(split)
        first = self.recipe.span(split).start
        numbers, place = np.unique(graph, return_inverse=True)
        names = [_made_of(recipe.combination(number - first)) for number in numbers.tolist()]
        return {key: np.array([name[key] for name in names])[place] for key in (names[0] if names else {})}

    @property
    def bayes(self) -> Rule | None:
        """The best possible scorer if the recipe has noise in its values or labels, else None."""
        return RULES["bayes"] if noise_of(self.recipe) is not None else None

    @property
    def ceiling(self) -> float | None:
        """Accuracy of the best possible scorer if values or labels are noisy, else None; see :meth:`ceiling_of`."""
        return self.ceiling_of("test" if "test" in self.recipe.splits else next(iter(self.recipe.splits)))

    def ceiling_of(self, split: str) -> float | None:
        """Return the expected accuracy of the best possible scorer on a split, or None without noise.

        The scorer of a bump knows the order: the result is the ceiling in natural order and an upper bound in shuffled
        order. With several levels of amplitude, the scorer knows the level of each window. Without noise in the values,
        labels flipped with probability e allow 1 - e.

        Raises:
            InputError: the recipe has no such split.
        """
        recipe = self.recipe.of(split)
        noise = noise_of(recipe)
        if noise is None or isinstance(recipe, Imported):
            return None
        plant = recipe.plant
        if not isinstance(plant, Noise | Bump):
            return 1 - noise.flips
        return ceiling_of(recipe.k, plant.levels, noise).accuracy


def with_names(recipe: Recipe | Imported, split: str, windows: Windows) -> Windows:
    """Return windows with the names of their nodes, where they come from a file that has names and is still there."""
    if isinstance(recipe, Imported) or not any(isinstance(host, File) for host in recipe.hosts_of(split)):
        return windows
    names: dict[int, tuple[str, ...]] = {}
    for graph in np.unique(windows.graph).tolist():
        host = recipe.ingredients(graph).host
        with contextlib.suppress(InputError):  # the file was moved or changed: numbers remain
            own = names_of(host) if isinstance(host, File) else ()
            names |= {graph: own} if own else {}
    return dataclasses.replace(windows, names=names) if names else windows


def _made_of(ingredients: Ingredients) -> dict[str, str]:
    """Name the ingredients of a host."""
    named = {
        "family": ingredients.host.__struct_config__.tag,
        "law": ingredients.law and ingredients.law.__struct_config__.tag,
        "order": ingredients.sampling and ingredients.sampling.order,
        "cut": ingredients.cut,
    }
    return {key: str(name) for key, name in named.items() if name is not None}


def noise_of(recipe: Recipe | Imported) -> NoiseModel | None:
    """Return the noise whose best possible scorer is known, or None if there is none.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> noise_of(load_recipe("noise-9-mu2")), noise_of(load_recipe("spike-9"))
        (NoiseModel(law='gaussian', base=1.0, radius=0.0, flips=0.0), None)
    """
    if isinstance(recipe, Imported):
        return recipe.noise if recipe.amplitude and recipe.label == "planted" else None
    noisy = isinstance(recipe.plant, Noise | Bump) or recipe.label_noise > 0
    return recipe.noise if noisy and recipe.label == "planted" else None
