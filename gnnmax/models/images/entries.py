"""Registry entries of the nets that read a window as an image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, structs
from torch import nn

from gnnmax.models.entry import Config, Depth, Encoding, ModelEntry, Width
from gnnmax.models.images import views
from gnnmax.models.images.cnn import ImageNet
from gnnmax.models.images.tower import TowerNet
from gnnmax.models.images.vit import VisionTransformer
from gnnmax.models.tower_spec import Downsampling, Padding, TowerSpec
from gnnmax.task.symmetry_groups import GROUPS

__all__ = [
    "IMAGE_NETS",
]

Stride = Annotated[int, Meta(ge=1, le=255)]


class QuestionConfig(Config, frozen=True):
    """The asker's network: only the encoding of the values is free; as a scorer it has one output."""

    outputs: Annotated[int, Meta(ge=1, le=1)] = 1
    encoding: Encoding = "standard"


class TowerConfig(Config, frozen=True):
    """A convolution tower: channels of each layer, number of layers (each sees one entry further), and encoding."""

    width: Width = 24
    layers: Depth = 3
    encoding: Encoding = "standard"


class ShallowConfig(TowerConfig, frozen=True):
    """A tower of valid convolutions: one layer by default, so that it accepts windows of side 3 too."""

    layers: Depth = 1


class DownsampledConfig(TowerConfig, frozen=True):
    """A convolution tower that ends with downsampling by ``step``."""

    layers: Depth = 2
    step: Stride = 3


class CnnConfig(Config, frozen=True):
    """The convolutional net: channels, residual blocks (each sees one entry further), and encoding."""

    width: Width = 24
    blocks: Depth = 2
    encoding: Encoding = "standard"


class TransformerConfig(Config, frozen=True):
    """The vision transformer: features of a patch, layers, heads (a divisor of width), side of a patch, encoding."""

    width: Width = 32
    layers: Depth = 2
    heads: Depth = 4
    patch: Stride = 3
    encoding: Encoding = "standard"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"heads must divide width, and {self.heads} does not divide {self.width}")


def _questions(**changes: Any) -> Callable[[QuestionConfig], TowerSpec]:
    """Specify the asker's two convolutions with some changes."""
    return lambda _config: TowerSpec(channels=(128, 64), kernel=2, **changes)


def _towers(padding: Padding, *, coordinates: bool = False) -> Callable[[TowerConfig], TowerSpec]:
    """Specify 3 x 3 convolutions and global pooling."""
    return lambda config: TowerSpec(
        channels=(config.width,) * config.layers, padding=padding, head="global", coordinates=coordinates
    )


def _downsampled(downsampling: Downsampling) -> Callable[[DownsampledConfig], TowerSpec]:
    """Specify circular 3 x 3 convolutions, downsampling after the last one, and global pooling."""
    return lambda config: TowerSpec(
        channels=(config.width,) * config.layers,
        steps=(1,) * (config.layers - 1) + (config.step,),
        padding="circular",
        downsampling=downsampling,
        head="global",
    )


def _build_tower(tower: Callable[[Any], TowerSpec], k: int, config: Any) -> nn.Module:
    return TowerNet(tower(config), k, encoding=config.encoding)


def _tower_entry(
    name: str,
    summary: str,
    config: type[Config],
    *,
    tower: Callable[[Any], TowerSpec],
    source: str,
    cannot: str = "",
) -> ModelEntry:
    """Make the registry entry of a tower: its symmetry follows from its specification."""
    return ModelEntry(
        name=name,
        summary=summary,
        build=partial(_build_tower, tower),
        config=config,
        group=tower(config()).group,
        any_k=tower(config()).head != "flatten",
        source=source,
        cannot=cannot,
        tower=tower,
    )


def _cnn(view: str, _k: int, config: CnnConfig) -> nn.Module:
    return ImageNet(view=getattr(views, view), **structs.asdict(config))


def _transformer(k: int, config: TransformerConfig) -> nn.Module:
    return VisionTransformer(k, **structs.asdict(config))


_ASKED = "ai.stackexchange.com, question 12010"
_ANSWERED = "ai.stackexchange.com, answer 12012"
_BORDERS = "Kayhan and van Gemert, CVPR 2020"

_ENTRIES = (
    _tower_entry(
        "question",
        "The asker's network: two 2x2 convolutions, Flatten, Dense.",
        QuestionConfig,
        tower=_questions(),
        source=_ASKED,
    ),
    _tower_entry(
        "question-max",
        "The asker's network with 2x2 maximum pooling after each convolution.",
        QuestionConfig,
        tower=_questions(steps=(2, 2), downsampling="max"),
        source=_ASKED,
    ),
    _tower_entry(
        "question-average",
        "The asker's network with 2x2 average pooling after each convolution.",
        QuestionConfig,
        tower=_questions(steps=(2, 2), downsampling="average"),
        source=_ASKED,
    ),
    _tower_entry(
        "question-global",
        "The asker's network with global pooling in place of Flatten.",
        QuestionConfig,
        tower=_questions(head="global"),
        source=_ASKED,
        cannot="Distinguish the centre from another position at the same distance from the right and lower border.",
    ),
    _tower_entry(
        "question-valid",
        "The answer's first alternative to pooling: the asker's network with valid convolutions.",
        QuestionConfig,
        tower=_questions(padding="valid"),
        source=_ANSWERED,
    ),
    _tower_entry(
        "question-strided",
        "The answer's second alternative to pooling: the asker's network with stride 2.",
        QuestionConfig,
        tower=_questions(steps=(2, 2)),
        source=_ANSWERED,
    ),
    _tower_entry(
        "valid-global",
        "Valid 3x3 convolution and global pooling: sees position as far as the border reaches.",
        ShallowConfig,
        tower=_towers("valid"),
        source=_BORDERS,
        cannot="Distinguish positions that are at least two entries per layer away from every border.",
    ),
    _tower_entry(
        "zero-global",
        "Zero-padded 3x3 convolutions and global pooling: sees position as far as the border reaches.",
        TowerConfig,
        tower=_towers("zero"),
        source=f"{_BORDERS}; Islam et al., ICLR 2020",
        cannot="Distinguish positions that are at least two entries per layer away from every border.",
    ),
    _tower_entry(
        "circular-global",
        "Circular 3x3 convolutions and global pooling: blind to position.",
        TowerConfig,
        tower=_towers("circular"),
        source=_BORDERS,
        cannot="Anything: all positions of a circular image look the same, so it guesses.",
    ),
    _tower_entry(
        "full-global",
        "Full 3x3 convolutions without biases and global pooling: blind to position on a background of zeros.",
        TowerConfig,
        tower=_towers("full"),
        source=_BORDERS,
        cannot="Distinguish positions far from every border; any positions, where the background is zero.",
    ),
    _tower_entry(
        "circular-strided",
        "Circular 3x3 convolutions, the last one strided, and global pooling: sees position within a step.",
        DownsampledConfig,
        tower=_downsampled("stride"),
        source="Azulay and Weiss, JMLR 2019",
        cannot="Distinguish the centre from positions whole steps away from it, where the step divides the side.",
    ),
    _tower_entry(
        "blurpool",
        "circular-strided with a blur before the stride.",
        DownsampledConfig,
        tower=_downsampled("blur"),
        source="Zhang, ICML 2019",
        cannot="Distinguish the centre from positions whole steps away from it, where the step divides the side.",
    ),
    _tower_entry(
        "polyphase",
        "circular-strided on the subgrid with the largest norm: blind to position again.",
        DownsampledConfig,
        tower=_downsampled("polyphase"),
        source="Chaman and Dokmanic, CVPR 2021",
        cannot="Anything: all positions of a circular image look the same, so it guesses.",
    ),
    _tower_entry(
        "coordconv",
        "circular-global with the coordinates of each entry as channels: it sees every position.",
        TowerConfig,
        tower=_towers("circular", coordinates=True),
        source="Liu et al., NeurIPS 2018",
    ),
    ModelEntry(
        name="cnn",
        summary="The matrix as an image: a residual convolution tower without pooling, read at the marked centre.",
        build=partial(_cnn, "VALUES"),
        config=CnnConfig,
        group=GROUPS["none"],
        any_k=True,
        source="He et al., ECCV 2016; Liu et al., NeurIPS 2018",
    ),
    ModelEntry(
        name="cnn-contexts",
        summary="cnn with both contexts as further channels.",
        build=partial(_cnn, "CONTEXTS"),
        config=CnnConfig,
        group=GROUPS["none"],
        any_k=True,
        source="He et al., ECCV 2016; Liu et al., NeurIPS 2018",
        needs_contexts=True,
    ),
    ModelEntry(
        name="cnn-adjacency",
        summary="cnn on the adjacency matrix of all rows and columns as one image.",
        build=partial(_cnn, "ADJACENCY"),
        config=CnnConfig,
        group=GROUPS["none"],
        any_k=True,
        source="He et al., ECCV 2016; Liu et al., NeurIPS 2018",
        needs_contexts=True,
    ),
    ModelEntry(
        name="vit",
        summary="A small vision transformer: patches of the image as tokens, with learned positions.",
        build=_transformer,
        config=TransformerConfig,
        group=GROUPS["none"],
        any_k=False,
        source="Dosovitskiy et al., ICLR 2021",
    ),
)

IMAGE_NETS: dict[str, ModelEntry] = {entry.name: entry for entry in _ENTRIES}
"""The nets by name."""
