"""What a training run spends, and how the learning rate moves while it does. No torch."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from gnnmax.errors import InputError

__all__ = ["Device", "TrainingConfig", "check_config", "learning_rate_at"]

Device = Literal["auto", "cpu", "cuda"]


class TrainingConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The budget and the optimiser of a training run, the same for every model of it. Holds no seed.

    Attributes:
        steps: Updates of each model.
        batch_size: Windows an update; every model sees the same ones.
        learning_rate: Its peak, see :func:`learning_rate_at`.
        warm_up: Share of the steps in which the learning rate rises.
        weight_decay: Of AdamW.
        clip_norm: Largest norm of the gradient; a longer one is shortened to it.
        evaluate_every: Steps between two evaluations on the validation split; there is one after the last step too.
        device: ``auto`` takes a GPU where there is one.
    """

    steps: Annotated[int, Meta(ge=1, le=10_000_000)] = 900
    batch_size: Annotated[int, Meta(ge=1, le=65_536)] = 128
    learning_rate: Annotated[float, Meta(gt=0, le=10)] = 4e-3
    warm_up: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    weight_decay: Annotated[float, Meta(ge=0, le=10)] = 1e-4
    clip_norm: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    evaluate_every: Annotated[int, Meta(ge=1, le=10_000_000)] = 150
    device: Device = "auto"


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """Return the learning rate of an update: a linear rise to the peak, then half a cosine down to zero.

    Args:
        step: Number of the update, from 1 to ``config.steps``.
        config: The run's.

    References:
        Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, without the restarts.

    Example:
        >>> config = TrainingConfig(steps=100, learning_rate=1.0, warm_up=0.1)
        >>> [round(learning_rate_at(step, config), 3) for step in (1, 10, 55, 100)]
        [0.1, 1.0, 0.5, 0.0]
    """
    done = step / config.steps
    if done < config.warm_up:
        return config.learning_rate * done / config.warm_up
    falling = (done - config.warm_up) / (1 - config.warm_up)
    return config.learning_rate * (1 + math.cos(math.pi * falling)) / 2


def check_config(config: TrainingConfig) -> None:
    """Refuse a config with a value outside its bounds, which code, unlike a file, may have put there.

    Raises:
        InputError: naming the field and its bound.

    Example:
        >>> check_config(TrainingConfig(steps=0))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: training config: Expected `int` >= 1 - at `$.steps`
    """
    try:
        msgspec.convert(msgspec.to_builtins(config), TrainingConfig, strict=True)
    except msgspec.ValidationError as error:
        raise InputError(f"training config: {error}") from None
