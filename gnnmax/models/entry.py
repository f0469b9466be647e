"""What the registry says of a model: its config, the group it is invariant to, the ceiling that this forces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from torch import nn

from gnnmax.models.plan import Plan
from gnnmax.models.visibility import Background, visible_ceiling
from gnnmax.task.symmetry_groups import Group, forced_ceiling

__all__ = ["BLURRED", "Config", "Depth", "Encoding", "Form", "Mark", "ModelEntry", "Pool", "Width"]

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

BLURRED = "A softmax over ever more entries blurs: it keeps no maximum over many (Velickovic et al., 2024)."
"""Why nets that attend by a softmax miss the maximum of many entries."""


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
        orbit: From a side and a config to the number of entries that look like the centre, where a choice of the config
            makes them other than the group's own orbit.
        plan: From a config to the plan of a convolution tower: a border that it sees tells more than the group says.
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
    plan: Callable[[Any], Plan] | None = None

    def ceiling(self, k: int, config: Any = None, background: Background = "any") -> float:
        """Return the best accuracy that its symmetry allows on windows with one planted maximum and little noise.

        Args:
            k: Side of the windows.
            config: Its config; None for the defaults.
            background: ``zero``: what is around the maximum is zero, and a border of zeros is harder to see.

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
        if self.plan is not None:
            return visible_ceiling(self.plan(chosen), k, background)
        return self.group.ceiling(k) if self.orbit is None else forced_ceiling(self.orbit(k, chosen), k)
