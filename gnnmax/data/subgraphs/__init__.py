"""Subgraphs: which nodes are taken from a host, in which order, and how windows are extracted."""
