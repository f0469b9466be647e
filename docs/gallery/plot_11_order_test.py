"""
Is the order known?
===================

Do neighbours in the given order have more similar rows than nodes at random? The test is exact, by permutation. Here
a matrix along a line is in order; shuffle it and the likeness of neighbours is gone.
"""

from gnnmax import build, load_recipe, order_test

matrix = build(load_recipe("line-64").replace(splits={"test": 1})).test.values[0]
found = order_test(matrix)
print(found.p, found.advice)
figure, axes = found.plot()
