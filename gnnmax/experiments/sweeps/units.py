"""Units of a sweep: one net, trained from one seed on one data set, named by the digest of all that decides it.

A plan on maps can ask for the best possible metrics too: these are units of another kind.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from gnnmax.data.maps.ceilings import ceiling_spec, ceilings_of
from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.errors import failure_of
from gnnmax.experiments.data_kinds import kind_of
from gnnmax.experiments.map_scoreboard import best_possible
from gnnmax.experiments.sources import load_once
from gnnmax.models.architecture import Architecture
from gnnmax.models.references import portable
from gnnmax.training.config import TrainingConfig, recorded_training
from gnnmax.training.loop import train_models
from gnnmax.training.objectives import Stream
from gnnmax.training.threads import one_thread

__all__ = ["UNIT_VERSION", "Unit", "UnitKey", "UnitResult", "failed_result", "run_unit"]

UNIT_VERSION: Final = 1
"""Version of the training and the evaluation of a unit: increased when the same unit has another result."""

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Count = Annotated[int, Meta(ge=0)]


class UnitKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that decides the result of a unit, besides the machine and the versions of libraries.

    Attributes:
        version: :data:`UNIT_VERSION`.
        recipe: Digest of the recipe.
        model: The net: a key of the registry, or the name of the file and of the class of a net of your own.
        config: Its config.
        training: Budget and optimiser.
        seed: Seed of the initial weights and of the order of the examples.
        code: SHA-256 of the file of a net of your own; nets of the registry have none.
        kind: ``ceiling``: the best possible metrics on maps, by no net. Its recipe is the digest of its config: the
            laws of the test splits. Units of nets have none.
    """

    version: Literal[1] = UNIT_VERSION
    recipe: Digest
    model: str
    config: dict[str, Any]
    training: dict[str, Any]
    seed: Annotated[int, Meta(ge=0, le=2**62)]
    code: Digest | msgspec.UnsetType = msgspec.UNSET
    kind: Literal["ceiling"] | msgspec.UnsetType = msgspec.UNSET

    @property
    def digest(self) -> str:
        """SHA-256 of the key, in hexadecimal."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


class Unit(Struct, frozen=True, kw_only=True):
    """One unit of work, in the form that worker processes receive."""

    recipe: Recipe | MapRecipe | Any
    net: Architecture | Any
    training: TrainingConfig
    seed: int
    key: UnitKey
    digest: str

    @classmethod
    def of(cls, recipe: Recipe | MapRecipe, net: Architecture, training: TrainingConfig, *, seed: int) -> Unit:
        """Return the unit of a recipe, a net, a training and a seed."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(recorded_training(training)))
        config: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(net.plain))
        key = UnitKey(
            recipe=recipe.digest,
            model=portable(net.reference) if net.sha256 else net.reference,
            config=config,
            training=plain,
            seed=seed,
            code=net.sha256 or msgspec.UNSET,
        )
        return cls(recipe=recipe, net=net, training=training, seed=seed, key=key, digest=key.digest)

    @classmethod
    def of_ceiling(cls, recipe: MapRecipe) -> Unit:
        """Return the unit of the ceilings of a recipe of maps; recipes that differ in seed or order have the same."""
        laws = {split: msgspec.to_builtins(ceiling_spec(recipe, split)) for split in _tests(recipe.splits)}
        content = msgspec.json.encode(laws, order="sorted")
        key = UnitKey(
            kind="ceiling",
            recipe=hashlib.sha256(content).hexdigest(),
            model="ceiling",
            config=msgspec.json.decode(content),
            training={},
            seed=0,
        )
        return cls(recipe=recipe, net=None, training=TrainingConfig(), seed=0, key=key, digest=key.digest)

    @property
    def is_ceiling(self) -> bool:
        """Whether no net is trained."""
        return self.key.kind is not msgspec.UNSET


def _tests(splits: Iterable[str]) -> list[str]:
    """Return the names of the test splits."""
    return [split for split in splits if split not in ("train", "val")]


class UnitResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The outcome of a unit; it holds no time and no name of a machine, so that equal units have equal bytes.

    Attributes:
        key: The unit.
        state: ``done``; ``diverged``: a loss or a gradient was not finite; ``failed``: an error, and the unit is tried
            again by the next call.
        reason: Why there are no metrics; empty if the unit is done.
        parameters: Number of trainable parameters.
        steps: Updates.
        best_step: The update whose weights were kept.
        validation_loss: Their log loss on the validation split; None if the training diverged before.
        metrics: Metrics on every test split, by its name in the recipe; None where a metric does not exist. Of a
            ceiling: the best possible values of the metrics for which they are known.
        ceilings: Accuracy of the best possible scorer, by split; None where it is not known, and on maps.
    """

    key: UnitKey
    state: Literal["done", "diverged", "failed"]
    reason: Annotated[str, Meta(max_length=2_000)] = ""
    parameters: Count = 0
    steps: Count = 0
    best_step: Count = 0
    validation_loss: float | None = None
    metrics: dict[str, dict[str, float | None]] = {}
    ceilings: dict[str, float | None] = {}

    def __post_init__(self) -> None:
        if (self.state == "done") == bool(self.reason):
            raise ValueError("a unit that is done has no reason, and any other has one")
        if (self.state == "done") != bool(self.metrics):
            raise ValueError("a unit has metrics if it is done, and only then")


def failed_result(unit: Unit, reason: str) -> UnitResult:
    """Return the result of a unit that ended with an error."""
    return UnitResult(key=unit.key, state="failed", reason=" ".join(reason.split())[:2_000] or "no reason was given")


_ONE_UNIT = threading.Lock()
"""Locked while a unit is at work: torch's number of threads and the drawn data set belong to the whole process."""


def run_unit(unit: Unit) -> UnitResult:
    """Draw the data of a unit, train its net, and measure it on every test split; or compute ceilings.

    Units of one recipe that follow each other in a process share the drawn data. An error of the input or of the
    machine is a result too, and so is the error of a net.
    """
    with _ONE_UNIT, one_thread():
        try:
            return _ceilings(unit) if unit.is_ceiling else _trained(unit)
        except Exception as error:
            return failed_result(unit, _reason(error))


def _reason(error: Exception) -> str:
    try:
        return failure_of(error)
    except Exception:
        lines = str(error).splitlines()
        return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _ceilings(unit: Unit) -> UnitResult:
    assert isinstance(unit.recipe, MapRecipe)
    found = {split: best_possible(ceilings_of(unit.recipe, split)) for split in unit.key.config}
    return UnitResult(key=unit.key, state="done", metrics={split: {**metrics} for split, metrics in found.items()})


def _trained(unit: Unit) -> UnitResult:
    (data,) = load_once([unit.recipe])
    kind: Any = kind_of(data)
    kind.check([data], {unit.key.model: unit.net}, unit.training)
    net = unit.net.build(kind.side(data), unit.seed)
    train = Stream(unit.recipe) if unit.training.stream else data.split("train")
    rng = np.random.default_rng(unit.seed)
    trained = train_models({unit.key.model: net}, train, data.split("val"), unit.training, rng)[unit.key.model]
    parameters = sum(weight.numel() for weight in net.parameters() if weight.requires_grad)
    if trained.diverged:
        return UnitResult(
            key=unit.key, state="diverged", reason=trained.diverged, parameters=parameters, steps=trained.steps
        )
    found: Mapping[str, Any] = {
        split: kind.measure(net, data, split, device=unit.training.device) for split in _tests(data.splits)
    }
    return UnitResult(
        key=unit.key,
        state="done",
        parameters=parameters,
        steps=trained.steps,
        best_step=trained.best_step,
        validation_loss=trained.loss,
        metrics={split: measured.metrics for split, measured in found.items()},
        ceilings={split: measured.ceiling for split, measured in found.items()},
    )
