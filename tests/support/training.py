"""Small training and validation windows, a short budget, and a call that trains on them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from gnnmax.models.registry import build_model
from gnnmax.task.windows import Windows
from gnnmax.training.config import TrainingConfig
from gnnmax.training.loop import train_models


def sample(seed: int, n: int = 256, k: int = 3) -> Windows:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, k, k)).astype(np.float32)
    values[::2, k // 2, k // 2] = values[::2].max(axis=(1, 2)) + 1
    return Windows.from_values(values)


TRAIN, VAL = sample(0), sample(1, 128)


QUICK = TrainingConfig(steps=12, batch_size=32, evaluate_every=5, device="cpu")


def trained(names: list[str], config: TrainingConfig = QUICK, seed: int = 0, **options: object) -> tuple[dict, dict]:
    models = {name: build_model(name, TRAIN.k, seed=seed) for name in names}
    results = train_models(models, TRAIN, VAL, config, np.random.default_rng(seed), **options)
    return models, results


def equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
