"""
Maxima of a matrix, ringed
==========================

Twelve peaks in a noisy symmetric matrix, found by the exact rule after Gaussian smoothing. Of an undirected matrix
each pair is reported once, above the diagonal.
"""

import numpy as np

from gnnmax import find_maxima

rng = np.random.default_rng(3)
n = 90
place = np.arange(n)
matrix = rng.normal(size=(n, n))
for row, column in rng.integers(0, n, (12, 2)):
    matrix += 4 * np.exp(-((place[:, None] - row) ** 2 + (place - column) ** 2) / 6)
matrix = (matrix + matrix.T) / 2

maxima = find_maxima(matrix, k=9, steps=("smooth:1.5",), threshold=1.2)
print(maxima.to_pandas().head(3).to_string() if len(maxima) else "none")
figure, axes = maxima.plot(matrix)
