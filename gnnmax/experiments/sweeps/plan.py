"""Plans of sweeps: which fields vary, over which values, on which data, with which nets and seeds."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from gnnmax.errors import InputError, suggestion
from gnnmax.experiments.sweeps.axes import check_field, flat_fields
from gnnmax.experiments.sweeps.nets import Table, split_code
from gnnmax.io.presets import Presets
from gnnmax.training.config import TrainingConfig

__all__ = ["MOST_UNITS", "PLANS", "PlanLike", "SweepPlan", "load_plan", "parse_plan", "plan_and_code", "plan_names"]

PLANS = Presets("plan", Path(__file__).parent / "plans")

MOST_UNITS = 100_000
"""Units of a plan: their descriptions fit into memory."""

DEEPEST = 8
"""Tables and lists inside one another."""

LARGEST = 2**62

Seed = Annotated[int, Meta(ge=0, le=2**62)]
Seeds = Annotated[int, Meta(ge=1, le=1_000)] | Annotated[list[Seed], Meta(min_length=1, max_length=1_000)]
_Nets = Annotated[dict[str, Table | str], Meta(min_length=1, max_length=100)]
PARTS = ("recipe", "training", "models")
"""First words of the names of axes."""


class SweepPlan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plan of a sweep, as its TOML file states it.

    Every axis has a name: ``recipe.FIELD``, ``training.FIELD`` or ``models.NET.FIELD``, each field as in a recipe, a
    config or the config of a net.

    Attributes:
        summary: One line that describes it.
        data: Name of a recipe or path of a recipe file, or a list of them.
        models: Names of nets, ``NAME=NET`` too, or a table of nets by name with their configs, as in a config file. A
            net of your own is named here, and its code in the call.
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
        ceilings: Whether the best possible metrics of every world of maps are computed too, once for each world; it
            takes seconds. On windows each result has its ceiling anyway.
    """

    summary: Annotated[str, Meta(max_length=500)] = ""
    data: str | Annotated[list[str], Meta(min_length=1, max_length=100)]
    models: Annotated[list[str], Meta(min_length=1, max_length=100)] | _Nets
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
    ceilings: bool = False

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


PlanLike = SweepPlan | str | Path | Mapping[str, Any]
"""A plan, the name of a shipped one, the path of a ``.toml`` file, or a plan as plain dicts."""


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
    return plan_and_code(given)[0]


def plan_and_code(given: PlanLike) -> tuple[SweepPlan, dict[str, Any]]:
    """Return a plan, and the code of nets of your own that a plan in plain values names; a file names no code.

    Raises:
        InputError: as for :func:`load_plan`.
    """
    if isinstance(given, SweepPlan):
        return parse_plan(msgspec.to_builtins(given), "the plan"), {}
    if not isinstance(given, Mapping):
        return parse_plan(PLANS.read(given), f"the plan {given}"), {}
    plain = dict(given)
    nets, code = split_code(plain.get("models"))
    if "models" in plain:
        plain["models"] = nets
    return parse_plan(plain, "the plan"), code


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
    _check_plain(plain, title)
    try:
        plan = msgspec.convert(plain, SweepPlan, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"{title}: {error}") from None
    _check_axes(plan, title)
    return plan


def _check_plain(value: Any, title: str, depth: int = 0) -> None:
    """Refuse what no file of results holds: dates, numbers that are not finite, and values inside one another."""
    if depth > DEEPEST:
        raise InputError(f"{title} holds more than {DEEPEST} tables and lists inside one another: make it flatter")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise InputError(f"{title} has the key {name!r:.60}: names of fields are text")
            _check_plain(inner, title, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_plain(inner, title, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{title} holds the number {value}: give a finite one")
    elif isinstance(value, int) and abs(value) > LARGEST:
        raise InputError(f"{title} holds an integer of {value.bit_length()} bits: give one of at most 62")
    elif value is not None and not isinstance(value, str | int | float):
        raise InputError(f"{title} holds a {type(value).__name__}: give text, numbers, lists and tables")


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
            check_field(field, TrainingConfig.__struct_fields__, f"{title}: the axis {axis!r}")
    for field in flat_fields(plan.training):
        check_field(field, TrainingConfig.__struct_fields__, f"{title}: training.{field}")
