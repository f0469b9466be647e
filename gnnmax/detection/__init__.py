"""Find the maxima of your own matrix: exactly, by stated rules for ties, borders and missing entries.

Names are loaded on first use: a search does not wait for the statistics of differences.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors; tests hold it to the mapping below
    from gnnmax.data.subgraphs.seriation import explained_by_distance as explained_by_distance
    from gnnmax.data.subgraphs.seriation import seriate as seriate
    from gnnmax.detection.difference_table import Differences as Differences
    from gnnmax.detection.false_discovery_rate import Decoys as Decoys
    from gnnmax.detection.false_discovery_rate import Discoveries as Discoveries
    from gnnmax.detection.false_discovery_rate import false_discovery as false_discovery
    from gnnmax.detection.matrix_differences import find_differences as find_differences
    from gnnmax.detection.matrix_files import read_matrix as read_matrix
    from gnnmax.detection.maxima import Maxima as Maxima
    from gnnmax.detection.net_calls import Calls as Calls
    from gnnmax.detection.net_calls import find_calls as find_calls
    from gnnmax.detection.normalisation import NORMALISATIONS as NORMALISATIONS
    from gnnmax.detection.order_information import OrderTest as OrderTest
    from gnnmax.detection.order_information import order_test as order_test
    from gnnmax.detection.search import find_maxima as find_maxima
    from gnnmax.detection.search_options import SearchOptions as SearchOptions

_MODULES = {
    "Calls": "detection.net_calls",
    "Decoys": "detection.false_discovery_rate",
    "Differences": "detection.difference_table",
    "Discoveries": "detection.false_discovery_rate",
    "Maxima": "detection.maxima",
    "NORMALISATIONS": "detection.normalisation",
    "OrderTest": "detection.order_information",
    "SearchOptions": "detection.search_options",
    "explained_by_distance": "data.subgraphs.seriation",
    "false_discovery": "detection.false_discovery_rate",
    "find_calls": "detection.net_calls",
    "find_differences": "detection.matrix_differences",
    "find_maxima": "detection.search",
    "order_test": "detection.order_information",
    "read_matrix": "detection.matrix_files",
    "seriate": "data.subgraphs.seriation",
}
"""Where each public name is defined."""

__all__ = sorted(_MODULES)  # noqa: PLE0605  # one mapping, not two lists


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'gnnmax.detection' has no attribute {name!r}")
    return getattr(import_module(f"gnnmax.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
