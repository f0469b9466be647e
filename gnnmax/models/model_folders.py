"""Folders of trained models: ``weights.safetensors`` beside ``model.json``; neither can run code."""

from __future__ import annotations

import hashlib
import math
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as tensor_bytes
from torch import Tensor, nn

from gnnmax.errors import InputError, suggestion, unknown_name
from gnnmax.io.atomic import write_file
from gnnmax.io.paths import as_path
from gnnmax.io.reading import FileKind
from gnnmax.io.tensor_files import read_header
from gnnmax.models.architecture import Architecture, architecture_of, registry_of
from gnnmax.models.inference import resolve_device
from gnnmax.models.tensors import separate
from gnnmax.models.trained import ModelCard, TrainedModel, TrainedNet

__all__ = ["CARD", "SHIPPED", "WEIGHTS", "load_model", "load_net", "read_card", "save_model", "shipped_models"]

CARD, WEIGHTS = "model.json", "weights.safetensors"
SHIPPED = Path(__file__).parent / "weights"
CARD_FILE = FileKind("the model card", 1_000_000, "copy the folder again or train again")
LARGEST_HEADER = 1_000_000
HEADER_ENTRY = 300
"""Bytes that the header of a weights file has for a tensor, besides its name."""


def save_model(
    folder: str | Path,
    module: nn.Module,
    *,
    name: str,
    k: int | None,
    config: Any = None,
    architecture: Architecture | None = None,
    seed: int = 0,
    recipe: str = "",
    recipe_digest: str = "",
    validation_loss: float | None = None,
) -> ModelCard:
    """Write a net's weights and its card into a folder, which is made if needed.

    Args:
        folder: The folder. Other files in it stay unchanged.
        module: A net of the registry, built by :func:`gnnmax.models.registry.build_model` with the same arguments, or
            of ``architecture``.
        name: Its name, in the registry unless ``architecture`` is given.
        k: Side of the windows it was trained on; None of a net on maps.
        config: Its config; None for the defaults.
        architecture: The net, if it is not the one of that name and config in the registry.
        seed: Seed of its initial weights.
        recipe: Name of the recipe it was trained on.
        recipe_digest: Digest of that recipe.
        validation_loss: Its log loss on the validation split; :func:`load_model` chooses among seeds by it.

    Returns:
        The card, as written.

    Raises:
        InputError: the folder holds a model already, or the module is not the net that the arguments describe.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from gnnmax.models.registry import build_model
        >>> from gnnmax.task.windows import Windows
        >>> w = Windows.from_values(np.eye(3)[None])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net = build_model("gnn", k=3, seed=1)
        ...     card = save_model(folder, net, name="gnn", k=3, seed=1)
        ...     bool(np.isclose(load_model(folder).score(w), net(torch.tensor(w.values)).detach().numpy()))
        True
    """
    folder = as_path(folder)
    if (folder / CARD).exists():
        raise InputError(f"the folder {folder} holds a model already: choose another folder")
    net = architecture_of(name, config, maps=k is None) if architecture is None else architecture
    weights = {key: separate(tensor) for key, tensor in module.state_dict().items()}
    _check_weights(weights, net.outline(k), "the module to save")
    content = tensor_bytes(weights)
    card = ModelCard(
        name=name,
        model=net.reference,
        source_sha256=net.sha256,
        config=net.plain,
        k=k,
        any_k=net.entry.any_k,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        versions=_versions(),
        seed=seed,
        recipe=recipe,
        recipe_digest=recipe_digest,
        validation_loss=validation_loss,
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / WEIGHTS, content)
    write_file(folder / CARD, msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    return card


def shipped_models(*, maps: bool = False) -> list[str]:
    """List the names of the models that ship with their weights, trained on synthetic data alone.

    Args:
        maps: Whether to list the nets on maps, or those on windows.

    Example:
        >>> shipped_models(), shipped_models(maps=True)
        (['cnn', 'cnn-natural', 'cnn-shuffled', 'gnn', 'product'], ['map-cnn', 'map-product'])
    """
    return [name for name in _shipped() if read_card(SHIPPED / name / CARD).on_maps == maps]


def _shipped() -> list[str]:
    return sorted(card.parent.name for card in SHIPPED.glob(f"*/{CARD}"))


def load_model(
    path: str | Path,
    device: str = "auto",
    *,
    net: Any = None,
    allow_changed: bool = False,
) -> TrainedModel:
    """Load a trained model: one that ships with the package, by its name, or one of your own, by its folder.

    A folder without ``model.json`` whose sub-folders ``seed-*`` hold models stands for the one with the lowest
    validation loss. All content is checked before use: sizes, digest, names, shapes and types; nothing is unpickled.

    Args:
        path: One of :func:`shipped_models`, or a folder that :func:`save_model` wrote, or one of seeds. Write
            ``./NAME`` for a folder of your own that has the name of a shipped model.
        device: ``auto``, ``cpu`` or ``cuda``.
        net: The code of a net of your own: its factory, or a reference to it, ``"net.py:MyNet"``. A folder alone never
            runs code.
        allow_changed: Whether the file that defines an own net may have changed since the training.

    Raises:
        InputError: the folder or a file is missing, unreadable, too large, damaged or inconsistent; or a net of your
            own whose code is not given, or was changed.

    Example:
        >>> load_model("gnn").card.recipe
        'close-9'
        >>> load_model("runs/nowhere")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: there is no folder runs/nowhere: give a folder that holds model.json, or one of ...
    """
    found = load_net(path, device, net=net, allow_changed=allow_changed)
    if found.card.on_maps:
        raise InputError(
            f"model {path}: {found.card.name} reads maps, not windows: load it with load_map_model, or search by it "
            "with find_calls (--by)"
        )
    return TrainedModel.of(found)


def load_net(path: str | Path, device: str = "auto", *, net: Any = None, allow_changed: bool = False) -> TrainedNet:
    """Load a trained net, on windows or on maps, with all checks of :func:`load_model`.

    Raises:
        InputError: as for :func:`load_model`.

    Example:
        >>> load_net("gnn").card.on_maps
        False
    """
    where = resolve_device(device)
    folder, card = _chosen(SHIPPED / path if str(path) in _shipped() else as_path(path))
    try:
        architecture = _architecture(card, net, allow_changed=allow_changed)
        module = _restored(folder / WEIGHTS, card, architecture)
    except InputError as error:
        raise InputError(f"model {folder}: {error}") from error.__cause__
    return TrainedNet(module.to(where).eval(), card, where, architecture)


def _architecture(card: ModelCard, given: Any, *, allow_changed: bool) -> Architecture:
    """Return the net that a card names; the code of an own net is the one that the caller gives."""
    registry = registry_of(maps=card.on_maps)
    if not card.is_own:
        if card.reference not in registry:
            raise unknown_name("model", card.reference, registry)
        if not (given is None or isinstance(given, Architecture) or given == card.reference):
            raise InputError(f"{card.name} is a net of gnnmax, {card.reference}, and takes no other code: leave it out")
        return architecture_of(card.name, (card.reference, card.config), maps=card.on_maps)
    if given is None:
        raise InputError(
            f"{card.name} is a net of your own, {card.reference}: to run that code, give --models "
            f"{card.name}={card.reference}, or net=... in Python"
        )
    if isinstance(given, str) and given in registry:
        raise InputError(f"{card.name} was trained with the code {card.reference}, not with {given}: give that code")
    code = given if isinstance(given, Architecture) else (given, card.config)
    net = architecture_of(card.name, code, maps=card.on_maps)
    if card.source_sha256 != net.sha256 and not allow_changed:
        raise InputError(
            f"the code of {card.name}, {net.reference}, was changed since its training (SHA-256 "
            f"{card.source_sha256[:12] or 'unknown'} then, {net.sha256[:12] or 'unknown'} now): give the same file, or "
            "--allow-changed (allow_changed=True) if the change keeps its scores"
        )
    return net


def _chosen(path: Path) -> tuple[Path, ModelCard]:
    """Return the folder of a model and its card; among seeds, the one with the lowest validation loss."""
    if not path.is_dir():
        raise InputError(
            f"there is no folder {path}{suggestion(path.as_posix(), _shipped()) or ':'} give a folder that holds "
            f"{CARD}, or one of {', '.join(_shipped())}"
        )
    if os.path.lexists(path / CARD):
        return path, read_card(path / CARD)
    seeds = [(folder.parent, read_card(folder)) for folder in sorted(path.glob(f"seed-*/{CARD}"))]
    if not seeds:
        raise InputError(
            f"the folder {path} holds no {CARD}, nor do folders seed-* in it: give that of a trained model"
        )
    return min(seeds, key=lambda seed: math.inf if seed[1].validation_loss is None else seed[1].validation_loss)


def read_card(path: Path) -> ModelCard:
    """Read the card of a model from its file.

    Raises:
        InputError: it is unreadable, too large or damaged.
    """
    return CARD_FILE.read_json(path, ModelCard)


def _restored(path: Path, card: ModelCard, architecture: Architecture) -> nn.Module:
    """Build the net of a card and load its weights, both checked."""
    outline = architecture.outline(card.k)
    if card.any_k != architecture.entry.any_k:
        raise InputError(f"the card says any_k = {card.any_k}, which is wrong for {card.name}: the card was changed")
    header = LARGEST_HEADER + sum(HEADER_ENTRY + len(key.encode()) for key in outline)
    largest = header + sum(tensor.nbytes for tensor in outline.values())
    content = FileKind("the weights", largest, "copy the folder again or train again").read(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.weights_sha256:
        raise InputError(
            f"the weights have SHA-256 {digest[:12]}... and the card says {card.weights_sha256[:12]}...: "
            "the file was changed or cut short; copy the folder again or train again"
        )
    try:
        read_header(content, largest=header)
        weights = parse_tensors(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"the weights are damaged: {error}") from None
    _check_weights(weights, outline, "the weights file")
    module = architecture.build(card.k)
    module.load_state_dict(weights)
    return module


def _check_weights(weights: dict[str, Tensor], outline: dict[str, Tensor], what: str) -> None:
    """Refuse weights of other names, shapes or types than the net's, or that are not finite."""
    described, given = _shapes(outline), _shapes(weights)
    for key in sorted(described.keys() | given.keys()):
        expected, came = described.get(key, "nothing"), given.get(key, "nothing")
        if expected != came:
            raise InputError(f"{what} has {came} for {key!r} where {expected} was expected: it is of another net")
        if not bool(torch.isfinite(weights[key]).all()):
            raise InputError(f"{what} has numbers in {key!r} that are NaN or infinite: train again")


def _shapes(weights: dict[str, Tensor]) -> dict[str, str]:
    return {key: f"{tensor.dtype} {tuple(tensor.shape)}" for key, tensor in weights.items()}


def _versions() -> dict[str, str]:
    libraries = ("gnnmax", "numpy", "torch", "torch-geometric", "safetensors")
    return {"python": platform.python_version(), **{library: version(library) for library in libraries}}
