"""Windows without a host, as in the noise recipes, against PCG64 filling the same number of bytes.

"Values" is the draw alone, from the recipe's own streams; "whole" is :func:`gnnmax.build`: kinds, plant, labels,
offsets, margins and nodes too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from benchmarks.rows import Row, Setting, Target
from benchmarks.timing import Lane, race
from gnnmax import build, load_recipe
from gnnmax.data.hosts.weights import Normal, Uniform, sample_weights
from gnnmax.data.random_streams import stream

__all__ = ["ROWS", "floor"]

K = 9
CHUNK = 1_000
"""Windows per graph: more exceed the cache, fewer cost more overhead."""

Fill = Literal["uniform", "normal"]


def floor(windows: int, fill: Fill = "uniform") -> Lane:
    """Return the lane in which PCG64 fills the bytes of the windows, chunk by chunk into the same memory.

    Uniform numbers are the cheapest random bytes in numpy, normal numbers the cheapest noise.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    size = min(CHUNK, windows)
    chunk = np.empty((size, K * K), dtype=np.float32)
    draw: Callable[..., object] = rng.random if fill == "uniform" else rng.standard_normal

    def run() -> None:
        for _ in range(windows // size):
            draw(out=chunk, dtype=np.float32)

    return Lane(f"PCG64 {fill} fill", run, windows)


def values(law: Uniform | Normal, fill: Fill, name: str, setting: Setting) -> Row:
    """Time the weights of windows on disjoint nodes."""
    windows = setting.size(200_000, 200)
    size = min(CHUNK, windows)

    def ours() -> None:
        for graph in range(windows // size):
            sample_weights(law, (size, K * K), stream(0, "weights", graph))

    return race(name, Lane("ours", ours, windows), floor(windows, fill), "window", Target("cost", 2.0), setting)


def whole(per_graph: int, fill: Fill, name: str, setting: Setting) -> Row:
    """Time a noise recipe from its description to labelled windows in memory."""
    graphs = setting.size(200_000 // per_graph, 2)
    recipe = load_recipe("noise-9-mu3").replace(windows_per_graph=per_graph, splits={"test": graphs})
    ours = Lane("ours", lambda: build(recipe), graphs * per_graph)
    return race(name, ours, floor(graphs * per_graph, fill), "window", Target("cost", 2.0), setting)


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "fresh: uniform values": partial(values, Uniform(), "uniform"),
    "fresh: normal values": partial(values, Normal(), "normal"),
    "fresh: normal values, uniform floor": partial(values, Normal(), "uniform"),
    "fresh: whole, 1,000 a graph": partial(whole, CHUNK, "normal"),
    "fresh: whole, 1,000 a graph, uniform floor": partial(whole, CHUNK, "uniform"),
    "fresh: whole, as shipped": partial(whole, 128, "normal"),
}
