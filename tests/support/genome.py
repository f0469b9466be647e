"""A small matrix whose rows are bins of two chromosomes, in memory and as a contact map."""

from __future__ import annotations

from pathlib import Path

import cooler
import numpy as np
import pandas as pd

from gnnmax.detection.genome_bins import GenomeBins
from gnnmax.detection.matrix_input import NamedMatrix

__all__ = ["BINS", "FIRST", "RESOLUTION", "counts", "genome_matrix", "write_cool"]

FIRST, SIDE, RESOLUTION = 20, 35, 10_000

CHROMOSOME = np.repeat([0, 1], [FIRST, SIDE - FIRST])
START = RESOLUTION * np.concatenate([np.arange(FIRST), np.arange(SIDE - FIRST)])
BINS = GenomeBins(("chr1", "chr2"), CHROMOSOME, START, START + RESOLUTION)


def counts() -> np.ndarray:
    """Symmetric counts with peaks at (4, 12) of chr1, (24, 31) of chr2 and (8, 27) between them."""
    matrix = np.zeros((SIDE, SIDE), dtype=np.int64)
    for i, j, height in ((4, 12, 50), (24, 31, 40), (8, 27, 30)):
        matrix[i, j] = height
        matrix[i, j + 1] = height // 3
    return matrix + matrix.T


def genome_matrix() -> NamedMatrix:
    """The counts with names, breaks and bins."""
    names = tuple(f"{BINS.names[c]}:{s}-{s + RESOLUTION}" for c, s in zip(CHROMOSOME, START, strict=True))
    return NamedMatrix(counts(), (names, names), breaks=([FIRST], [FIRST]), bins=BINS)


def write_cool(path: Path) -> Path:
    """Write the counts as a contact map."""
    upper = np.triu(counts())
    rows, columns = np.nonzero(upper)
    bins = pd.DataFrame({"chrom": np.array(BINS.names)[CHROMOSOME], "start": BINS.start, "end": BINS.end})
    pixels = pd.DataFrame({"bin1_id": rows, "bin2_id": columns, "count": upper[rows, columns]})
    cooler.create_cooler(str(path), bins, pixels)
    return path
