"""Maps of your own as a data set, split by graph."""

from __future__ import annotations

from collections.abc import Mapping

from gnnmax.data.importing import content_digest, parse_shares, split_by_graph
from gnnmax.data.maps.dataset import MapSet
from gnnmax.data.maps.imported import parse_imported_maps
from gnnmax.errors import InputError
from gnnmax.task.maps import Maps

__all__ = ["import_maps"]


def import_maps(maps: Maps, *, shares: Mapping[str, float] | None = None, seed: int = 0, name: str = "maps") -> MapSet:
    """Make a data set of your own maps, split by graph at random.

    Args:
        maps: The maps, with the places of their peaks.
        shares: Shares of the splits, by name; None: train 0.8, val 0.1 and test 0.1.
        seed: Seed of the choice of graphs.
        name: Lower-case letters, digits and hyphens.

    Raises:
        InputError: no maps, fewer graphs than splits, or shares that do not sum to 1.

    Example:
        >>> import numpy as np
        >>> values = np.random.default_rng(0).normal(size=(20, 9, 9))
        >>> import_maps(Maps.from_values(values, structure="directed", peaks=[[0, 2, 3]]), name="mine")
        <MapSet mine: train 16, val 2, test 2>
    """
    if not len(maps):
        raise InputError("there are no maps: give at least one for each split")
    splits: dict[str, Maps] = split_by_graph(maps, parse_shares(shares), seed=seed)
    plain = {
        "name": name,
        "structure": maps.structure,
        "rows": [int(maps.size[:, 0].min()), int(maps.size[:, 0].max())],
        "peaks": [int(maps.peak_count.min()), int(maps.peak_count.max())],
        "splits": {split: len(part) for split, part in splits.items()},
        "content": content_digest(splits),
    }
    return MapSet(parse_imported_maps(plain, name), splits)
