"""The models by name: what each is, what it claims, and how it is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gnnmax.errors import InputError, unknown_name

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "MODELS",
    "CnnConfig",
    "GnnConfig",
    "ModelEntry",
    "QuestionConfig",
    "Symmetry",
    "build_model",
    "parse_config",
]

Width = Annotated[int, Meta(ge=1, le=1024)]
Depth = Annotated[int, Meta(ge=1, le=64)]


class QuestionConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The asker's network has nothing to choose but its outputs; a scorer has one."""

    outputs: Annotated[int, Meta(ge=1, le=1)] = 1


class CnnConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Size of the convolutional net: channels, and residual blocks, each of which sees one entry further."""

    width: Width = 24
    blocks: Depth = 2


class GnnConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Size of the graph net: features of a node and of an entry, and rounds of message passing."""

    width: Width = 16
    rounds: Depth = 2


@dataclass(frozen=True)
class Symmetry:
    """Which transformations of a window a model's score does not notice, exactly (up to rounding)."""

    relabelling: bool
    transposition: bool
    translation: bool = False


@dataclass(frozen=True)
class ModelEntry:
    """One model of the registry.

    Attributes:
        name: Its key in :data:`MODELS`.
        summary: One line for people.
        build: Makes the net from the side ``k`` and a config.
        config: The frozen struct that holds its choices, with bounds.
        symmetry: What it is declared to be invariant to; the tests hold it to that.
        any_k: Whether a trained net takes windows of any odd side.
        source: Where it comes from.
    """

    name: str
    summary: str
    build: Callable[[int, Any], nn.Module]
    config: type[Struct]
    symmetry: Symmetry
    any_k: bool
    source: str


def parse_config(name: str, plain: Any = None) -> Struct:
    """Check plain values, or a config, as the config of a model.

    Args:
        name: A key of :data:`MODELS`.
        plain: A dict as read from JSON or TOML, a config of the model's own type, or None for the defaults.

    Raises:
        InputError: an unknown model, an unknown field, or a value outside its bounds.

    Example:
        >>> parse_config("gnn", {"width": 16})
        GnnConfig(width=16, rounds=2)
        >>> parse_config("gnn", {"width": 0})
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: config of model gnn: Expected `int` >= 1 - at `$.width`
    """
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    wanted = MODELS[name].config
    if isinstance(plain, Struct) and not isinstance(plain, wanted):
        raise InputError(f"model {name} takes a {wanted.__name__}, not a {type(plain).__name__}: give its own config")
    try:
        return msgspec.convert({} if plain is None else msgspec.to_builtins(plain), wanted, strict=True)
    except (msgspec.ValidationError, TypeError, RecursionError) as error:
        raise InputError(f"config of model {name}: {error}") from None


def build_model(name: str, k: int, config: Any = None, seed: int = 0) -> nn.Module:
    """Build a net with fresh weights, on the CPU.

    The weights depend on ``seed`` alone: torch's global generator is left as it was.

    Args:
        name: A key of :data:`MODELS`.
        k: Side of the windows, odd and at least 3; a net that takes any side is built alike for all.
        config: As for :func:`parse_config`.
        seed: Seed of the initial weights.

    Raises:
        InputError: an unknown model, a config that does not fit, or ``k`` even or below 3.

    Example:
        >>> build_model("cnm", k=9)
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: unknown model 'cnm'; known: cnn, gnn, question
        >>> sum(p.numel() for p in build_model("question", k=3).parameters())
        34049
    """
    checked = parse_config(name, config)
    if k < 3 or k % 2 == 0:
        raise InputError(f"a window's side k must be odd and at least 3, not {k}: only then it has a centre entry")
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return MODELS[name].build(k, checked)


# Each net is imported where it is built: the names are listed without torch, the images without torch_geometric.
def _question(k: int, config: QuestionConfig) -> nn.Module:
    from gnnmax.models.cnn import QuestionNet

    return QuestionNet(k, outputs=config.outputs)


def _cnn(_k: int, config: CnnConfig) -> nn.Module:
    from gnnmax.models.cnn import ImageNet

    return ImageNet(width=config.width, blocks=config.blocks)


def _gnn(_k: int, config: GnnConfig) -> nn.Module:
    from gnnmax.models.gnn import BipartiteNet

    return BipartiteNet(width=config.width, rounds=config.rounds)


MODELS: dict[str, ModelEntry] = {
    "question": ModelEntry(
        name="question",
        summary="The asker's network: two 2x2 convolutions, Flatten, Dense.",
        build=_question,
        config=QuestionConfig,
        symmetry=Symmetry(relabelling=False, transposition=False),
        any_k=False,
        source="ai.stackexchange.com, question 12010",
    ),
    "cnn": ModelEntry(
        name="cnn",
        summary="The matrix as an image: a residual convolution tower without pooling, read at the marked centre.",
        build=_cnn,
        config=CnnConfig,
        symmetry=Symmetry(relabelling=False, transposition=False),
        any_k=True,
        source="He et al., ECCV 2016; Liu et al., NeurIPS 2018",
    ),
    "gnn": ModelEntry(
        name="gnn",
        summary="The matrix as a rooted bipartite graph: message passing over rows, columns and entries.",
        build=_gnn,
        config=GnnConfig,
        symmetry=Symmetry(relabelling=True, transposition=True),
        any_k=True,
        source="Fey and Lenssen, ICLR workshop 2019; Hartford et al., ICML 2018; Zhang et al., NeurIPS 2021",
    ),
}
