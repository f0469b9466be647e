"""Graph nets: message passing, product graphs and bipartite windows."""
