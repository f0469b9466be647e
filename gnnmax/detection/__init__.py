"""Find the maxima of your own matrix: exactly, by stated rules for ties, borders and missing entries.

Names are loaded on first use: a search does not wait for the statistics of differences.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors; tests hold it to the mapping below
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
    from gnnmax.detection.seriation import explained_by_distance as explained_by_distance
    from gnnmax.detection.seriation import seriate as seriate

_MODULES = {
    "Calls": "net_calls",
    "Decoys": "false_discovery_rate",
    "Differences": "difference_table",
    "Discoveries": "false_discovery_rate",
    "Maxima": "maxima",
    "NORMALISATIONS": "normalisation",
    "OrderTest": "order_information",
    "SearchOptions": "search_options",
    "explained_by_distance": "seriation",
    "false_discovery": "false_discovery_rate",
    "find_calls": "net_calls",
    "find_differences": "matrix_differences",
    "find_maxima": "search",
    "order_test": "order_information",
    "read_matrix": "matrix_files",
    "seriate": "seriation",
}
"""Where each public name is defined."""

__all__ = sorted(_MODULES)  # noqa: PLE0605  # one mapping, not two lists


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'gnnmax.detection' has no attribute {name!r}")
    return getattr(import_module(f"gnnmax.detection.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
