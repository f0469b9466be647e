"""Contact maps in .cool files: counts, or balanced counts, and the bins by name. Needs the extra ``cool``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gnnmax.detection.source import NamedMatrix
from gnnmax.errors import InputError

__all__ = ["COOL", "read_cool"]

COOL = (".cool", ".mcool", ".scool")
"""Endings of files that hold contact maps."""


def read_cool(file: Path, group: str = "", *, balanced: bool = False) -> NamedMatrix:
    """Read a contact map, symmetric and sparse, with bins named ``chrom:start-end``.

    Args:
        file: ``.cool``, or ``.mcool`` and ``.scool``, which hold several maps.
        group: Which of several, such as ``resolutions/10000``.
        balanced: Whether counts are multiplied by the balancing weights of both bins; bins without a weight are then
            not measured.

    Raises:
        InputError: cooler is not installed, not such a file, no such map in it, or no weights.

    References:
        Abdennur, Mirny, "Cooler: scalable storage for Hi-C data and other genomically labeled arrays", Bioinformatics
        2020; it does the reading.
    """
    try:
        import cooler
    except ImportError:
        raise InputError(
            "contact maps are read by cooler: pip install 'gnnmax[cool]', or save the map as .npz or .mtx"
        ) from None
    try:
        maps = cooler.fileops.list_coolers(str(file))
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{file} is not a file of contact maps, or a damaged one: {_line(error)}") from None
    wanted = "/" + group.strip("/")
    if wanted not in maps:
        known = ", ".join(f"{file}::{name.strip('/')}" for name in maps if name != "/") or str(file)
        raise InputError(f"{file} has no contact map {group or 'of its own'}: choose one of {known}")
    try:
        found = cooler.Cooler(f"{file}::{wanted}")
        bins = found.bins()[:]
        if balanced and "weight" not in bins:
            raise InputError(f"{file} has no balancing weights: run 'cooler balance' first, or leave out --balanced")
        matrix = found.matrix(balance=False, sparse=True)[:].tocsr()
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{file} cannot be read as a contact map: {_line(error)}") from None
    missing = None
    if balanced:
        weight = bins["weight"].to_numpy()
        unknown = np.isnan(weight)
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        matrix = matrix.astype(np.float64)
        matrix.data *= np.nan_to_num(weight)[rows] * np.nan_to_num(weight)[matrix.indices]
        missing = unknown[:, None] | unknown if unknown.any() else None
    names = tuple(
        f"{chrom}:{start}-{end}" for chrom, start, end in zip(bins["chrom"], bins["start"], bins["end"], strict=True)
    )
    return NamedMatrix(matrix, (names, names), missing)


def _line(error: Exception) -> Any:
    return (str(error).splitlines() or [type(error).__name__])[0]
