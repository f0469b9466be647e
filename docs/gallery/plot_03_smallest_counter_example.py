"""
The smallest counter-example
============================

An audit does not only say that a net notices the order of the rows. It shrinks the window that shows it, until no
entry can be left out. Both windows below have the same label; the image net gives them different scores.
"""

import numpy as np

from gnnmax import audit, build, load_model, load_recipe
from gnnmax.task.plotting import draw_matrix, grid_of_axes, mark_entry

recipe = load_recipe("bump-9-natural").replace(splits={"train": 1, "val": 1, "test": 5})
report = audit(load_model("cnn-natural"), build(recipe).test, rng=np.random.default_rng(0))
example = report["relabelling"].smallest
print(example)

moved = example.action(example.window)
figure, every = grid_of_axes(2, side=2.6)
for axes, window, score in zip(every, (example.window, moved), (example.before, example.after), strict=True):
    draw_matrix(axes, window.values[0], vmin=0)
    mark_entry(axes, window.k // 2, window.k // 2)
    axes.set_title(f"score {score:.2f}")
