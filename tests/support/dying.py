"""Functions for worker processes that end themselves: they are sent by reference, so they lie in a module."""

import os
import signal
from pathlib import Path

from gnnmax.data.generation import generate_graphs

__all__ = ["draw_or_die", "square_or_die"]


def die_once(marker: Path | None) -> None:
    """End this process by SIGKILL: every time without a marker, else if the marker does not exist yet."""
    if marker is not None:
        if marker.exists():
            return
        marker.touch()
    os.kill(os.getpid(), signal.SIGKILL)


def square_or_die(deaths: dict[int, Path | None], number: int) -> int:
    """Return a square; ``deaths`` says by number which of them end the worker, see :func:`die_once`."""
    if number in deaths:
        die_once(deaths[number])
    return number**2


def draw_or_die(deaths: dict[int, Path | None], recipe: dict, graphs: list[int]):
    """Draw windows as :func:`generate_graphs` does; ``deaths`` as above, by index of the graph."""
    for graph in deaths.keys() & set(graphs):
        die_once(deaths[graph])
    return generate_graphs(recipe, graphs)
