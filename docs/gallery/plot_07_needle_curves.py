"""
A needle in a haystack
======================

One of n x n entries of unit noise is raised. The best rule names the largest entry, and the chance that it is right
is known in closed form. An amplitude that is easy in a window of nine nodes is hopeless in a matrix of ten thousand.
"""

import numpy as np

from gnnmax.task.map_posterior import needle_found
from gnnmax.task.plotting import COLOURS, axes_for

amplitudes = np.linspace(0, 10, 41)
figure, axes = axes_for(None, 6, 3.6)
for colour, n in zip(COLOURS, (9, 100, 1_000, 10_000), strict=False):
    axes.plot(amplitudes, [needle_found(n, float(mu)) for mu in amplitudes], color=colour, label=f"n = {n:,}")
axes.set(xlabel="amplitude, in standard deviations of the noise", ylabel="chance to find it exactly")
axes.grid(lw=0.4, alpha=0.5)
axes.legend(fontsize=8)
