"""Find the maxima of a person's own matrix: exactly, by stated rules for ties, borders and what was not measured."""

from gnnmax.detection.decoys import Decoys, Discoveries, false_discovery
from gnnmax.detection.finding import find_maxima
from gnnmax.detection.maxima import Border, Maxima, Mode, Ties
from gnnmax.detection.steps import STEPS

__all__ = ["STEPS", "Border", "Decoys", "Discoveries", "Maxima", "Mode", "Ties", "false_discovery", "find_maxima"]
