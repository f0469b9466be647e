"""The points of a plan: every unit with its place on the axes."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import any_recipe, load_recipe, parse_any
from gnnmax.errors import InputError, unknown_name
from gnnmax.experiments.sweeps.axes import drawn_value, flat_fields, grid_values
from gnnmax.experiments.sweeps.nets import NetRecord, PlanNets, Table
from gnnmax.experiments.sweeps.plan import MOST_UNITS, SweepPlan
from gnnmax.experiments.sweeps.units import Unit
from gnnmax.models.architecture import Architecture
from gnnmax.training.config import TrainingConfig, parse_training
from gnnmax.training.config_files import load_config

__all__ = ["Expanded", "PlanRecord", "Point", "expanded"]


class PlanRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a ledger records of the files that a plan names: its units can be named again without them.

    Attributes:
        recipes: Every recipe of the plan, by its name or path.
        training: The training of the config file; empty without one.
        models: The configs of nets in the config file, by name.
        nets: Nets of your own, by name.
    """

    recipes: dict[str, Table]
    training: Table = {}
    models: dict[str, Table] = {}
    nets: dict[str, NetRecord] = {}


class Point(Struct, frozen=True, kw_only=True):
    """One unit and its place in the sweep.

    Attributes:
        values: The value of every axis that the unit depends on, by name.
        world: Number of the world: units of a world have equal data, but for fields on a grid.
        data: Name of the recipe file.
        net: Name of the net in the plan.
        unit: The unit.
    """

    values: dict[str, Any]
    world: int
    data: str
    net: str
    unit: Unit


class Expanded(Struct, frozen=True, kw_only=True):
    """A plan with all its points.

    Attributes:
        plan: The plan.
        points: Every point, in order: world by world, and in each all nets and seeds.
        record: What a ledger records of the files that the plan names.
        ceilings: The unit of the ceilings of each recipe of maps, by the digest of the recipe; empty if the plan does
            not ask for them.
    """

    plan: SweepPlan
    points: list[Point]
    record: PlanRecord
    ceilings: dict[str, Unit] = {}

    @property
    def units(self) -> dict[str, Unit]:
        """Every unit once, by its digest."""
        return {unit.digest: unit for unit in (*(point.unit for point in self.points), *self.ceilings.values())}


def expanded(plan: SweepPlan, *, code: Mapping[str, Any] | None = None, record: PlanRecord | None = None) -> Expanded:
    """Return a plan with all its points.

    Args:
        plan: The plan.
        code: The code of nets of your own, by name.
        record: What a ledger records of the files that the plan names: then no other file is read and no code is run,
            and units can be named but those of nets of your own not be measured.

    Raises:
        InputError: a value is outside the bounds of its field, a net is unknown, or its code is not given; the message
            names the point.

    Example:
        >>> from gnnmax.experiments.sweeps.plan import load_plan
        >>> len(expanded(load_plan("example")).points)
        24
    """
    expansion = _Expansion(plan, code or {}, record)
    points = list(expansion)
    if not points:
        raise InputError("the plan has no unit: give worlds a number of at least 1, or leave out random axes")
    recipes = {point.unit.key.recipe: point.unit.recipe for point in points} if plan.ceilings else {}
    return Expanded(
        plan=plan,
        points=points,
        record=expansion.record() if record is None else record,
        ceilings={
            digest: Unit.of_ceiling(recipe) for digest, recipe in recipes.items() if isinstance(recipe, MapRecipe)
        },
    )


def _read_files(plan: SweepPlan, code: Mapping[str, Any]) -> PlanRecord:
    """Read the recipes and the config file of a plan."""
    recipes = {name: load_recipe(name).to_dict() for name in plan.sources}
    if plan.config is None:
        return PlanRecord(recipes=recipes)
    config = load_config(plan.config, code)
    models = {name: msgspec.to_builtins(table) for name, table in config.models.items()}
    return PlanRecord(recipes=recipes, training=msgspec.to_builtins(config.training), models=models)


class _Expansion:
    """The points of a plan; recipes, trainings and nets that occur often are made once."""

    def __init__(self, plan: SweepPlan, code: Mapping[str, Any], record: PlanRecord | None) -> None:
        self._plan = plan
        files = record or _read_files(plan, code)
        self._training, self._models = files.training, files.models
        try:
            self._recipes = {name: parse_any(files.recipes[name], f"the recipe {name}") for name in plan.sources}
        except KeyError as error:
            raise InputError(f"the recipe {error} of the plan is not recorded: run the sweep again") from None
        maps = {isinstance(recipe, MapRecipe) for recipe in self._recipes.values()}
        if len(maps) > 1:
            raise InputError("some recipes of the plan hold maps and others windows: make a plan for each")
        records = None if record is None else record.nets
        self.nets = PlanNets(plan.models, files.models, maps=maps == {True}, code=code, records=records)
        self._grid = {axis: grid_values(axis, own) for axis, own in flat_fields(plan.grid).items()}
        self._random = flat_fields(plan.random)
        for name in self.nets.names:
            self.nets.of(name, {})
        for axis in (*self._grid, *self._random):
            if axis.startswith("models."):
                self.nets.check_axis(axis)
        for net in plan.compare or ():
            if net not in self.nets.names:
                raise unknown_name("net to compare", net, self.nets.names)
        size = math.prod(map(len, self._grid.values())) * max(plan.worlds, 1) * len(plan.sources)
        size *= len(plan.seed_list) * len(self.nets.names)
        if size > MOST_UNITS:
            raise InputError(f"the plan has {size:,} units, and at most {MOST_UNITS:,} are allowed: make it smaller")

    def record(self) -> PlanRecord:
        """Return what a ledger records of the files, once all points were made."""
        recipes = {name: recipe.to_dict() for name, recipe in self._recipes.items()}
        made = PlanRecord(recipes=recipes, training=self._training, models=self._models, nets=self.nets.records())
        return msgspec.json.decode(msgspec.json.encode(made), type=PlanRecord)  # as a file gives it back

    def __iter__(self) -> Iterator[Point]:
        for world in range(max(self._plan.worlds, 1)):
            drawn = {
                axis: drawn_value(axis, own, seed=self._plan.world_seed, world=world)
                for axis, own in self._random.items()
            }
            for name in self._plan.sources:
                for chosen in itertools.product(*self._grid.values()):
                    yield from self._at(name, world, dict(zip(self._grid, chosen, strict=True)) | drawn)

    def _at(self, source: str, world: int, values: dict[str, Any]) -> Iterator[Point]:
        """Yield the units of all nets and seeds at one place of the sweep."""
        try:
            recipe, training = self._recipe(source, world, values), self._trained(values)
            nets = {name: self._architecture(name, values) for name in self.nets.names}
        except InputError as error:
            where = ", ".join(f"{axis} = {json.dumps(value)}" for axis, value in values.items())
            raise InputError(f"the plan at {where or 'its only place'}: {error}") from None
        shared = {"data": source} if len(self._plan.sources) > 1 else {}
        for name, net in nets.items():
            own = {axis: value for axis, value in values.items() if _concerns(axis, name)}
            for seed in self._plan.seed_list:
                unit = Unit.of(recipe, net, training, seed=seed)
                yield Point(values={**shared, **own}, world=world, data=source, net=name, unit=unit)

    def _recipe(self, source: str, world: int, values: Mapping[str, Any]) -> Recipe | MapRecipe:
        recipe = self._recipes[source]
        changes = flat_fields(self._plan.recipe) | {
            axis.removeprefix("recipe."): value for axis, value in values.items() if axis.startswith("recipe.")
        }
        if self._plan.worlds and "seed" not in changes:
            changes["seed"] = recipe.seed + world
        found: Recipe | MapRecipe = recipe.replace(**changes) if changes else recipe
        return any_recipe(found)

    def _trained(self, values: Mapping[str, Any]) -> TrainingConfig:
        changes = {
            axis.removeprefix("training."): value for axis, value in values.items() if axis.startswith("training.")
        }
        config = parse_training({**self._training, **flat_fields(self._plan.training), **changes}, "training")
        if config.match != "steps":
            raise InputError(
                f"training.match = {config.match!r}: a unit is one net, and its result must not depend on the machine; "
                "use steps"
            )
        return config

    def _architecture(self, name: str, values: Mapping[str, Any]) -> Architecture:
        prefix = f"models.{name}."
        changes = {axis.removeprefix(prefix): value for axis, value in values.items() if axis.startswith(prefix)}
        return self.nets.of(name, changes)


def _concerns(axis: str, net: str) -> bool:
    """Tell whether the units of a net depend on an axis: those of other nets' configs they do not."""
    return not axis.startswith("models.") or axis.startswith(f"models.{net}.")
