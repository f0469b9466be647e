"""
Windows of every kind
=====================

A window is centred where its middle entry is the strict maximum. The other kinds are negatives: the maximum lies
beside the centre, the centre is the runner-up, two entries are tied, or nothing was planted at all.
"""

import numpy as np

from gnnmax import build, load_recipe

recipe = load_recipe("spike-9").replace(splits={"train": 1, "val": 1, "test": 6})
windows = build(recipe).test
kinds, first = np.unique(windows.kind, return_index=True)
print(dict(zip(*np.unique(windows.kind, return_counts=True), strict=True)))
figure, axes = windows[np.sort(first)].plot()
