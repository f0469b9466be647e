"""
Calibration
===========

Scores are logits here: does a stated probability of 0.8 mean that 80 % of such windows are centred? The Bayes rule is
on the diagonal. A net that was trained in natural order states too much on shuffled windows.
"""

from gnnmax import RULES, build, evaluate, load_model, load_recipe
from gnnmax.task.plotting import COLOURS, axes_for

recipe = load_recipe("bump-9-shuffled").replace(splits={"train": 1, "val": 1, "test": 20})
windows = build(recipe).test
figure, axes = axes_for(None, 4.4, 4.2)
axes.plot([0, 1], [0, 1], ls="--", lw=0.8, color="grey")
scorers = {"bayes": RULES["bayes"], "product": load_model("product"), "cnn-natural": load_model("cnn-natural")}
for colour, (name, scorer) in zip(COLOURS, scorers.items(), strict=False):
    found = evaluate(scorer, windows, scale="logits").reliability
    points = [pair for pair in zip(found.stated, found.observed, strict=True) if None not in pair]
    axes.plot(*zip(*points, strict=True), marker="o", ms=4, color=colour, label=name)
axes.set(xlabel="stated probability", ylabel="observed share", xlim=(0, 1), ylim=(0, 1))
axes.legend(fontsize=8)
