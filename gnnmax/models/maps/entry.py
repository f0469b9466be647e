"""Registry entries of nets on maps: their equivariance, and how they are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import nn

from gnnmax.models.entry import NetEntry
from gnnmax.models.seeding import seeded
from gnnmax.models.visibility import Background

__all__ = ["EquivariantEntry", "MapModelEntry", "MapSymmetry"]

MapSymmetry = Literal["relabelling", "transposition", "translation"]
"""An action on a map under which a net's evidence moves with the entries.

``relabelling``: rows and columns are renumbered together, as nodes; ``transposition``: rows and columns change places;
``translation``: the map moves within a larger area that is not observed.
"""


@dataclass(frozen=True, kw_only=True)
class EquivariantEntry(NetEntry):
    """One net on maps of any side, whose scores move with the entries or with the nodes.

    Attributes:
        build: Makes the net from a config.
        equivariant: The actions that it is equivariant to, exactly (up to rounding); the tests check each, and that it
            has no other. None where a net of your own declares none.
    """

    on_maps: ClassVar[bool] = True

    build: Callable[[Any], nn.Module]
    equivariant: tuple[MapSymmetry, ...] | None

    @property
    def group_name(self) -> str:
        """The names of the actions that it is equivariant to, "none", or "not declared"."""
        return "not declared" if self.equivariant is None else ", ".join(self.equivariant) or "none"

    @property
    def invariances(self) -> tuple[str, ...]:
        """The actions under which its scores are declared to move with the entries or the nodes."""
        return self.equivariant or ()

    def make(self, k: int | None, config: Any, seed: int) -> nn.Module:
        """Build a net with fresh weights, on the CPU; they depend on the seed alone.

        Args:
            k: None: a map has no side.
            config: A config of its type, checked.
            seed: Seed of the initial weights.

        Raises:
            InputError: the seed is out of bounds.
        """
        del k
        return seeded(lambda: self.build(config), seed)

    def ceiling(self, k: int | None, config: Any = None, background: Background = "any") -> float | None:
        """Return None: ceilings of maps are those of their recipe, see :mod:`gnnmax.data.maps.ceilings`.

        Borders of hidden blocks are in :func:`gnnmax.task.blocks.block_borders`.
        """
        del k, config, background
        return None


@dataclass(frozen=True, kw_only=True)
class MapModelEntry(EquivariantEntry):
    """One net on maps.

    Its module takes values ``(B, n, m)``, NaN where nothing is observed and outside a map, of any n and m, and returns
    the evidence of a peak at each entry, ``(B, n, m)``: the log likelihood of a peak there against none, up to a
    constant of each map.

    Attributes:
        needs_nodes: Whether rows and columns must be the same nodes: weights among rows are then known.

    Example:
        >>> from gnnmax.models.maps.registry import MAP_MODELS
        >>> MAP_MODELS["map-gnn"].group_name
        'relabelling, transposition'
    """

    needs_nodes: bool = False
