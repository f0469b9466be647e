"""Peers of image analysis that find peaks: scikit-image and photutils, in the same process where they are installed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from benchmarks.rows import Row, Setting, Target
from benchmarks.timing import Lane, race, time_alone

__all__ = ["PEERS", "Peer", "against_peer"]


class Peer(NamedTuple):
    """A function of another library that finds peaks.

    Attributes:
        library: The module that must be there.
        label: Its name in the table.
        find: Given the module, a matrix and a distance, returns the peaks that are that far apart.
    """

    library: str
    label: str
    find: Callable[[Any, Any, int], Any]


def _with_photutils(module: Any, matrix: Any, distance: int) -> Any:
    with warnings.catch_warnings():  # it warns where it finds none
        warnings.simplefilter("ignore")
        return module.find_peaks(matrix, threshold=float(matrix.min()), box_size=2 * distance + 1)


PEERS = {
    "scikit-image": Peer(
        "skimage.feature",
        "peak_local_max",
        lambda module, matrix, distance: module.peak_local_max(matrix, min_distance=distance),
    ),
    "photutils": Peer("photutils.detection", "photutils find_peaks", _with_photutils),
}
"""Peers by the names of their libraries; ``pip install --group peers`` brings them."""


def against_peer(
    peer: Peer, matrix: Any, distance: int, ours: Callable[[], Any], *, name: str, setting: Setting
) -> Row:
    """Race our search against a peer's on one matrix; without the library the row says so.

    Args:
        peer: The peer.
        matrix: Shape ``(n, m)``.
        distance: Half the side of the window, or the least distance of two peaks.
        ours: Our search of the matrix.
        name: Name of the row.
        setting: Quick or full.
    """
    lane = Lane("ours", ours, matrix.size)
    if find_spec(peer.library.partition(".")[0]) is None:
        return Row(name, time_alone(lane, "entry", setting), None, Target("speed"), absent=peer.label)
    module = import_module(peer.library)
    theirs = Lane(peer.label, lambda: peer.find(module, matrix, distance), matrix.size)
    return race(name, lane, theirs, "entry", Target("speed"), setting)
