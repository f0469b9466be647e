"""Calls against peaks: where a detector looks for the maxima of whole maps, and how well it finds them."""
