"""Find the maxima of a person's own matrix: exactly, by stated rules for ties, borders and what was not measured."""

from gnnmax.detection.maxima import Border, Maxima, Mode, Ties
from gnnmax.detection.normalisation import STEPS
from gnnmax.detection.permutation_null import Decoys, Discoveries, false_discovery
from gnnmax.detection.search import find_maxima

__all__ = ["STEPS", "Border", "Decoys", "Discoveries", "Maxima", "Mode", "Ties", "false_discovery", "find_maxima"]
