"""Train nets that score nodes to find hidden blocks, on maps that are drawn as they are needed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from gnnmax.data.maps.recipe import MapRecipe, parse_map_recipe
from gnnmax.data.maps.stream import stream_maps
from gnnmax.experiments.reproduction.fitting import Examples, fit
from gnnmax.models.nodes.registry import build_node_model
from gnnmax.task.blocks import BlockProblem
from gnnmax.task.maps import Maps
from gnnmax.training.threads import one_thread

__all__ = ["BLOCK_TRAININGS", "BlockTraining", "block_recipe", "node_scores", "ready", "trained_on_blocks"]

LEVELS = 6
"""Strengths of the blocks of a stage."""

STAGES = 4
"""Stages of the curriculum, of equal lengths: the strengths of each are lower than those before."""


@dataclass(frozen=True, kw_only=True)
class BlockTraining:
    """How a net learns to find blocks of sqrt(n) nodes.

    Attributes:
        net: A key of :data:`gnnmax.models.nodes.registry.NODE_MODELS`.
        strengths: Least and largest lam of the last stage.
        ease: Factor of the strengths in the first stage.
        sizes: Numbers of nodes; each batch has one of them.
        entries: Entries of a batch, about.
        steps: Updates.
        learning_rate: The highest learning rate.
        config: Config of the net; None for its defaults.
        tested: Attributes of the net that are set after the training, such as more steps of weight-shared layers.
    """

    net: str
    strengths: tuple[float, float]
    ease: float
    sizes: tuple[int, ...] = (200, 300, 400, 600)
    entries: int = 1_200_000
    steps: int
    learning_rate: float = 3e-3
    config: dict[str, Any] | None = None
    tested: dict[str, int] | None = None


BLOCK_TRAININGS = {
    "unrolled-amp": BlockTraining(
        net="unrolled-amp",
        strengths=(0.36, 0.7),
        ease=1.5,
        sizes=(400, 600, 1_000),
        steps=400,
        config={"steps": 16},
        tested={"steps": 300},
    ),
    "spectral": BlockTraining(net="spectral", strengths=(0.9, 3.0), ease=3.0, steps=400),
    "gin": BlockTraining(net="gin", strengths=(0.5, 3.0), ease=4.0, steps=1_000),
    "gat": BlockTraining(net="gat", strengths=(1.5, 8.0), ease=2.0, steps=250),
    "graph-transformer": BlockTraining(net="graph-transformer", strengths=(1.5, 8.0), ease=2.0, steps=250),
    "map-product": BlockTraining(
        net="map-product", strengths=(0.8, 4.0), ease=2.0, sizes=(100, 144, 196), entries=60_000, steps=500
    ),
    "diagonal-cnn": BlockTraining(
        net="diagonal-cnn", strengths=(0.03, 0.3), ease=10.0, sizes=(256, 512), entries=200_000, steps=500
    ),
    "box-net": BlockTraining(
        net="box-net",
        strengths=(0.015, 0.2),
        ease=4.0,
        sizes=(256, 512, 1_000),
        entries=1_000_000,
        steps=250,
        tested={"sizes_per_octave": 24},
    ),
}
"""The trainings by net."""


def block_recipe(
    n: int, amplitude: float | list[float], *, seed: int, nodes: int | None = None, maps: int = 1
) -> MapRecipe:
    """Return the recipe of maps in unit noise with a block of consecutive nodes.

    Args:
        n: Number of nodes.
        amplitude: Height of the block, or levels of it.
        seed: Seed of the recipe.
        nodes: Number of nodes of the block; None for sqrt(n).
        maps: Number of maps of its split ``test``.

    Example:
        >>> block_recipe(400, 0.5, seed=0).map.strengths
        (0.25,)
    """
    plant = {"type": "block", "amplitude": amplitude, "nodes": nodes or round(math.sqrt(n))}
    plain = {"name": "order", "seed": seed, "splits": {"test": maps}, "map": {"n": n, "plant": plant}}
    return parse_map_recipe(plain, "order")


def trained_on_blocks(training: BlockTraining, seed: int = 0) -> nn.Module:
    """Train a net from fresh weights on the log loss of each node; no map is seen twice.

    Args:
        training: How.
        seed: Seed of the initial weights and of the maps.
    """
    net = build_node_model(training.net, training.config, seed)
    batches = _batches(training, seed)
    with one_thread():
        fit(
            net,
            lambda: next(batches),
            functional.binary_cross_entropy_with_logits,
            steps=training.steps,
            learning_rate=training.learning_rate,
        )
    return ready(net, training)


def ready(net: nn.Module, training: BlockTraining) -> nn.Module:
    """Set a trained net to what it is tested with, in place, and return it."""
    for name, value in (training.tested or {}).items():
        setattr(net, name, value)
    return net.eval()


def _batches(training: BlockTraining, seed: int) -> Iterator[Examples]:
    """Yield maps and membership without end, stage after stage."""
    rng = np.random.default_rng(seed)
    for stage in itertools.count():
        factor = training.ease ** max(0.0, 1 - stage / (STAGES - 1))
        streams = [_stream(training, n, factor, (seed, stage)) for n in training.sizes]
        for _ in range(-(-training.steps // STAGES)):
            maps = next(streams[rng.integers(len(streams))])
            yield torch.from_numpy(maps.values), torch.from_numpy(maps.membership).float()


def _stream(training: BlockTraining, n: int, factor: float, place: tuple[int, int]) -> Iterator[Maps]:
    strengths = factor * np.geomspace(*training.strengths, LEVELS)
    amplitudes = (np.sqrt(strengths * n) / round(math.sqrt(n))).tolist()
    recipe = block_recipe(n, amplitudes, seed=1_000_000 * (1 + place[1]) + place[0])
    return stream_maps(recipe, "test", max(2, training.entries // n**2))


@torch.no_grad()
def node_scores(net: nn.Module, problem: BlockProblem) -> npt.NDArray[np.float64]:
    """Score the nodes of one matrix; the net is given neither size nor height of the block.

    Example:
        >>> problem = BlockProblem.of(np.zeros((30, 30)), size=5, amplitude=1.0)
        >>> node_scores(build_node_model("gin"), problem).shape
        (30,)
    """
    with one_thread():
        return np.asarray(net(torch.from_numpy(problem.values)[None])[0].double().numpy())
