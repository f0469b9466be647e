"""
Heat maps over the offset
=========================

How often is a window called centred, by the position of its maximum? The right answer is a single dark entry in the
middle. The image net was trained in natural order. On shuffled rows and columns it misses centred windows and calls
others; the graph net that reads the adjacency does not notice.
"""

from gnnmax import build, evaluate, load_model, load_recipe
from gnnmax.task.plotting import draw_matrix, grid_of_axes, mark_entry

panels = []
for order in ("natural", "shuffled"):
    recipe = load_recipe(f"bump-9-{order}").replace(splits={"train": 1, "val": 1, "test": 20})
    windows = build(recipe).test
    for net in ("cnn-natural", "product"):
        panels.append((f"{net}, {order}", evaluate(load_model(net), windows).offsets))

figure, every = grid_of_axes(len(panels), side=2.2, columns=2)
for axes, (title, offsets) in zip(every, panels, strict=True):
    draw_matrix(axes, offsets.flagged, vmin=0, vmax=1)
    mark_entry(axes, 4, 4)
    axes.set_title(title, fontsize=9)
