"""
FROC: recall against false calls
================================

Peaks in unit noise, called by the exact rule on the raw values and on smoothed ones. Each call is matched to one peak
at most. The curve shows how many peaks are found at the price of how many false calls in each map.
"""

import numpy as np

from gnnmax import build, evaluate_peaks, find_maxima, load_recipe

recipe = load_recipe("peaks-128")
maps = build(recipe.replace(splits={**dict.fromkeys(recipe.splits, 1), "test": 12})).test
calls = {}
for name, steps in (("raw", ()), ("smoothed", ("smooth:1.2",))):
    found = [find_maxima(values, k=9, steps=steps, directed=True, top=40) for values in maps.values]
    calls[name] = np.array([(m, *call) for m, each in enumerate(found) for call in each])
comparison = evaluate_peaks(calls, maps, tolerance=1)
print(comparison)
figure, axes = comparison.plot()
