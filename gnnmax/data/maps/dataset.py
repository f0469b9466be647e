"""A data set of maps: a recipe and its splits, in memory or on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gnnmax.data.maps.imported import ImportedMaps
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.splits import Splits
from gnnmax.task.maps import Maps
from gnnmax.task.tabulation import TableText

__all__ = ["MapSet"]


@dataclass(frozen=True, eq=False, repr=False)
class MapSet(Splits[Maps]):
    """A recipe and the maps of each of its splits: a mapping from the names of splits to maps.

    ``data.train``, ``data.val``, ``data.test`` and any other split are attributes too; ``data["test"]`` is the same as
    ``data.test``, ``for split in data`` yields the names, and ``len(data)`` is the number of splits.

    Attributes:
        recipe: The recipe that the maps were drawn from, or the description of maps of your own,
            :class:`gnnmax.data.maps.imported.ImportedMaps`.
        splits: Maps by name of the split.

    Example:
        >>> from gnnmax import build, load_recipe
        >>> build(load_recipe("needle-32").replace(splits={"test": 2}))
        <MapSet needle-32: test 2>
    """

    recipe: MapRecipe | ImportedMaps
    splits: Mapping[str, Maps]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {self.count(name):,}" for name in self.splits)
        return f"<MapSet {self.recipe.name}: {sizes}>"

    def tables(self) -> list[TableText]:
        """Return a table of the splits: maps, size, peaks and order."""
        rows = []
        for name in self.splits:
            spec = self.recipe.of(name).map
            ranges = [str(low) if low == high else f"{low} to {high}" for low, high in (spec.rows, spec.peak_range)]
            rows.append([name, f"{self.count(name):,}", *ranges, spec.order])
        notes = [self.recipe.summary] if self.recipe.summary else []
        title = f"{self.recipe.name}  {self.recipe.digest[:12]}"
        return [TableText(title, ["split", "maps", "n", "peaks a map", "order"], rows, notes)]
