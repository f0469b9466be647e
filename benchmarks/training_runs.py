"""Time to near-optimal nets from nothing: drawing data and training nets, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.rows import Figure, Row, Setting, Target
from benchmarks.timing import cpu_seconds, one_thread
from gnnmax.data.generation import build
from gnnmax.data.recipe_files import load_recipe
from gnnmax.models.inference import scored
from gnnmax.models.registry import build_model
from gnnmax.models.tensors import inputs_of
from gnnmax.task.rules import RULES
from gnnmax.training.config import TrainingConfig
from gnnmax.training.loop import train_models
from gnnmax.training.objectives import Stream

__all__ = ["ROWS"]

FARTHEST = 0.01
"""Largest gap of a net to the Bayes rule on the same test windows."""


def to_the_ceiling(recipe: str, names: tuple[str, ...], budget: float, name: str, setting: Setting) -> Row:
    """Time drawing and training until the nets are within a point of the Bayes rule; the test is not timed."""
    noise, device = load_recipe(recipe), torch.device("cpu")
    config = TrainingConfig(steps=setting.size(600, 3), stream=True, evaluate_every=setting.size(200, 3), device="cpu")
    with one_thread():
        started = cpu_seconds()
        nets = {model: build_model(model, noise.k) for model in names}
        val = build(noise.replace(splits={"val": 40})).split("val")
        train_models(nets, Stream(noise), val, config, np.random.default_rng(0))
        spent = cpu_seconds() - started
        test = build(noise.replace(seed=1, splits={"test": setting.size(200, 2)})).test
        best = ((RULES["bayes"](test) > 0) == test.label).mean()
        for model, net in nets.items():
            scores = scored(net, inputs_of(test, slice(None), device)).numpy()
            gap = best - ((scores > 0) == test.label).mean()
            if gap > FARTHEST and not setting.quick:
                raise AssertionError(f"{model} is {100 * gap:.1f} points below the Bayes rule after its training")
    return Row(name, Figure("ours", spent, "run"), Figure("budget", budget, "run"), Target("cost", 1.0))


ROWS: dict[str, Callable[[str, Setting], Row]] = {
    "learn: cnn and gnn to a point of Bayes": partial(to_the_ceiling, "noise-9-mu3", ("cnn", "gnn"), 60.0),
}
