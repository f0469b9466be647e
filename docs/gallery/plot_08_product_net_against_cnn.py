"""
The product net against the CNN
===============================

The same noisy peak, its nodes in an unknown order. The product net finds the neighbours of a node in the adjacency
matrix, so it stays at the accuracy of the Bayes rule, which knows the order. The image nets do not. The shipped
weights are used; nothing is trained here.
"""

from gnnmax import RULES, build, compare_scores, load_model, load_recipe

recipe = load_recipe("bump-9-shuffled").replace(splits={"train": 1, "val": 1, "test": 20})
windows = build(recipe).test
scorers = {name: load_model(name) for name in ("cnn-natural", "cnn-shuffled", "product")}
comparison = compare_scores({**scorers, "bayes": RULES["bayes"]}, windows)
print(comparison)
figure, axes = comparison.plot()
