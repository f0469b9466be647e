"""Set nets: exchangeable, simultaneous and attention over the entries of a window."""
