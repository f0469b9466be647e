"""Subgraphs: sampling and order of a host's nodes, and extraction of windows."""
