"""Evaluation: metrics, their intervals, and paired tests; start from :mod:`gnnmax.evaluation.evaluator`."""
