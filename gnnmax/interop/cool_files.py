"""Maps as contact maps in cooler's format, which cooler, cooltools, chromosight and HiGlass open."""

from __future__ import annotations

import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import triu

from gnnmax.errors import InputError
from gnnmax.interop.maps import maps_to_sparse
from gnnmax.io.atomic import write_file
from gnnmax.io.paths import as_path
from gnnmax.task.maps import Maps

__all__ = ["RESOLUTION", "maps_to_cool"]

RESOLUTION = 10_000
"""Base pairs of a bin, unless stated."""

Columns = dict[str, npt.NDArray[Any]]


def maps_to_cool(
    maps: Maps, path: str | Path, *, resolution: int = RESOLUTION, weights: bool = False, names: list[str] | None = None
) -> Path:
    """Write maps as one contact map in cooler's format, each map a chromosome; no contact lies between two of them.

    The places of the peaks and the order along the host are not written. Counts are integers (int32) if all values
    are, otherwise float64. Entries of 0 are not stored, nor is the diagonal of a symmetric map, which is empty.

    Args:
        maps: Symmetric maps, stored as their upper half; or directed ones, stored whole.
        path: Name of the file, usually ``.cool``; it is written whole or not at all.
        resolution: Base pairs of a bin.
        weights: Whether to write balancing weights, all 1, for programs that read balanced maps only.
        names: Names of the chromosomes; None takes ``map0``, ``map1``, and so on.

    Returns:
        The path.

    Raises:
        InputError: h5py is not installed; bipartite maps; entries that are not observed, for which the format has no
            value; names that do not fit; or chromosomes beyond what the format can number.

    References:
        Abdennur, Mirny, "Cooler: scalable storage for Hi-C data and other genomically labeled arrays", Bioinformatics
        2020: the format.

    Example:
        >>> from gnnmax.detection.matrix_files import read_matrix
        >>> maps = Maps.from_values([[0, 7, 2], [7, 0, 5], [2, 5, 0]], structure="symmetric")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     read_matrix(maps_to_cool(maps, Path(folder, "map.cool"))).matrix.upper.toarray().tolist()
        [[0, 7, 2], [0, 0, 5], [0, 0, 0]]
    """
    if find_spec("h5py") is None:
        raise InputError("contact maps are written by h5py: pip install 'gnnmax[cool]'")
    matrices = maps_to_sparse(maps)  # refuses what is no map
    chosen = _names_of(maps, names)
    _check(maps, resolution)
    sizes = maps.size[:, 0]
    tables = {
        "chroms": {"name": np.array(chosen, dtype="S"), "length": (resolution * sizes).astype(np.int32)},
        "bins": _bins_of(sizes, chosen, resolution, weights=weights),
        "pixels": _pixels_of(matrices, sizes, symmetric=maps.structure == "symmetric"),
    }
    bins, pixels = int(sizes.sum()), tables["pixels"]
    tables["indexes"] = {
        "chrom_offset": np.append(0, np.cumsum(sizes)).astype(np.int64),
        "bin1_offset": np.searchsorted(pixels["bin1_id"], np.arange(bins + 1)).astype(np.int64),
    }
    count = pixels["count"]
    attributes = {
        **{"format": "HDF5::Cooler", "format-version": np.int64(3), "format-url": "https://github.com/open2c/cooler"},
        **{"bin-type": "fixed", "bin-size": np.int64(resolution), "generated-by": "gnnmax", "metadata": json.dumps({})},
        **{"storage-mode": "symmetric-upper" if maps.structure == "symmetric" else "square"},
        **{"nchroms": np.int64(len(maps)), "nbins": np.int64(bins), "nnz": np.int64(len(count))},
        **{"genome-assembly": "unknown", "sum": count.sum()},
    }
    target = as_path(path)
    write_file(target, _file_of(tables, attributes))
    return target


def _names_of(maps: Maps, names: list[str] | None) -> list[str]:
    chosen = [f"map{index}" for index in range(len(maps))] if names is None else list(names)
    fine = all(isinstance(name, str) and name.isascii() and name.isprintable() and name.strip() for name in chosen)
    if not fine or len(set(chosen)) != len(maps) or len(chosen) != len(maps):
        raise InputError(f"names must be {len(maps)} different texts of ASCII characters, one for each map")
    return chosen


def _check(maps: Maps, resolution: int) -> None:
    if isinstance(resolution, bool) or not isinstance(resolution, (int, np.integer)) or resolution < 1:
        raise InputError(f"resolution must be an integer of at least 1, the base pairs of a bin, not {resolution!r}")
    if not len(maps):
        raise InputError("a contact map has at least one bin: give one map or more")
    if maps.structure == "bipartite":
        raise InputError(
            "the rows and columns of a contact map are the same bins, those of a bipartite map are not: write it with "
            "maps_to_sparse"
        )
    inside = (maps.row_place >= 0)[:, :, None] & (maps.column_place >= 0)[:, None, :]
    if maps.structure == "symmetric":
        inside &= ~np.eye(maps.n, dtype=np.bool_)
    if not np.isfinite(maps.values[inside]).all():
        raise InputError("an entry that is not observed, or infinite, has no count in a contact map: fill the gaps")
    if resolution * int(maps.size.max()) > np.iinfo(np.int32).max:
        raise InputError(
            f"a map of {int(maps.size.max())} bins of {resolution} base pairs is longer than the format counts "
            "(2,147,483,647): lower resolution"
        )


def _bins_of(sizes: npt.NDArray[np.int64], names: list[str], resolution: int, *, weights: bool) -> Columns:
    """Lay out the bins of all chromosomes, whose numbers are an enumeration of their names, as cooler writes them."""
    import h5py

    numbers = h5py.enum_dtype({name: number for number, name in enumerate(names)}, basetype=np.int32)
    start = resolution * np.concatenate([np.arange(size) for size in sizes.tolist()])
    columns: Columns = {
        "chrom": np.repeat(np.arange(len(sizes)), sizes).astype(numbers),
        "start": start.astype(np.int32),
        "end": (start + resolution).astype(np.int32),
    }
    return {**columns, **({"weight": np.ones(len(start))} if weights else {})}


def _pixels_of(matrices: list[Any], sizes: npt.NDArray[np.int64], *, symmetric: bool) -> Columns:
    """List the stored entries, sorted by row and column; of symmetric maps those above the diagonal."""
    rows, columns, values = [], [], []
    for first, matrix in zip((np.cumsum(sizes) - sizes).tolist(), matrices, strict=True):
        stored = (triu(matrix) if symmetric else matrix).tocoo()
        order = np.lexsort((stored.col, stored.row))
        rows.append(stored.row[order].astype(np.int64) + first)
        columns.append(stored.col[order].astype(np.int64) + first)
        values.append(stored.data[order].astype(np.float64))
    count = np.concatenate(values)
    whole = bool((count == np.trunc(count)).all() and (np.abs(count) <= np.iinfo(np.int32).max).all())
    return {
        "bin1_id": np.concatenate(rows),
        "bin2_id": np.concatenate(columns),
        "count": count.astype(np.int32) if whole else count,
    }


def _file_of(tables: dict[str, Columns], attributes: dict[str, Any]) -> bytes:
    """Return the bytes of the file."""
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "map.cool")
        with h5py.File(path, "w") as file:
            file.attrs.update(attributes)
            for group, columns in tables.items():
                for name, column in columns.items():
                    packed = {"compression": "gzip", "shuffle": True} if len(column) else {}
                    file.create_dataset(f"{group}/{name}", data=column, **packed)
        return path.read_bytes()
