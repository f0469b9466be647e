"""Judgement: figures, their intervals, and the tests between scorers; :mod:`gnnmax.evaluation` is its door."""
