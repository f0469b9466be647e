"""Hosts: the graph families, their weights, and graphs of your own."""
