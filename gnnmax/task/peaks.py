"""Places in maps: planted peaks, or the calls of a detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnnmax.errors import InputError
from gnnmax.task.arrays import as_array

__all__ = ["Peaks", "peaks_by_map"]

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Peaks:
    """Places in maps, one array per field, all of shape ``(P,)``: planted peaks, or calls of a detector.

    Attributes:
        map: Index of the map.
        row: Position of the row; in a symmetric map, of the smaller end.
        column: Position of the column.
        amplitude: Height of a planted peak, or the score of a call; NaN where it is not known.

    Example:
        >>> len(Peaks.of([[0, 3, 5], [2, 1, 4]]))
        2
    """

    map: Integers
    row: Integers
    column: Integers
    amplitude: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in ("map", "row", "column", "amplitude"):
            array = np.asarray(getattr(self, name))
            if array.ndim != 1 or len(array) != len(self.map):
                raise InputError(f"{name} must have shape ({len(self.map)},), not {array.shape}: one entry a peak")

    @classmethod
    def of(cls, places: npt.ArrayLike, amplitude: npt.ArrayLike | None = None) -> Peaks:
        """Make peaks from an array of map, row and column.

        Args:
            places: Integers, shape ``(P, 3)``.
            amplitude: Shape ``(P,)``, or one number for all; None if it is not known.

        Raises:
            InputError: another shape, or places that are no integers.
        """
        given = as_array(places, "places")
        if given.size == 0:
            given = np.zeros((0, 3), dtype=np.int64)
        if given.ndim != 2 or given.shape[1] != 3 or given.dtype.kind not in "iu":
            raise InputError(
                f"places must be integers of shape (P, 3), map, row and column, not {given.dtype} {given.shape}"
            )
        height = np.broadcast_to(np.asarray(np.nan if amplitude is None else amplitude, np.float32), len(given))
        one, row, column = given.astype(np.int64).T
        return cls(one, row, column, height.copy())

    def __len__(self) -> int:
        return len(self.map)

    @property
    def score(self) -> npt.NDArray[np.float32]:
        """The amplitude, under the name that calls have in :func:`gnnmax.evaluate_peaks`."""
        return self.amplitude

    @property
    def places(self) -> Integers:
        """Map, row and column of each peak, shape ``(P, 3)``."""
        return np.stack([self.map, self.row, self.column], axis=1)


def peaks_by_map(peaks: Peaks, maps: int, *, turned: bool) -> tuple[Integers, npt.NDArray[np.float32]]:
    """Lay peaks out by map, shapes ``(M, P, 2)`` and ``(M, P)``; ``turned`` puts the smaller position first."""
    counts = np.bincount(peaks.map, minlength=maps)
    position = np.full((maps, int(counts.max(initial=0)), 2), -1, dtype=np.int64)
    amplitude = np.full(position.shape[:2], np.nan, dtype=np.float32)
    order = np.argsort(peaks.map, kind="stable")
    one = peaks.map[order]
    which = np.arange(len(order)) - (np.cumsum(counts) - counts)[one]
    both = peaks.places[order, 1:]
    position[one, which] = np.sort(both, axis=1) if turned else both
    amplitude[one, which] = peaks.amplitude[order]
    return position, amplitude
