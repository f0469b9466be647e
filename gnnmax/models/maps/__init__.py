"""Nets on maps: whole adjacency matrices in, evidence of a peak at every entry out."""
