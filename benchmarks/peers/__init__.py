"""Callers of peaks beside each other: programs of other people and ours, on the same maps."""
