"""Peaks by scikit-image, run in its own environment: ``image_peaks.py MAPS.npz OUT.json SETTING``.

SETTING is JSON: ``root``, whether counts become their root first, so that their noise has one deviation; ``low_sigma``
and ``min_distance`` of :func:`skimage.filters.difference_of_gaussians` and :func:`skimage.feature.peak_local_max`.
"""

import json
import sys
from pathlib import Path

import numpy as np
from skimage.feature import peak_local_max
from skimage.filters import difference_of_gaussians


def main(maps: str, out: str, setting: str) -> None:
    """Write map, row, column and height of each peak above the diagonal."""
    chosen, found = json.loads(setting), []
    for index, counts in enumerate(np.load(maps)["values"]):
        image = np.sqrt(counts + 0.375) if chosen["root"] else counts
        filtered = difference_of_gaussians(image.astype(float), chosen["low_sigma"])
        places = peak_local_max(filtered, min_distance=chosen["min_distance"])
        found += [[index, i, j, float(filtered[i, j])] for i, j in places.tolist() if i < j]
    Path(out).write_text(json.dumps(found), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
