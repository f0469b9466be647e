"""gnnmax: is this window of a graph's adjacency matrix centred on its maximum?"""

__version__ = "0.1.0"
