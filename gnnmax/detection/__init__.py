"""Find the maxima of a person's own matrix: exactly, by stated rules for ties, borders and what was not measured."""

from gnnmax.detection.finding import find_maxima
from gnnmax.detection.maxima import Border, Maxima, Mode, Ties

__all__ = ["Border", "Maxima", "Mode", "Ties", "find_maxima"]
