"""The registry's entries of nets that take the window for an image."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from msgspec import Meta
from torch import nn

from gnnmax.models.entry import Config, Depth, Encoding, ModelEntry, Width
from gnnmax.models.images import views
from gnnmax.models.images.cnn import ImageNet
from gnnmax.models.images.tower import TowerNet
from gnnmax.models.images.vit import VisionTransformer
from gnnmax.models.plan import Padding, Plan, Sampling
from gnnmax.task.symmetry_groups import GROUPS

__all__ = [
    "IMAGE_NETS",
    "CnnConfig",
    "QuestionConfig",
    "SampledConfig",
    "ShallowConfig",
    "TowerConfig",
    "TransformerConfig",
]

Step = Annotated[int, Meta(ge=1, le=255)]


class QuestionConfig(Config, frozen=True):
    """The asker's network has nothing to choose but how it reads the values; its outputs, as a scorer, are one."""

    outputs: Annotated[int, Meta(ge=1, le=1)] = 1
    encoding: Encoding = "standard"


class TowerConfig(Config, frozen=True):
    """A convolution tower: channels of each layer; layers, each of which sees one entry further; the encoding."""

    width: Width = 24
    layers: Depth = 3
    encoding: Encoding = "standard"


class ShallowConfig(TowerConfig, frozen=True):
    """Size of a convolution tower that uses up its border: one layer, so that it takes windows of side 3 too."""

    layers: Depth = 1


class SampledConfig(TowerConfig, frozen=True):
    """Size of a convolution tower that ends on a coarser grid: of every so-manieth row and column."""

    layers: Depth = 2
    step: Step = 3


class CnnConfig(Config, frozen=True):
    """Size of the convolutional net: channels, and residual blocks, each of which sees one entry further."""

    width: Width = 24
    blocks: Depth = 2


class TransformerConfig(Config, frozen=True):
    """Size of the vision transformer: features of a patch, layers, heads (a divisor of width), side of a patch."""

    width: Width = 32
    layers: Depth = 2
    heads: Depth = 4
    patch: Step = 3

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"heads must divide width, and {self.heads} does not divide {self.width}")


def _questions(**changes: Any) -> Callable[[QuestionConfig], Plan]:
    """Plan the asker's two convolutions, with something changed."""
    return lambda _config: Plan(channels=(128, 64), kernel=2, **changes)


def _towers(padding: Padding, *, coordinates: bool = False) -> Callable[[TowerConfig], Plan]:
    """Plan 3 x 3 convolutions and global pooling."""
    return lambda config: Plan(
        channels=(config.width,) * config.layers, padding=padding, head="global", coordinates=coordinates
    )


def _sampled(sampling: Sampling) -> Callable[[SampledConfig], Plan]:
    """Plan 3 x 3 convolutions on a closed image, a coarser grid after the last, and global pooling."""
    return lambda config: Plan(
        channels=(config.width,) * config.layers,
        steps=(1,) * (config.layers - 1) + (config.step,),
        padding="circular",
        sampling=sampling,
        head="global",
    )


# Each net is imported where it is built, so that names are listed without torch.
def _tower(plan: Callable[[Any], Plan], k: int, config: Any) -> nn.Module:
    return TowerNet(plan(config), k, encoding=config.encoding)


def _planned(
    name: str, summary: str, config: type[Config], plan: Callable[[Any], Plan], source: str, cannot: str = ""
) -> ModelEntry:
    """Make the entry of a tower: all that is declared of it follows from its plan."""
    return ModelEntry(
        name=name,
        summary=summary,
        build=partial(_tower, plan),
        config=config,
        group=plan(config()).group,
        any_k=plan(config()).head != "flatten",
        source=source,
        cannot=cannot,
        plan=plan,
    )


def _cnn(view: str, _k: int, config: CnnConfig) -> nn.Module:
    return ImageNet(width=config.width, blocks=config.blocks, view=getattr(views, view))


def _transformer(k: int, config: TransformerConfig) -> nn.Module:
    return VisionTransformer(k, config.width, config.layers, config.heads, config.patch)


_ASKED = "ai.stackexchange.com, question 12010"
_ANSWERED = "ai.stackexchange.com, answer 12012"
_BORDERS = "Kayhan and van Gemert, CVPR 2020"

_ENTRIES = (
    _planned(
        "question",
        "The asker's network: two 2x2 convolutions, Flatten, Dense.",
        QuestionConfig,
        _questions(),
        _ASKED,
    ),
    _planned(
        "question-max",
        "The asker's network with 2x2 maximum pooling after each convolution.",
        QuestionConfig,
        _questions(steps=(2, 2), sampling="max"),
        _ASKED,
    ),
    _planned(
        "question-average",
        "The asker's network with 2x2 average pooling after each convolution.",
        QuestionConfig,
        _questions(steps=(2, 2), sampling="average"),
        _ASKED,
    ),
    _planned(
        "question-global",
        "The asker's network with global pooling in place of Flatten.",
        QuestionConfig,
        _questions(head="global"),
        _ASKED,
        "Tell the centre from another place that is as far from the right and lower border.",
    ),
    _planned(
        "question-valid",
        "The answer's first alternative to pooling: the asker's network with valid convolutions.",
        QuestionConfig,
        _questions(padding="valid"),
        _ANSWERED,
    ),
    _planned(
        "question-strided",
        "The answer's second alternative to pooling: the asker's network with stride 2.",
        QuestionConfig,
        _questions(steps=(2, 2)),
        _ANSWERED,
    ),
    _planned(
        "valid-global",
        "Valid 3x3 convolution and global pooling: sees position as far as the border reaches.",
        ShallowConfig,
        _towers("valid"),
        _BORDERS,
        "Tell places apart that have two entries a layer, or more, between them and every border.",
    ),
    _planned(
        "zero-global",
        "Zero-padded 3x3 convolutions and global pooling: sees position as far as the border reaches.",
        TowerConfig,
        _towers("zero"),
        f"{_BORDERS}; Islam et al., ICLR 2020",
        "Tell places apart that have two entries a layer, or more, between them and every border.",
    ),
    _planned(
        "circular-global",
        "Circular 3x3 convolutions and global pooling: blind to position.",
        TowerConfig,
        _towers("circular"),
        _BORDERS,
        "Anything: all places of a closed image look alike, so it guesses.",
    ),
    _planned(
        "full-global",
        "Full 3x3 convolutions without biases and global pooling: blind to position on a background of zeros.",
        TowerConfig,
        _towers("full"),
        _BORDERS,
        "Tell places apart that are far from every border; any places, where the background is zero.",
    ),
    _planned(
        "circular-strided",
        "Circular 3x3 convolutions, the last one strided, and global pooling: sees position within a step.",
        SampledConfig,
        _sampled("stride"),
        "Azulay and Weiss, JMLR 2019",
        "Tell the centre from places that are whole steps away from it, where the step divides the side.",
    ),
    _planned(
        "blurpool",
        "The same with a blur before the stride.",
        SampledConfig,
        _sampled("blur"),
        "Zhang, ICML 2019",
        "Tell the centre from places that are whole steps away from it, where the step divides the side.",
    ),
    _planned(
        "polyphase",
        "The same with the grid where the image is largest: blind to position again.",
        SampledConfig,
        _sampled("polyphase"),
        "Chaman and Dokmanic, CVPR 2021",
        "Anything: all places of a closed image look alike, so it guesses.",
    ),
    _planned(
        "coordconv",
        "The blind net, circular and globally pooled, told the coordinates of each entry: it sees all.",
        TowerConfig,
        _towers("circular", coordinates=True),
        "Liu et al., NeurIPS 2018",
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
        summary="The same, given both contexts as further channels.",
        build=partial(_cnn, "CONTEXTS"),
        config=CnnConfig,
        group=GROUPS["none"],
        any_k=True,
        source="He et al., ECCV 2016; Liu et al., NeurIPS 2018",
        needs_contexts=True,
    ),
    ModelEntry(
        name="cnn-adjacency",
        summary="The same, given the adjacency matrix of all rows and columns as one image.",
        build=partial(_cnn, "ADJACENCY"),
        config=CnnConfig,
        group=GROUPS["none"],
        any_k=True,
        source="He et al., ECCV 2016; Liu et al., NeurIPS 2018",
        needs_contexts=True,
    ),
    ModelEntry(
        name="vit",
        summary="A small vision transformer: patches of the image as words, with learned places.",
        build=_transformer,
        config=TransformerConfig,
        group=GROUPS["none"],
        any_k=False,
        source="Dosovitskiy et al., ICLR 2021",
    ),
)

IMAGE_NETS: dict[str, ModelEntry] = {entry.name: entry for entry in _ENTRIES}
"""The nets by name."""
