"""Find the maxima of your own matrix: exactly, by stated rules for ties, borders and missing entries."""

from gnnmax.detection.difference_table import Differences
from gnnmax.detection.matrix_differences import find_differences
from gnnmax.detection.maxima import Maxima
from gnnmax.detection.normalisation import NORMALISATIONS
from gnnmax.detection.order_information import OrderTest, order_test
from gnnmax.detection.permutation_null import Decoys, Discoveries, false_discovery
from gnnmax.detection.search import find_maxima
from gnnmax.detection.search_options import SearchOptions

__all__ = [
    "NORMALISATIONS",
    "Decoys",
    "Differences",
    "Discoveries",
    "Maxima",
    "OrderTest",
    "SearchOptions",
    "false_discovery",
    "find_differences",
    "find_maxima",
    "order_test",
]
