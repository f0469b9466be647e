"""
Bayes ceilings in noise
=======================

One entry of a window of unit noise is raised by an amplitude. No scorer is right more often than the Bayes rule,
whose accuracy is known. The rule "the centre is the largest" is far below it: the planted label is another question
than the observed one.
"""

import numpy as np

from gnnmax.task.bayes import ceiling_of, expected_accuracy
from gnnmax.task.plotting import COLOURS, axes_for

amplitudes = np.linspace(0, 5, 6)
figure, axes = axes_for(None, 6, 3.8)
for colour, k in zip(COLOURS, (3, 9), strict=False):
    best = [ceiling_of(k, float(mu)).accuracy for mu in amplitudes]
    largest = [expected_accuracy("argmax", k, float(mu)) for mu in amplitudes]
    axes.plot(amplitudes, best, color=colour, label=f"Bayes, k = {k}")
    axes.plot(amplitudes, largest, color=colour, ls="--", label=f"largest, k = {k}")
axes.set(xlabel="amplitude, in standard deviations of the noise", ylabel="accuracy")
axes.grid(lw=0.4, alpha=0.5)
axes.legend(fontsize=8)
