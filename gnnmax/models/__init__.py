"""Nets that score windows, and the registry of their names.

Importing this package loads no torch: a net's module is loaded when the net is built.
"""
