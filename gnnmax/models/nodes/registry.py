"""The registry of nets that score the nodes of a map, and how one is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, structs
from torch import nn

from gnnmax.errors import unknown_name
from gnnmax.models.entry import Config, Depth, Width
from gnnmax.models.maps.entry import EquivariantEntry
from gnnmax.models.nodes.baselines import GatNodes, GinNodes, GraphTransformerNodes
from gnnmax.models.nodes.boxes import BoxNet
from gnnmax.models.nodes.diagonal import DiagonalCnn
from gnnmax.models.nodes.product import ProductNodes
from gnnmax.models.nodes.spectral import SpectralNet
from gnnmax.models.nodes.unrolled_amp import LearnedDenoiser, UnrolledAMP

__all__ = ["NODE_MODELS", "NodeModelEntry", "build_node_model"]

Steps = Annotated[int, Meta(ge=1, le=1000)]


@dataclass(frozen=True, kw_only=True)
class NodeModelEntry(EquivariantEntry):
    """One net that scores the nodes of symmetric maps.

    Its module takes values ``(B, n, n)`` of any n, NaN where nothing is observed and outside a map, and returns
    logarithmic odds that a node belongs to a hidden block, ``(B, n)``; minus infinity outside a map.

    Example:
        >>> NODE_MODELS["spectral"].group_name
        'relabelling'
    """

    @property
    def reads_order(self) -> bool:
        """Whether its scores depend on the order in which the nodes come."""
        return "relabelling" not in self.invariances


class UnrolledAmpConfig(Config, frozen=True):
    """Unrolled message passing: steps, and chains of messages that assume different heights of a block."""

    steps: Steps = 12
    chains: Depth = 3


class SpectralConfig(Config, frozen=True):
    """The spectral net: number of leading eigenvectors, features of each."""

    vectors: Depth = 3
    width: Width = 16


class GinConfig(Config, frozen=True):
    """The graph isomorphism network: features of a node, layers."""

    width: Width = 24
    layers: Depth = 6


Heads = Annotated[int, Meta(ge=1, le=64)]


class GatConfig(Config, frozen=True):
    """The graph attention network: features of a head, heads, layers, entries that a row keeps."""

    head_width: Width = 4
    heads: Heads = 4
    layers: Depth = 3
    kept: Annotated[int, Meta(ge=1, le=1024)] = 16


class GraphTransformerConfig(GatConfig, frozen=True):
    """The graph transformer: as the graph attention network, and the number of Laplacian eigenvectors."""

    vectors: Depth = 4


class DiagonalCnnConfig(Config, frozen=True):
    """The map CNN along the diagonal: channels, dilation of each block."""

    width: Width = 8
    dilations: Annotated[tuple[Annotated[int, Meta(ge=1, le=64)], ...], Meta(min_length=1, max_length=64)] = (
        *(1, 2, 4),
        *(8, 4, 2, 1),
    )


class BoxNetConfig(Config, frozen=True):
    """Box filters along the diagonal: width of the net on responses, nodes of the largest box, sizes an octave."""

    width: Width = 32
    largest: Annotated[int, Meta(ge=3, le=4096)] = 256
    sizes_per_octave: Annotated[int, Meta(ge=1, le=64)] = 6


class MapProductConfig(Config, frozen=True):
    """The map product net on nodes: sizes of its pairs, operators and walks, see ``ProductNodes``."""

    width: Width = 12
    hidden: Width = 24
    heads: Heads = 2
    channels: Width = 2
    likeness: Width = 4
    walks: Annotated[int, Meta(ge=1, le=8)] = 2
    rounds: Depth = 3


def _unrolled_amp(config: UnrolledAmpConfig) -> nn.Module:
    return UnrolledAMP(LearnedDenoiser(config.chains), steps=config.steps)


def _spectral(config: SpectralConfig) -> nn.Module:
    return SpectralNet(**structs.asdict(config))


def _gin(config: GinConfig) -> nn.Module:
    return GinNodes(**structs.asdict(config))


def _attention(net: type[GatNodes]) -> Callable[[GatConfig], nn.Module]:
    def build(config: GatConfig) -> nn.Module:
        given = structs.asdict(config)
        return net(width=given.pop("head_width") * config.heads, **given)

    return build


def _map_product(config: MapProductConfig) -> nn.Module:
    return ProductNodes(**structs.asdict(config))


def _diagonal_cnn(config: DiagonalCnnConfig) -> nn.Module:
    return DiagonalCnn(**structs.asdict(config))


def _box_net(config: BoxNetConfig) -> nn.Module:
    return BoxNet(**structs.asdict(config))


LOST = "Read the order in which the nodes come."
"""What no net on graphs can."""

BLIND = "Find a block where the order of the nodes is lost: it then sees single entries."
"""What no net on images can."""


def build_node_model(name: str, config: Any = None, seed: int = 0) -> nn.Module:
    """Build a net that scores nodes with fresh weights, on the CPU.

    The weights depend on ``seed`` alone; torch's global generator keeps its state.

    Args:
        name: A key of :data:`NODE_MODELS`.
        config: A dict as read from JSON or TOML, a config of the net's own type, or None for the defaults.
        seed: Seed of the initial weights.

    Returns:
        A module from symmetric maps ``(B, n, n)``, NaN where nothing is observed, to logarithmic odds ``(B, n)``.

    Raises:
        InputError: an unknown net, a config that does not fit, or a seed out of bounds.

    Example:
        >>> import torch
        >>> build_node_model("unrolled-amp")(torch.zeros(2, 9, 9)).shape
        torch.Size([2, 9])
        >>> build_node_model("cnn")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: unknown net on nodes 'cnn'...
    """
    if name not in NODE_MODELS:
        raise unknown_name("net on nodes", name, NODE_MODELS)
    entry = NODE_MODELS[name]
    return entry.make(None, entry.parse(config), seed)


NODE_MODELS: dict[str, NodeModelEntry] = {
    entry.name: entry
    for entry in (
        NodeModelEntry(
            name="unrolled-amp",
            summary="Weight-shared message passing with memory and a learned denoiser.",
            build=_unrolled_amp,
            config=UnrolledAmpConfig,
            equivariant=("relabelling",),
            source="Borgerding, Schniter and Rangan, IEEE TSP 2017; Hajek, Wu and Xu, JMLR 2018",
            cannot=LOST,
        ),
        NodeModelEntry(
            name="spectral",
            summary="A net on the leading eigenvectors, whatever their signs are.",
            build=_spectral,
            config=SpectralConfig,
            equivariant=("relabelling",),
            source="Lim et al., ICLR 2023",
            cannot=f"{LOST} See a block that the leading eigenvectors do not.",
        ),
        NodeModelEntry(
            name="gin",
            summary="A graph isomorphism network on the whole weighted map.",
            build=_gin,
            config=GinConfig,
            equivariant=("relabelling",),
            source="Xu et al., ICLR 2019; Fey and Lenssen, ICLR workshop 2019",
            cannot=LOST,
        ),
        NodeModelEntry(
            name="gat",
            summary="A graph attention network on the strongest entries of each row.",
            build=_attention(GatNodes),
            config=GatConfig,
            equivariant=("relabelling",),
            source="Brody, Alon and Yahav, ICLR 2022; Fey and Lenssen, ICLR workshop 2019",
            cannot=f"{LOST} See the entries that no row keeps.",
        ),
        NodeModelEntry(
            name="graph-transformer",
            summary="A graph transformer with Laplacian encodings on the strongest entries of each row.",
            build=_attention(GraphTransformerNodes),
            config=GraphTransformerConfig,
            equivariant=("relabelling",),
            source="Dwivedi and Bresson, AAAI workshop 2021; Shi et al., IJCAI 2021",
            cannot=f"{LOST} See the entries that no row keeps.",
        ),
        NodeModelEntry(
            name="map-product",
            summary="The map product net: pairs that it finds to lie in a block, counted along each row.",
            build=_map_product,
            config=MapProductConfig,
            equivariant=("relabelling",),
            source="Maron et al., NeurIPS 2019; Jumper et al., Nature 2021",
            cannot=f"{LOST} Score thousands of nodes: its cost grows as their cube.",
        ),
        NodeModelEntry(
            name="diagonal-cnn",
            summary="The map as an image: the evidence of the map CNN along the diagonal.",
            build=_diagonal_cnn,
            config=DiagonalCnnConfig,
            equivariant=("translation",),
            source="Yu and Koltun, ICLR 2016; He et al., ECCV 2016",
            cannot=BLIND,
        ),
        NodeModelEntry(
            name="box-net",
            summary="Box filters of many sizes along the diagonal, and a softmax over the boxes.",
            build=_box_net,
            config=BoxNetConfig,
            equivariant=("translation",),
            source="Viola and Jones, CVPR 2001; Burkov and Lempitsky, NeurIPS 2018",
            cannot=BLIND,
        ),
    )
}
"""The nets on nodes by name."""
