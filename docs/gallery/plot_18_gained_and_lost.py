"""
Maxima gained and lost
======================

Two contact maps of the same bins, the second one deeper and with three peaks more. The difference is tested on
counts, at a stated false-discovery rate.
"""

import numpy as np

from gnnmax import find_differences

n, rng = 80, np.random.default_rng(1)
place = np.arange(n)
mean = 60 / (1 + np.abs(place[:, None] - place))
peaks = np.zeros((n, n))
for i, j in ((15, 40), (30, 62), (8, 70)):
    peaks += 12 * np.exp(-((place[:, None] - i) ** 2 + (place - j) ** 2) / 4)


def counted(rates):
    """Draw a symmetric matrix of Poisson counts."""
    counts = np.triu(rng.poisson(rates))
    return counts + np.triu(counts, 1).T


differences = find_differences(counted(mean), counted(1.5 * mean + peaks), k=7)
print(differences)
figure, axes = differences.plot()
