"""What the registry says of a model: its config, the group it is invariant to, the ceiling that this forces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct

from gnnmax.groups import Group, forced_ceiling

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Config", "Depth", "Encoding", "Form", "Mark", "ModelEntry", "Pool", "Width"]

Width = Annotated[int, Meta(ge=1, le=1024)]
Depth = Annotated[int, Meta(ge=1, le=64)]

Encoding = Literal["standard", "rank", "none"]
"""How a net reads the values: on the window's own scale, by rank alone, or as they are."""

Form = Literal["dense", "sparse"]
"""Whether a net computes with whole tensors or gathers and scatters along edges."""

Mark = Literal["both", "row", "none"]
"""What a net is told of the centre: its row and its column, its row only, or nothing."""

Pool = Literal["max", "mean", "logsumexp"]
"""How a net sums up many features, alike for any number of them."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be chosen about a model: the base of every model's own config."""


@dataclass(frozen=True)
class ModelEntry:
    """One model of the registry.

    Attributes:
        name: Its key in :data:`gnnmax.models.registry.MODELS`.
        summary: One line for people.
        build: Makes the net from the side ``k`` and a config.
        config: The frozen struct that holds its choices, with bounds.
        group: What its scores do not notice, exactly (up to rounding); the tests hold it to that.
        any_k: Whether a trained net takes windows of any odd side.
        source: Where it comes from.
        cannot: What no weights can make it do; empty where nothing of this task is beyond it.
        needs_contexts: Whether it takes no windows without contexts.
        orbit: From a side and a config to the number of entries that look like the centre, where that is not the
            group's own orbit: a border that the net sees tells more, a choice of the config less.
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

    def ceiling(self, k: int, config: Any = None) -> float:
        """Return the best accuracy that its symmetry allows on windows with one planted maximum and little noise.

        Args:
            k: Side of the windows.
            config: Its config; None for the defaults.

        References:
            :func:`gnnmax.groups.forced_ceiling`.

        Example:
            >>> from gnnmax.models.registry import MODELS
            >>> MODELS["gnn"].ceiling(9)
            1.0
        """
        if self.orbit is None:
            return self.group.ceiling(k)
        return forced_ceiling(self.orbit(k, self.config() if config is None else config), k)
