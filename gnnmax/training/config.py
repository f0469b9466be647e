"""The training config: budget, optimiser and learning-rate schedule. No torch."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from gnnmax.errors import InputError

__all__ = [
    "Device",
    "Precision",
    "TrainingConfig",
    "check_config",
    "half_cosine",
    "learning_rate_at",
    "parse_training",
    "recorded_training",
]

Device = Literal["auto", "cpu", "cuda"]
Match = Literal["steps", "parameters", "seconds"]
Precision = Literal["float32", "bfloat16"]
Steps = Annotated[int, Meta(ge=1, le=10_000_000)]


class TrainingConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The budget and the optimiser of a training run, shared by all of its models. It holds no seed.

    Attributes:
        steps: Updates of each model; ignored where ``match`` is "seconds".
        match: The budget that the models share. ``steps``: the number of steps. ``parameters``: the number of steps
            and, by choice of widths, about the number of parameters. ``seconds``: the wall time; a faster net then
            makes more steps, and results depend on the machine.
        seconds: Wall time of each model, its evaluations included, where ``match`` is "seconds"; else None.
        batch_size: Windows or maps per update; every model sees the same ones.
        train_windows: Number of windows or maps of the training split to train on, from the first; None takes all.
        stream: Whether to draw fresh examples from an infinite stream instead of the stored ones, see
            :mod:`gnnmax.data.stream` and :mod:`gnnmax.data.maps.stream`.
        stream_workers: Processes that draw the examples of a stream ahead; 0 draws them between the steps. The examples
            do not depend on it, so the record of a run leaves it out, see :func:`recorded_training`.
        learning_rate: Peak of the learning rate, see :func:`learning_rate_at`.
        warm_up: Share of the budget in which the learning rate rises.
        weight_decay: Weight decay of AdamW.
        clip_norm: Largest norm of the gradient; larger gradients are scaled down to it.
        evaluate_every: Steps between two evaluations on the validation split; there is one after the last step too.
        patience: Evaluations without a lower loss after which a model stops early; None never stops early.
        checkpoint_every: Steps between two checkpoints, if any are written; there is one after the last step too.
        precision: ``bfloat16`` trains linear and convolutional layers in half precision, where that makes no ties, see
            :mod:`gnnmax.training.precision`. Scores are always float32.
        device: ``auto`` uses a GPU if there is one.
    """

    steps: Steps = 900
    match: Match = "steps"
    seconds: Annotated[float, Meta(gt=0, le=1e7)] | None = None
    batch_size: Annotated[int, Meta(ge=1, le=65_536)] = 128
    train_windows: Annotated[int, Meta(ge=2, le=1_000_000_000)] | None = None
    stream: bool = False
    stream_workers: Annotated[int, Meta(ge=0, le=256)] = 0
    learning_rate: Annotated[float, Meta(gt=0, le=10)] = 4e-3
    warm_up: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    weight_decay: Annotated[float, Meta(ge=0, le=10)] = 1e-4
    clip_norm: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    evaluate_every: Steps = 150
    patience: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    checkpoint_every: Steps = 150
    precision: Precision = "float32"
    device: Device = "auto"


def learning_rate_at(done: float, config: TrainingConfig) -> float:
    """Return the learning rate of an update: a linear rise to the peak, then half a cosine down to zero.

    Args:
        done: Share of the budget spent after this update, in (0, 1].
        config: The config of the run.

    References:
        Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, without the restarts.

    Example:
        >>> config = TrainingConfig(learning_rate=1.0, warm_up=0.1)
        >>> [round(learning_rate_at(done, config), 3) for done in (0.01, 0.1, 0.55, 1.0)]
        [0.1, 1.0, 0.5, 0.0]
    """
    if done < config.warm_up:
        return config.learning_rate * done / config.warm_up
    return config.learning_rate * half_cosine((done - config.warm_up) / (1 - config.warm_up))


def half_cosine(done: float) -> float:
    """Return a factor that falls from 1 to 0 along half a cosine.

    Example:
        >>> [round(half_cosine(done), 3) for done in (0.0, 0.5, 1.0)]
        [1.0, 0.5, 0.0]
    """
    return (1 + math.cos(math.pi * done)) / 2


def check_config(config: TrainingConfig) -> None:
    """Refuse a config with a value outside its bounds; structs made in code are not checked before.

    Raises:
        InputError: naming the field and its bound.

    Example:
        >>> check_config(TrainingConfig(steps=0))
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: training: Expected `int` >= 1 - at `$.steps`
    """
    parse_training(msgspec.to_builtins(config), "training")


def parse_training(plain: dict[str, Any], source: str) -> TrainingConfig:
    """Check plain values, as read from a file or a call, as a training config.

    Args:
        plain: Fields by name; missing fields have their defaults.
        source: How to name them in an error.

    Raises:
        InputError: naming the field and the reason.

    Example:
        >>> parse_training({"match": "seconds"}, "training")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: training: match = 'seconds' and seconds = None: wall time is a budget ...
    """
    try:
        config = msgspec.convert(plain, TrainingConfig, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"{source}: {error}") from None
    if (config.match == "seconds") != (config.seconds is not None):
        raise InputError(
            f"{source}: match = {config.match!r} and seconds = {config.seconds}: wall time is a budget where "
            "match = 'seconds', and only there; give both or neither"
        )
    if config.stream_workers and not config.stream:
        raise InputError(f"{source}: stream_workers draw examples of a stream, and there is none: set stream = true")
    if config.stream and config.train_windows is not None:
        raise InputError(f"{source}: train_windows limits stored windows, and a stream has none: leave out one")
    return config


def recorded_training(config: TrainingConfig) -> dict[str, Any]:
    """Return a config in plain values, for the record of a run: without what its results do not depend on.

    Example:
        >>> "stream_workers" in recorded_training(TrainingConfig(stream=True, stream_workers=2))
        False
    """
    plain: dict[str, Any] = msgspec.to_builtins(config)
    del plain["stream_workers"]
    return plain
