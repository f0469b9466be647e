"""Nets that score windows, and the registry of their names."""
