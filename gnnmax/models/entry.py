"""A model's registry entry: its config, the group it is invariant to, and the accuracy ceiling that follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from torch import nn

from gnnmax.models.tower_spec import TowerSpec
from gnnmax.models.visibility import Background, visible_ceiling
from gnnmax.task.symmetry_groups import Group, forced_ceiling

__all__ = ["BLURRED", "Config", "Depth", "Encoding", "Form", "Mark", "ModelEntry", "Pool", "Width"]

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


@dataclass(frozen=True)
class ModelEntry:
    """One model of the registry.

    Attributes:
        name: Its key in :data:`gnnmax.models.registry.MODELS`.
        summary: One line to show.
        build: Makes the net from the side ``k`` and a config.
        config: The frozen struct of its choices, with bounds.
        group: The group that its scores are invariant to, exactly (up to rounding); the tests check it.
        any_k: Whether a trained net accepts windows of any odd side.
        source: The paper or page that it comes from.
        cannot: A limitation that no weights overcome; empty where there is none for this task.
        needs_contexts: Whether it refuses windows without contexts.
        orbit: Maps a side and a config to the number of entries that look like the centre, where the config decides it;
            else None, and the group decides.
        tower: Maps a config to the specification of a convolution tower, whose visible border gives a tighter ceiling
            than the group; None for other nets.
    """

    name: str
    summary: str
    build: Callable[[int, Any], nn.Module]
    config: type[Config]
    group: Group
    any_k: bool
    source: str
    cannot: str = ""
    needs_contexts: bool = False
    orbit: Callable[[int, Any], int] | None = None
    tower: Callable[[Any], TowerSpec] | None = None

    def ceiling(self, k: int, config: Any = None, background: Background = "any") -> float:
        """Return the best accuracy that the symmetry allows on windows with one planted maximum and little noise.

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
        chosen = self.config() if config is None else config
        if self.tower is not None:
            return visible_ceiling(self.tower(chosen), k, background)
        return self.group.ceiling(k) if self.orbit is None else forced_ceiling(self.orbit(k, chosen), k)
