"""
The audit of a scorer
=====================

Decisions that flip under each transformation. Where the label stays, no decision should flip; where the maximum
moves, decisions should. The image net that was trained in natural order notices the order of rows and columns.
"""

import numpy as np

from gnnmax import audit, build, load_model, load_recipe

recipe = load_recipe("bump-9-natural").replace(splits={"train": 1, "val": 1, "test": 5})
report = audit(load_model("cnn-natural"), build(recipe).test, rng=np.random.default_rng(0))
figure, axes = report.plot()
