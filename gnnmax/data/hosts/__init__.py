"""Hosts: graph families, edge weights, and your own graphs."""
