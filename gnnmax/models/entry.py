"""Registry entries of nets: config, symmetry, source; of nets on windows the accuracy ceiling that follows too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct
from torch import nn

from gnnmax.errors import InputError
from gnnmax.models.seeding import seeded
from gnnmax.models.tower_spec import TowerSpec
from gnnmax.models.visibility import Background, visible_ceiling
from gnnmax.task.symmetry_groups import Group, forced_ceiling

__all__ = ["BLURRED", "Config", "Depth", "Encoding", "Form", "Mark", "ModelEntry", "NetEntry", "Pool", "Width"]

Width = Annotated[int, Meta(ge=1, le=1024)]
Depth = Annotated[int, Meta(ge=1, le=64)]

Encoding = Literal["standard", "rank", "none"]
"""How a net encodes the values: on the window's own scale, by rank alone, or unchanged."""

Form = Literal["dense", "sparse"]
"""Whether a net computes with dense tensors or gathers and scatters along edges."""

Mark = Literal["both", "row", "none"]
"""Which part of the centre is marked: its row and its column, its row only, or nothing."""

Pool = Literal["max", "mean", "logsumexp"]
"""How a net pools features, on the same scale for any number of them."""

BLURRED = "Find the maximum of many entries: a softmax blurs as their number grows (Velickovic et al., 2024)."
"""Why nets with softmax attention miss the maximum of many entries."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the config of every model."""


@dataclass(frozen=True, kw_only=True)
class NetEntry:
    """What every registry states of a net, on windows or on maps.

    Attributes:
        on_maps: Whether its net reads maps, not windows.
        name: Its key in the registry; of an own net, its reference.
        summary: One line to show.
        config: The struct of its choices, with bounds; an own net may have a dataclass.
        source: The paper or page that it comes from.
        any_k: Whether a trained net accepts windows of any odd side; always, of nets on maps.
        needs_contexts: Whether it refuses windows without contexts.
        cannot: A limitation that no weights overcome; empty where there is none for this task.
    """

    on_maps: ClassVar[bool] = False

    name: str
    summary: str
    config: type[Any]
    source: str
    any_k: bool = True
    needs_contexts: bool = False
    cannot: str = ""

    @property
    def group_name(self) -> str:
        """The name of its symmetry."""
        raise NotImplementedError

    @property
    def invariances(self) -> tuple[str, ...]:
        """The transformations under which its scores are declared to stay, or to move with the entries."""
        raise NotImplementedError

    @property
    def field_names(self) -> set[str]:
        """The names that the plain values of a config may have."""
        return _field_names(self.config)

    def make(self, k: int | None, config: Any, seed: int) -> nn.Module:
        """Build a net with fresh weights, on the CPU; they depend on the seed alone.

        Args:
            k: Side of the windows; None for maps.
            config: A config of its type, checked.
            seed: Seed of the initial weights.
        """
        raise NotImplementedError

    def ceiling(self, k: int | None, config: Any = None, background: Background = "any") -> float | None:
        """Return the best score that its symmetry allows; None where none is known."""
        raise NotImplementedError

    def parse(self, plain: Any = None) -> Any:
        """Check plain values, or a config of its type, as its config.

        Args:
            plain: A dict as read from JSON or TOML, a config of the model's own type, or None for the defaults.

        Raises:
            InputError: an unknown field, or a value outside its bounds.

        Example:
            >>> from gnnmax.models.registry import MODELS
            >>> MODELS["gnn"].parse({"width": 0})
            Traceback (most recent call last):
            ...
            gnnmax.errors.InputError: config of model gnn: Expected `int` >= 1 - at `$.width`
        """
        if _is_config(plain) and not isinstance(plain, self.config):
            raise InputError(
                f"model {self.name} takes a {self.config.__name__}, not a {type(plain).__name__}: give its own config"
            )
        try:
            given = {} if plain is None else msgspec.to_builtins(plain)
            checked = msgspec.convert(given, self.config, strict=True)
        except (msgspec.ValidationError, TypeError, RecursionError) as error:
            raise InputError(f"config of model {self.name}: {error}") from None
        unknown = sorted(given.keys() - self.field_names)  # not all types refuse them
        if unknown:
            raise InputError(f"config of model {self.name}: Object contains unknown field `{unknown[0]}`")
        return checked


@dataclass(frozen=True, kw_only=True)
class ModelEntry(NetEntry):
    """One model of the registry, or a net of your own, see :mod:`gnnmax.models.own_nets`.

    Attributes:
        build: Makes the net from the side ``k`` and a config.
        group: The group that its scores are invariant to, exactly (up to rounding); the tests check it. None where no
            group is declared.
        orbit: Maps a side and a config to the number of entries that look like the centre, where the config decides it;
            else None, and the group decides.
        tower: Maps a config to the specification of a convolution tower, whose visible border gives a tighter ceiling
            than the group; None for other nets.
    """

    build: Callable[[int, Any], nn.Module]
    group: Group | None
    orbit: Callable[[int, Any], int] | None = None
    tower: Callable[[Any], TowerSpec] | None = None

    @property
    def group_name(self) -> str:
        """The name of its group, or "not declared"."""
        return "not declared" if self.group is None else self.group.name

    @property
    def invariances(self) -> tuple[str, ...]:
        """The transformations under which it is declared invariant."""
        return () if self.group is None else self.group.invariances

    def make(self, k: int | None, config: Any, seed: int) -> nn.Module:
        """Build a net with fresh weights, on the CPU; they depend on the seed alone.

        Args:
            k: Side of the windows.
            config: A config of its type, checked.
            seed: Seed of the initial weights.

        Raises:
            InputError: ``k`` is even or below 3, or the seed is out of bounds.
        """
        if k is None or k < 3 or k % 2 == 0:
            raise InputError(f"a window's side k must be odd and at least 3, not {k}: otherwise it has no centre entry")
        return seeded(lambda: self.build(k, config), seed)

    def ceiling(self, k: int | None, config: Any = None, background: Background = "any") -> float | None:
        """Return the best accuracy that the symmetry allows on windows with one planted maximum and little noise.

        It is None where no group is declared.

        Args:
            k: Side of the windows.
            config: Its config; None for the defaults.
            background: ``zero`` if all other entries are zero: padding with zeros is then harder to see.

        References:
            :func:`gnnmax.task.symmetry_groups.forced_ceiling`.

        Example:
            >>> from gnnmax.models.registry import MODELS
            >>> MODELS["gnn"].ceiling(9)
            1.0
            >>> net = MODELS["zero-global"]
            >>> round(net.ceiling(15), 4), round(net.ceiling(15, background="zero"), 4)
            (0.9821, 0.9464)
        """
        if self.group is None or k is None:
            return None
        chosen = self.config() if config is None else config
        if self.tower is not None:
            return visible_ceiling(self.tower(chosen), k, background)
        return self.group.ceiling(k) if self.orbit is None else forced_ceiling(self.orbit(k, chosen), k)


def _is_config(plain: Any) -> bool:
    return isinstance(plain, Struct) or (is_dataclass(plain) and not isinstance(plain, type))


def _field_names(config: type[Any]) -> set[str]:
    """Return the names that the plain values of a config may have."""
    if is_dataclass(config):
        return {field.name for field in fields(config)}
    tag = config.__struct_config__.tag_field
    return {*config.__struct_encode_fields__} | ({tag} if tag else set())
