"""A data set: a recipe and its splits, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from gnnmax.data.planting.plants import Bump, Noise
from gnnmax.data.recipe import Ingredients, Recipe
from gnnmax.errors import unknown_name
from gnnmax.task.bayes import ceiling_of
from gnnmax.task.noise import NoiseModel
from gnnmax.task.rules import RULES, Rule
from gnnmax.task.windows import Windows

__all__ = ["DataSet", "noise_of"]


@runtime_checkable
class _Parted(Protocol):
    """Splits that consist of several parts."""

    def parts(self, split: str) -> Iterator[Windows]: ...


@dataclass(frozen=True, eq=False)
class DataSet:
    """A recipe and the windows of each of its splits.

    ``data.train``, ``data.val``, ``data.test`` and any other split are attributes too.

    Attributes:
        recipe: The recipe that the windows were drawn from.
        splits: Windows by name of the split.

    Example:
        >>> from gnnmax.data.generation import build
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> data = build(load_recipe("noise-9-mu2").replace(splits={"test": 2}))
        >>> len(data.test), round(data.ceiling, 2)
        (256, 0.85)
    """

    recipe: Recipe
    splits: Mapping[str, Windows]

    def __getattr__(self, name: str) -> Windows:
        if name in ("recipe", "splits"):  # not set yet, in a copy
            raise AttributeError(name)
        if name.startswith("_") or name not in self.splits:
            known = ", ".join(self.splits) if not name.startswith("_") else ""
            raise AttributeError(f"the data set {self.recipe.name} has no split {name!r}; it has: {known}")
        return self.splits[name]

    def split(self, name: str) -> Windows:
        """Return the windows of a split.

        Raises:
            InputError: the data set has no such split.
        """
        if name not in self.splits:
            raise unknown_name(f"split of {self.recipe.name}", name, self.splits)
        return self.splits[name]

    def parts(self, name: str) -> Iterator[Windows]:
        """Yield the windows of a split part by part, in order, for splits that are larger than memory.

        The parts of a stored split are its shards, each mapped only when it is reached and not kept; a split in memory
        is one part.

        Raises:
            InputError: the data set has no such split, or a shard is damaged.

        Example:
            >>> from gnnmax import RULES
            >>> from gnnmax.data.store import load_data
            >>> from gnnmax.evaluation.streaming import Evaluator
            >>> evaluator = Evaluator()
            >>> for windows in load_data("real-karate").parts("test"):
            ...     evaluator.update(RULES["argmax"], windows)
            >>> evaluator.compute().accuracy
            1.0
        """
        if name not in self.splits:
            raise unknown_name(f"split of {self.recipe.name}", name, self.splits)
        return self.splits.parts(name) if isinstance(self.splits, _Parted) else iter([self.split(name)])

    def groups(self, split: str) -> dict[str, npt.NDArray[np.str_]]:
        """Return the ingredients of each window's host, by window: slices for :func:`gnnmax.evaluate`.

        Returns:
            The keys are ``family`` and, if the recipe has them, ``law``, ``order`` and ``cut``; each array has shape
            ``(N,)``.

        Raises:
            InputError: the data set has no such split.

        Example:
            >>> from gnnmax.data.store import load_data
            >>> {name: str(group[0]) for name, group in load_data("real-karate").groups("test").items()}
            {'family': 'real', 'order': 'natural', 'cut': 'neighbours'}
        """
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
        noise, plant = noise_of(recipe), recipe.plant
        if noise is None:
            return None
        if not isinstance(plant, Noise | Bump):
            return 1 - noise.flips
        return ceiling_of(recipe.k, plant.levels, noise).accuracy


def _made_of(ingredients: Ingredients) -> dict[str, str]:
    """Name the ingredients of a host."""
    named = {
        "family": ingredients.host.__struct_config__.tag,
        "law": ingredients.law and ingredients.law.__struct_config__.tag,
        "order": ingredients.sampling and ingredients.sampling.order,
        "cut": ingredients.cut,
    }
    return {key: str(name) for key, name in named.items() if name is not None}


def noise_of(recipe: Recipe) -> NoiseModel | None:
    """Return the noise whose best possible scorer is known, or None if there is none.

    Example:
        >>> from gnnmax.data.recipe_files import load_recipe
        >>> noise_of(load_recipe("noise-9-mu2")), noise_of(load_recipe("spike-9"))
        (NoiseModel(law='gaussian', base=1.0, radius=0.0, flips=0.0), None)
    """
    noisy = isinstance(recipe.plant, Noise | Bump) or recipe.label_noise > 0
    return recipe.noise if noisy and recipe.label == "planted" else None
