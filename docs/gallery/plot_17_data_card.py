"""
What a data set gives away
==========================

The card of a data set trains probes that see one property only: the sorted entries, the sum, the degrees, the
position. If one of them is better than it may be, the data leaks the label. Crosses are the accuracies that the
recipe states.
"""

from gnnmax import build, load_recipe
from gnnmax.data.card import describe

recipe = load_recipe("noise-9-mu3").replace(splits={"train": 30, "val": 5, "test": 30})
figure, axes = describe(build(recipe)).plot()
