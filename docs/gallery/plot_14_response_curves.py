"""
Response curves: accuracy against amplitude
===========================================

Where does a net lose against the best possible? Slices of an evaluation answer it. The windows hold amplitudes from
one to five standard deviations of the noise.
"""

import numpy as np

from gnnmax import RULES, build, evaluate, load_model, load_recipe
from gnnmax.task.plotting import COLOURS, axes_for

recipe = load_recipe("noise-9-levels")
splits = {**dict.fromkeys(recipe.splits, 1), "test": 40}
windows = build(recipe.replace(splits=splits)).test
groups = {"amplitude": np.round(windows.amplitude).astype(int)}
scorers = {"gnn (shipped, trained without noise)": load_model("gnn"), **{n: RULES[n] for n in ("argmax", "bayes")}}

figure, axes = axes_for(None, 6, 3.6)
for colour, (name, scorer) in zip(COLOURS, scorers.items(), strict=False):
    parts = evaluate(scorer, windows, groups=groups).slices["amplitude"]
    levels = [float(level) for level in parts]
    axes.plot(levels, [part.accuracy for part in parts.values()], marker="o", color=colour, label=name)
    axes.fill_between(levels, *zip(*((p.low, p.high) for p in parts.values()), strict=True), color=colour, alpha=0.2)
axes.set(xlabel="amplitude, in standard deviations of the noise", ylabel="accuracy")
axes.grid(lw=0.4, alpha=0.5)
axes.legend(fontsize=8)
