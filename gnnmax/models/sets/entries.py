"""Registry entries of the nets that read a window as a bag of entries, or as a matrix over one set of nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, structs
from torch import nn

from gnnmax.models.entry import BLURRED, Config, Depth, Encoding, ModelEntry, Pool, Width
from gnnmax.models.sets.sets import DeepSetsNet, SetTransformerNet
from gnnmax.models.sets.simultaneous import SimultaneousNet
from gnnmax.task.symmetry_groups import GROUPS

__all__ = [
    "SET_NETS",
]


class BagConfig(Config, frozen=True):
    """A net over a bag: features of an entry, whether the centre is marked, pools, encoding."""

    width: Width = 32
    marked: bool = True
    pools: Annotated[tuple[Pool, ...], Meta(min_length=1)] = ("max", "mean")
    encoding: Encoding = "standard"

    def __post_init__(self) -> None:
        if len(set(self.pools)) < len(self.pools):
            raise ValueError("name each pool once")


class SimultaneousConfig(BagConfig, frozen=True):
    """The net over one set of nodes: the fields of BagConfig, and layers."""

    width: Width = 24
    rounds: Depth = 2


class SetTransformerConfig(Config, frozen=True):
    """The Set Transformer: features of an entry, blocks, heads, whether the centre is marked, encoding."""

    width: Width = 32
    rounds: Depth = 2
    heads: Depth = 4
    marked: bool = True
    encoding: Encoding = "standard"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads cannot share a width of {self.width}: take a divisor")


def _deepsets(_k: int, config: BagConfig) -> nn.Module:
    return DeepSetsNet(**structs.asdict(config))


def _set_transformer(_k: int, config: SetTransformerConfig) -> nn.Module:
    return SetTransformerNet(**structs.asdict(config))


def _simultaneous(_k: int, config: SimultaneousConfig) -> nn.Module:
    return SimultaneousNet(**structs.asdict(config))


def _orbit(marked: str, unmarked: str) -> Callable[[int, Any], int]:
    """Count the entries that look like the centre, for a marked and an unmarked one."""
    return lambda k, config: GROUPS[marked if config.marked else unmarked].centre_orbit(k)


SET_NETS: dict[str, ModelEntry] = {
    "deepsets": ModelEntry(
        name="deepsets",
        summary="The matrix as a bag of entries with the centre marked: a perceptron on each entry, then pools.",
        build=_deepsets,
        config=BagConfig,
        group=GROUPS["entries_rooted"],
        any_k=True,
        source="Zaheer et al., NeurIPS 2017",
        cannot="See the shape of a peak wider than one entry: it ignores rows and columns.",
        orbit=_orbit("entries_rooted", "entries"),
    ),
    "set-transformer": ModelEntry(
        name="set-transformer",
        summary="The matrix as a bag of entries with the centre marked: entries attend to each other.",
        build=_set_transformer,
        config=SetTransformerConfig,
        group=GROUPS["entries_rooted"],
        any_k=True,
        source="Lee et al., ICML 2019",
        cannot=BLURRED,
        orbit=_orbit("entries_rooted", "entries"),
    ),
    "simultaneous": ModelEntry(
        name="simultaneous",
        summary="The matrix over one set of nodes: every linear map that commutes with relabelling them.",
        build=_simultaneous,
        config=SimultaneousConfig,
        group=GROUPS["simultaneous_rooted"],
        any_k=True,
        source="Maron et al., ICLR 2019",
        cannot="Treat rows and columns as different nodes: it pairs row i with column i.",
        orbit=_orbit("simultaneous_rooted", "simultaneous"),
    ),
}
"""Nets over sets by name."""
