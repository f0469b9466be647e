"""
Recall against depth
====================

A contact map is counted, and counts are noisy: the deeper the sequencing, the more of the loops are found. Peaks here
are three times the local mean; calls are the strict maxima over the local background.
"""

import numpy as np

from gnnmax import evaluate_peaks, find_maxima
from gnnmax.task.plotting import COLOURS, axes_for

n, rng = 96, np.random.default_rng(0)
place = np.arange(n)
distance = np.abs(place[:, None] - place)
truth = np.array([(m, *sorted(rng.choice(np.arange(6, n - 6), 2, replace=False))) for m in range(8) for _ in range(4)])
truth = truth[truth[:, 2] - truth[:, 1] > 8]

depths, recalls = (2, 5, 10, 20, 50, 100, 200), []
for depth in depths:
    calls = []
    for m in range(8):
        mean = depth / (1 + distance)
        for _, i, j in truth[truth[:, 0] == m]:
            bump = 1 + 2 * np.exp(-((place[:, None] - i) ** 2 + (place - j) ** 2) / 3)
            mean = mean * np.maximum(bump, bump.T)
        counts = np.triu(rng.poisson(mean))
        counts = counts + np.triu(counts, 1).T
        found = find_maxima(counts, k=9, steps=("smooth:1", "distance"), distance="6:", top=12)
        calls += [(m, *call) for call in found]
    recalls.append(evaluate_peaks(np.array(calls), truth, tolerance=1, symmetric=True, shape=n).recall)

figure, axes = axes_for(None, 6, 3.4)
axes.plot(depths, recalls, marker="o", color=COLOURS[2])
axes.set(xscale="log", ylim=(0, 1.02), xlabel="mean count on the diagonal", ylabel="recall of 12 calls a map")
axes.grid(lw=0.4, alpha=0.5)
