"""Our callers, each in a process of its own: ``own_peaks.py FOLDER OUT.json SETTING``.

FOLDER holds the maps twice: ``maps.cool``, as the peers read them, and ``maps.npz``. SETTING is JSON with one of

- ``search``: options of :func:`gnnmax.find_maxima` on the contact map, and ``rank``, the field of the maxima that is
  their score: ``scores``, ``margin`` or ``prominence``;
- ``rule``: name of one of ``MAP_RULES``, whose score map is searched with ``mode`` (graph mode ignores the order);
- ``net``: folder of weights, likewise;

and with either of the two ``seriate``: whether the bins are put in the order that their contacts tell beforehand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnmax import Maps, find_maxima
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.detection.matrix_files import read_matrix
from gnnmax.detection.seriation import seriate
from gnnmax.task.map_model import MapModel

Call = list[float]

CALLS = 100
"""Largest number of calls of a map that come from a score map."""


def searched(folder: Path, setting: dict[str, Any]) -> list[Call]:
    """Search the contact map; a chromosome is a map."""
    options = dict(setting["search"])
    rank = options.pop("rank", "scores")
    found = find_maxima(read_matrix(folder / "maps.cool"), **options)
    assert found.names is not None
    size = int(np.load(folder / "maps.npz")["values"].shape[1])
    score = found.values if rank == "scores" and found.scores is None else getattr(found, rank)
    kept = (found.rows // size == found.columns // size) & np.isfinite(score)
    rows, columns = found.rows[kept], found.columns[kept]
    return np.column_stack([rows // size, rows % size, columns % size, score[kept]]).tolist()


def scored(folder: Path, setting: dict[str, Any]) -> list[Call]:
    """Score every place, and name the maxima of the score map."""
    with np.load(folder / "maps.npz") as stored:
        values, radius, diagonal = stored["values"], float(stored["radius"]), int(stored["diagonal"])
    model = MapModel(law="poisson", radius=radius, diagonal=diagonal)
    orders = [seriate(one) if setting.get("seriate") else np.arange(len(one)) for one in values]
    values = np.stack([one[np.ix_(order, order)] for one, order in zip(values, orders, strict=True)])
    found: list[Call] = []
    scores = scores_of(Maps.from_values(values, structure="symmetric", model=model), setting)
    far = np.abs(np.subtract.outer(np.arange(values.shape[1]), np.arange(values.shape[1]))) < setting.get("near", 0)
    for index, matrix in enumerate(scores):
        allowed = np.where(np.isfinite(matrix) & ~far, matrix, np.nan)
        maxima = find_maxima(allowed, directed=False, mode=setting["mode"], top=CALLS, **setting.get("options", {}))
        order = orders[index]
        found += [[index, int(order[row]), int(order[column]), float(value)] for row, column, value in maxima]
    return found


def scores_of(maps: Maps, setting: dict[str, Any]) -> npt.NDArray[np.float64]:
    """Return the score of every place by a rule or by a net."""
    if "rule" in setting:
        return MAP_RULES[setting["rule"]](maps)
    from gnnmax.models.maps.trained import load_map_model

    return np.asarray(load_map_model(setting["net"], device="cpu").score(maps), dtype=np.float64)


def main(folder: str, out: str, setting: str) -> None:
    """Write map, row, column and score of each call."""
    chosen = json.loads(setting)
    found = (searched if "search" in chosen else scored)(Path(folder), chosen)
    Path(out).write_text(json.dumps(found), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
