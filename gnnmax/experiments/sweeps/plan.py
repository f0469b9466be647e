"""Plans of sweeps: which fields vary, over which values, on which data, with which nets and seeds."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from gnnmax.data.maps.recipe import MapRecipe
from gnnmax.data.recipe import Recipe
from gnnmax.data.recipe_files import any_recipe, load_recipe
from gnnmax.errors import InputError, suggestion, unknown_name
from gnnmax.experiments.sweeps.axes import drawn_value, flat_fields, grid_values
from gnnmax.experiments.sweeps.units import Unit
from gnnmax.io.presets import Presets
from gnnmax.models.architecture import Architecture, named_architectures
from gnnmax.models.references import is_reference
from gnnmax.training.config import TrainingConfig, parse_training
from gnnmax.training.config_files import load_config

__all__ = ["PLANS", "PlanLike", "Point", "SweepPlan", "load_plan", "parse_plan", "plan_names"]

PLANS = Presets("plan", Path(__file__).parent / "plans")

MOST_UNITS = 1_000_000

Seed = Annotated[int, Meta(ge=0, le=2**62)]
Seeds = Annotated[int, Meta(ge=1, le=1_000)] | Annotated[list[Seed], Meta(min_length=1, max_length=1_000)]
Table = dict[str, Any]
PARTS = ("recipe", "training", "models")
"""First words of the names of axes."""


class SweepPlan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plan of a sweep, as its TOML file states it.

    Every axis has a name: ``recipe.FIELD``, ``training.FIELD`` or ``models.NET.FIELD``, each field as in a recipe, a
    config or the config of a net.

    Attributes:
        summary: One line that describes it.
        data: Name of a recipe or path of a recipe file, or a list of them.
        models: Names of nets, or a table of nets by name with their configs, as in a config file.
        config: Name or path of a config file with the training and with configs of nets; None takes the defaults.
        seeds: Number of seeds, 0, 1, ..., or a list of them.
        recipe: Fields of the recipes that differ from their files, by dotted names.
        training: Fields of the training that differ from the config file.
        grid: Axes whose values are all combined.
        random: Axes whose values are drawn for each random world.
        worlds: Number of random worlds; 0 for none. Each has its own seed of the recipe.
        world_seed: Seed of the random worlds.
        metric: The metric that figures show; None takes the accuracy, or the recall on maps.
        compare: The two nets whose break-even is sought; None takes the last and the first.
    """

    summary: Annotated[str, Meta(max_length=500)] = ""
    data: str | Annotated[list[str], Meta(min_length=1, max_length=100)]
    models: Annotated[list[str], Meta(min_length=1, max_length=100)] | Annotated[dict[str, Table], Meta(min_length=1)]
    config: str | None = None
    seeds: Seeds = 1
    recipe: Table = {}
    training: Table = {}
    grid: Table = {}
    random: Table = {}
    worlds: Annotated[int, Meta(ge=0, le=MOST_UNITS)] = 0
    world_seed: Seed = 0
    metric: str | None = None
    compare: Annotated[list[str], Meta(min_length=2, max_length=2)] | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes, first those of the grid."""
        names = [*flat_fields(self.grid), *flat_fields(self.random)]
        return (*(["data"] if len(self.sources) > 1 else []), *names)

    @property
    def sources(self) -> list[str]:
        """Names of the recipes."""
        return [self.data] if isinstance(self.data, str) else self.data

    @property
    def seed_list(self) -> list[int]:
        """The seeds."""
        return list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    @property
    def digest(self) -> str:
        """SHA-256 of the plan without its summary, in hexadecimal."""
        plain = msgspec.to_builtins(structs.replace(self, summary=""))
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

    def points(self) -> list[Point]:
        """Return every point of the sweep, in order: world by world, and in each all nets and seeds.

        Raises:
            InputError: a value is outside the bounds of its field, or a net is unknown; the message names the point.
        """
        found = list(_Expansion(self))
        if not found:
            raise InputError("the plan has no unit: give worlds a number of at least 1, or leave out random axes")
        return found


PlanLike = SweepPlan | str | Path | Mapping[str, Any]
"""A plan, the name of a shipped one, the path of a ``.toml`` file, or a plan as plain dicts."""


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


def plan_names() -> list[str]:
    """List the names of the shipped plans.

    Example:
        >>> "example" in plan_names()
        True
    """
    return PLANS.names()


def load_plan(given: PlanLike) -> SweepPlan:
    """Return a plan, in any form in which it is given.

    Raises:
        InputError: an unknown name, an unreadable file, or a field that does not fit.

    Example:
        >>> load_plan("example").worlds
        0
        >>> load_plan({"data": "tiny", "models": ["cnn"], "grdi": {}})
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: the plan has the unknown field 'grdi': did you mean grid?
    """
    if isinstance(given, SweepPlan):
        return parse_plan(msgspec.to_builtins(given), "the plan")
    if isinstance(given, Mapping):
        return parse_plan(dict(given), "the plan")
    return parse_plan(PLANS.read(given), f"the plan {given}")


def parse_plan(plain: Any, title: str) -> SweepPlan:
    """Check plain values as a plan; the names of its axes too.

    Args:
        plain: As read from TOML or JSON.
        title: How an error names it.

    Raises:
        InputError: a field does not fit; the message gives the field and the reason.
    """
    if isinstance(plain, dict):
        for name in plain:
            if name not in SweepPlan.__struct_fields__:
                known = suggestion(str(name), SweepPlan.__struct_fields__)
                raise InputError(f"{title} has the unknown field {name!r}{known}")
    try:
        plan = msgspec.convert(plain, SweepPlan, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"{title}: {error}") from None
    _check_axes(plan, title)
    return plan


def _check_axes(plan: SweepPlan, title: str) -> None:
    if not isinstance(plan.seeds, int) and len(set(plan.seeds)) < len(plan.seeds):
        raise InputError(f"{title}: each seed is given once, not {plan.seeds}")
    if bool(plan.random) != bool(plan.worlds):
        raise InputError(
            f"{title}: random axes need a number of worlds, and worlds need random axes; give both or neither"
        )
    grid, random = flat_fields(plan.grid), flat_fields(plan.random)
    for axis in grid.keys() & random.keys():
        raise InputError(f"{title}: the axis {axis} is on the grid and random too: choose one of the two")
    for axis in (*grid, *random):
        part, _, field = axis.partition(".")
        if part not in PARTS or not field:
            near = suggestion(part, PARTS) or ": expected"
            raise InputError(
                f"{title}: the axis {axis!r} is unknown{near} one of recipe.FIELD, training.FIELD, models.NET.FIELD"
                if near == ": expected"
                else f"{title}: the axis {axis!r} is unknown{near}"
            )
        if part == "training":
            _check_field(field, TrainingConfig.__struct_fields__, f"{title}: the axis {axis!r}")
    for field in flat_fields(plan.training):
        _check_field(field, TrainingConfig.__struct_fields__, f"{title}: training.{field}")


def _check_field(field: str, known: Sequence[str], what: str) -> None:
    if field not in known:
        raise InputError(f"{what} is unknown{suggestion(field, known) or f'; known: {chr(44).join(known)}'}")


class _Expansion:
    """The points of a plan; recipes, trainings and nets that occur often are made once."""

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        self._recipes = {name: load_recipe(name) for name in plan.sources}
        maps = {isinstance(recipe, MapRecipe) for recipe in self._recipes.values()}
        if len(maps) > 1:
            raise InputError("some recipes of the plan hold maps and others windows: make a plan for each")
        self._maps = maps == {True}
        config = None if plan.config is None else load_config(plan.config)
        self._training = {} if config is None else msgspec.to_builtins(config.training)
        tables = {} if config is None else config.models
        given = plan.models if isinstance(plan.models, dict) else dict.fromkeys(plan.models)
        self._given = {name: tables.get(name) if own is None else own for name, own in given.items()}
        for name, own in self._given.items():
            if is_reference(name) or (isinstance(own, dict) and is_reference(str(own.get("model", "")))):
                raise InputError(f"a plan names no code, and {name} does: use nets of the registry")
        self._nets: dict[str, Architecture] = {}
        self._grid = {axis: grid_values(axis, own) for axis, own in flat_fields(plan.grid).items()}
        self._random = flat_fields(plan.random)
        for axis in (*self._grid, *self._random):
            self._check_net(axis)
        for net in plan.compare or ():
            if net not in self._given:
                raise unknown_name("net to compare", net, self._given)
        size = math.prod(map(len, self._grid.values())) * max(plan.worlds, 1) * len(plan.seed_list) * len(given)
        if size * len(plan.sources) > MOST_UNITS:
            raise InputError(f"the plan has {size:,} units, and at most {MOST_UNITS:,} are allowed: make it smaller")

    def _check_net(self, axis: str) -> None:
        """Refuse an axis of an unknown net, or of a field that the net does not have."""
        part, _, rest = axis.partition(".")
        if part != "models":
            return
        name, _, field = rest.partition(".")
        if name not in self._given:
            raise unknown_name(f"net of the axis {axis}:", name, self._given)
        known = self._net({name: self._given[name]})[name].config.__struct_fields__
        _check_field(field.partition(".")[0], known, f"the axis {axis!r}")

    def _net(self, given: Mapping[str, Any]) -> dict[str, Architecture]:
        return named_architectures(given, maps=self._maps)

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
            nets = {name: self._architecture(name, values) for name in self._given}
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
        key = f"{name} {json.dumps(changes, sort_keys=True)}"
        if key not in self._nets:
            net = self._net({name: self._given[name]})[name]
            self._nets[key] = net.changed(**changes) if changes else net
        return self._nets[key]


def _concerns(axis: str, net: str) -> bool:
    """Tell whether the units of a net depend on an axis: those of other nets' configs they do not."""
    return not axis.startswith("models.") or axis.startswith(f"models.{net}.")
