"""The truth of an evaluation: the peaks, numbered by map, and what is known of the maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gnnmax.errors import InputError
from gnnmax.evaluation.peaks.map_index import MapIndex, PlaceList
from gnnmax.evaluation.peaks.matched_calls import PeakSet
from gnnmax.evaluation.peaks.peak_options import PeakOptions
from gnnmax.evaluation.peaks.peak_slices import peak_slices
from gnnmax.evaluation.peaks.place_columns import PlaceColumns, read_places
from gnnmax.evaluation.peaks.place_distance import PlaceDistance
from gnnmax.evaluation.slices import Partition

__all__ = ["GroundTruth"]


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The peaks of all maps.

    Attributes:
        columns: The peaks as read.
        peaks: The same, sorted and numbered by map.
        index: The maps.
        symmetric: Whether (i, j) and (j, i) are one place.
        duplicates: What is done with a place that is there twice.
    """

    columns: PlaceColumns
    peaks: PlaceList
    index: MapIndex
    symmetric: bool
    duplicates: str

    @classmethod
    def of(
        cls,
        truth: Any,
        options: PeakOptions,
        *,
        maps: Any,
        shape: Any,
        symmetric: bool | None,
        columns: Mapping[str, str] | None,
    ) -> GroundTruth:
        """Read the peaks; see :func:`gnnmax.evaluate_peaks`.

        Raises:
            InputError: no peak at all, symmetry of maps that are not square, or peaks that do not fit the maps.
        """
        truth, maps, shape, both = _of_maps(truth, maps, shape, symmetric=symmetric)
        read = read_places(truth, "the truth", columns=columns, resolution=options.resolution, height="amplitude")
        if not len(read.row):
            raise InputError("the truth has no peak: nothing can be found; give the peaks of at least one map")
        index = MapIndex.of(read, maps, shape)
        if both:
            index.check_square()
        peaks = index.number(read, "the truth", symmetric=both, duplicates=options.duplicates)
        return cls(read, peaks, index, both, options.duplicates)

    def number(self, calls: PlaceColumns, what: str) -> PlaceList:
        """Number calls by map, and refuse those that do not fit the maps."""
        return self.index.number(calls, what, symmetric=self.symmetric, duplicates=self.duplicates)

    def peak_set(self, metric: str, distance: Any, tolerance: float) -> PeakSet:
        """Return the peaks with the distance that calls are matched by."""
        space = PlaceDistance.of(metric, distance, self.index, symmetric=self.symmetric)
        return PeakSet(self.peaks, len(self.index.names), space, float(tolerance))

    def slices(self, groups: Any, bins: Any, *, ordered: bool) -> dict[str, Partition]:
        """Return the slices of the peaks; see :func:`gnnmax.evaluation.peaks.peak_slices.peak_slices`."""
        return peak_slices(self.columns, self.peaks, self.index, ordered=ordered, groups=groups, bins=bins)


def _of_maps(truth: Any, maps: Any, shape: Any, *, symmetric: bool | None) -> tuple[Any, Any, Any, bool]:
    """Take peaks, number, sizes and symmetry from whole maps, where the caller does not give them."""
    if not hasattr(truth, "peaks") or hasattr(truth, "columns"):
        return truth, maps, shape, bool(symmetric)
    if symmetric is None:
        symmetric = getattr(truth, "structure", "") == "symmetric"
    sizes = getattr(truth, "size", None) if shape is None else shape
    return truth.peaks, len(truth) if maps is None else maps, sizes, symmetric
