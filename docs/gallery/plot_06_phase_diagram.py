"""
Phase diagram of a hidden block
===============================

A block of K nodes is raised in a noisy matrix of n nodes. If the nodes are consecutive, a scan finds it far below the
strength that message passing needs when the order is lost; the leading eigenvector needs more still. The lines are
theorems for large n.
"""

import numpy as np

from gnnmax.task.blocks import block_borders
from gnnmax.task.plotting import COLOURS, axes_for

numbers = np.logspace(2, 5, 40).astype(int)
borders = [block_borders(int(n), max(int(n**0.5), 2)) for n in numbers]
scan, amp, eigenvector = (np.array([each[rule] for each in borders]) for rule in ("scan", "amp", "eigenvector"))
figure, axes = axes_for(None, 6, 4)
regions = (
    (np.full(len(numbers), 1e-4), scan, "no rule finds it", "#868e96"),
    (scan, amp, "an image net, if the order is known", COLOURS[0]),
    (amp, eigenvector, "a graph net too", COLOURS[2]),
    (eigenvector, np.full(len(numbers), 10.0), "a spectral method too", COLOURS[4]),
)
for low, high, label, colour in regions:
    axes.fill_between(numbers, low, high, color=colour, alpha=0.35, lw=0, label=label)
axes.set(xscale="log", yscale="log", ylim=(3e-4, 10), xlim=(100, 1e5))
axes.set(xlabel="number of nodes n", ylabel="signal strength mu^2 K^2 / n")
axes.legend(fontsize=8, loc="lower left")
