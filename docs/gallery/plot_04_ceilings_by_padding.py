"""
Ceilings by padding
===================

A net that cannot distinguish the centre from other entries has a best accuracy, whatever its training. It follows
from the orbit of the centre under the symmetry of the net. Pooling is not what blinds a CNN: only circular padding is
blind everywhere, because it shows no border.
"""

from gnnmax import MODELS
from gnnmax.task.plotting import COLOURS, axes_for

nets = ("circular-global", "circular-strided", "zero-global", "valid-global", "question", "gnn")
sides = range(3, 22, 2)
figure, axes = axes_for(None, 6, 3.8)
for place, name in enumerate(nets):
    found = [MODELS[name].ceiling(k) for k in sides]
    axes.plot(sides, found, marker="o", ms=4, color=COLOURS[place], label=name)
axes.set(xlabel="side of the window", ylabel="best possible accuracy", xticks=list(sides))
axes.grid(lw=0.4, alpha=0.5)
axes.legend(fontsize=8)
