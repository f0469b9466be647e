"""Hosts as matrices."""

import numpy as np


def dense(host):
    """Return the adjacency matrix of a host."""
    matrix = np.zeros((host.nodes, host.nodes), dtype=np.float32)
    u, v = host.edges.T
    matrix[u, v] = host.weights
    if not host.directed:
        matrix[v, u] = host.weights
    return matrix
