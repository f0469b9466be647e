"""The registry's entries of nets that take the window for an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from gnnmax.groups import GROUPS
from gnnmax.models.entry import Config, Depth, ModelEntry, Width

if TYPE_CHECKING:
    from torch import nn

__all__ = ["IMAGE_NETS", "CnnConfig", "QuestionConfig"]


class QuestionConfig(Config, frozen=True):
    """The asker's network has nothing to choose but its outputs; a scorer has one."""

    outputs: Annotated[int, Meta(ge=1, le=1)] = 1


class CnnConfig(Config, frozen=True):
    """Size of the convolutional net: channels, and residual blocks, each of which sees one entry further."""

    width: Width = 24
    blocks: Depth = 2


# Each net is imported where it is built, so that names are listed without torch.
def _question(k: int, config: QuestionConfig) -> nn.Module:
    from gnnmax.models.cnn import QuestionNet

    return QuestionNet(k, outputs=config.outputs)


def _cnn(_k: int, config: CnnConfig) -> nn.Module:
    from gnnmax.models.cnn import ImageNet

    return ImageNet(width=config.width, blocks=config.blocks)


IMAGE_NETS: dict[str, ModelEntry] = {
    "question": ModelEntry(
        name="question",
        summary="The asker's network: two 2x2 convolutions, Flatten, Dense.",
        build=_question,
        config=QuestionConfig,
        group=GROUPS["none"],
        any_k=False,
        source="ai.stackexchange.com, question 12010",
    ),
    "cnn": ModelEntry(
        name="cnn",
        summary="The matrix as an image: a residual convolution tower without pooling, read at the marked centre.",
        build=_cnn,
        config=CnnConfig,
        group=GROUPS["none"],
        any_k=True,
        source="He et al., ECCV 2016; Liu et al., NeurIPS 2018",
    ),
}
