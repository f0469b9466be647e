"""
Seriation fails where neighbours do not
=======================================

An expert would sort the nodes first and look at the image then. The whole order must be right to a place for that,
and in noise it is not: the peak is hardly ever found. A graph net needs to know only who is next to whom. The bound
is the rule that knows the order.
"""

import numpy as np

from gnnmax import build, load_recipe
from gnnmax.data.maps.places import top_places
from gnnmax.data.maps.rules import MAP_RULES
from gnnmax.models.maps.trained import load_map_model
from gnnmax.task.plotting import axes_for, draw_bars

recipe = load_recipe("line-64-shuffled").replace(splits={"train": 1, "val": 1, "test": 60})
maps = build(recipe).test
rules = ("argmax", "spectral_seriation", "rcm_seriation", "neighbours", "posterior")
scores = {name: MAP_RULES[name](maps) for name in rules}
scores["map-product (net)"] = load_map_model("map-product").score(maps)

found = {}
for name, score in scores.items():
    calls = top_places(np.asarray(score, dtype=np.float64), maps)
    found[name] = float(np.mean(np.all(calls.places == maps.peaks.places, axis=1)))
figure, axes = axes_for(None, 6, 3)
draw_bars(axes, list(found), {"found exactly": list(found.values())})
axes.set(xlabel="share of the peaks that are found exactly", xlim=(0, 1))
