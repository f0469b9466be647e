"""Registry entries of the nets on maps."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, structs
from torch import nn

from gnnmax.models.entry import Config, Depth, ModelEntry, Width
from gnnmax.models.maps.convolution import MapCnn, MapPadding
from gnnmax.models.maps.entry import MapModelEntry
from gnnmax.models.maps.message_passing import MapGnn
from gnnmax.models.maps.product import MapProductNet
from gnnmax.models.maps.sliding import SlidingNet
from gnnmax.models.maps.unet import MapUnet
from gnnmax.models.registry import MODELS

__all__ = ["MAP_NETS", "SLIDING_NETS", "sliding_name"]

ORDER_LOST = "Find neighbours where the order of rows and columns is lost: it then sees single entries."
"""What no net on images can."""


class MapCnnConfig(Config, frozen=True):
    """The map CNN: channels, dilation of each block, padding."""

    width: Width = 24
    dilations: Annotated[tuple[Annotated[int, Meta(ge=1, le=64)], ...], Meta(min_length=1, max_length=64)] = (
        *(1, 2, 4),
        *(2, 1),
    )
    padding: MapPadding = "zero"


class MapUnetConfig(Config, frozen=True):
    """The map U-Net: channels, number of halvings, blocks of each level."""

    width: Width = 24
    levels: Annotated[int, Meta(ge=1, le=8)] = 3
    blocks: Depth = 1


class MapGnnConfig(Config, frozen=True):
    """The map graph net: features of an entry, operators, their channels, neighbours, rounds, the sparse form."""

    width: Width = 16
    heads: Depth = 4
    channels: Depth = 4
    neighbours: Annotated[int, Meta(ge=1, le=1024)] = 8
    rounds: Depth = 3
    sparse_from: Annotated[int, Meta(ge=1, le=1_000_000)] = 512


class MapProductConfig(Config, frozen=True):
    """The map product net: features of a pair, operators, their channels, third nodes, walks, rounds, neighbours."""

    width: Width = 24
    hidden: Width = 48
    heads: Depth = 4
    channels: Depth = 4
    likeness: Depth = 6
    walks: Depth = 4
    rounds: Depth = 4
    neighbours: Annotated[int, Meta(ge=1, le=1024)] = 48


def _cnn(config: MapCnnConfig) -> nn.Module:
    return MapCnn(**structs.asdict(config))


def _unet(config: MapUnetConfig) -> nn.Module:
    return MapUnet(**structs.asdict(config))


def _gnn(config: MapGnnConfig) -> nn.Module:
    return MapGnn(**structs.asdict(config))


def _product(config: MapProductConfig) -> nn.Module:
    return MapProductNet(**structs.asdict(config))


MAP_NETS: dict[str, MapModelEntry] = {
    "map-cnn": MapModelEntry(
        name="map-cnn",
        summary="The map as an image: residual dilated convolutions at full resolution.",
        build=_cnn,
        config=MapCnnConfig,
        equivariant=("transposition", "translation"),
        source="Yu and Koltun, ICLR 2016; He et al., ECCV 2016",
        cannot=ORDER_LOST,
    ),
    "map-unet": MapModelEntry(
        name="map-unet",
        summary="The map as an image at several resolutions: a U-Net.",
        build=_unet,
        config=MapUnetConfig,
        equivariant=("transposition",),
        source="Ronneberger et al., MICCAI 2015",
        cannot=ORDER_LOST,
    ),
    "map-gnn": MapModelEntry(
        name="map-gnn",
        summary="The map as a weighted graph: message passing among neighbours found in the weights.",
        build=_gnn,
        config=MapGnnConfig,
        equivariant=("relabelling", "transposition"),
        source="Gilmer et al., ICML 2017; Fey and Lenssen, ICLR workshop 2019; Zhang et al., NeurIPS 2021",
        cannot="Read the order in which the nodes come; read maps whose rows and columns are different nodes.",
        needs_nodes=True,
    ),
    "map-product": MapModelEntry(
        name="map-product",
        summary="Pairs of nodes, refined by products of learned operators that are read from the map itself.",
        build=_product,
        config=MapProductConfig,
        equivariant=("relabelling", "transposition"),
        source="Maron et al., NeurIPS 2019; Jumper et al., Nature 2021; Coifman and Lafon, ACHA 2006",
        cannot="Read the order in which the nodes come; read maps whose rows and columns are different nodes.",
        needs_nodes=True,
    ),
}
"""Nets that are made for maps."""


def sliding_name(name: str) -> str:
    """Return the name under which a net on windows slides over maps.

    Example:
        >>> sliding_name("cnn")
        'sliding-cnn'
    """
    return f"sliding-{name}"


def _sliding(entry: ModelEntry) -> MapModelEntry:
    """Make the entry of a net on windows that slides over a map."""
    name = sliding_name(entry.name)
    fields = [
        ("k", Annotated[int, Meta(ge=3, le=255)], 9),
        ("net", entry.config, msgspec.field(default_factory=entry.config)),
    ]
    config = msgspec.defstruct(
        f"Sliding{entry.config.__name__}",
        fields,
        bases=(Config,),
        namespace={"__post_init__": _check_side},
        frozen=True,
        kw_only=True,
    )

    def build(given: Config) -> nn.Module:
        k, net = (getattr(given, field) for field in ("k", "net"))
        return SlidingNet(entry.build(k, net), k=k, contexts=entry.needs_contexts)

    return MapModelEntry(
        name=name,
        summary=f"The net {entry.name} on the window around every entry.",
        build=build,
        config=config,
        equivariant=("transposition", "translation"),
        source=entry.source,
        cannot=f"See beyond the window. {ORDER_LOST}",
        needs_nodes=entry.needs_contexts,
    )


def _check_side(config: Config) -> None:
    if config.k % 2 == 0:  # type: ignore[attr-defined]  # of sliding nets
        raise ValueError("the side k of a window must be odd")


SLIDING_NETS: dict[str, MapModelEntry] = {sliding_name(name): _sliding(entry) for name, entry in MODELS.items()}
"""Every net on windows, slid over the map."""
