"""Trained nets on maps: scorers of every place of a map, saved and loaded as nets on windows are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from msgspec import structs
from torch import Tensor, nn

from gnnmax.errors import InputError
from gnnmax.models.architecture import architecture_of
from gnnmax.models.inference import scored
from gnnmax.models.maps.encoding import in_single_precision
from gnnmax.models.maps.entries import sliding_name
from gnnmax.models.model_folders import load_net, save_model
from gnnmax.models.trained import ModelCard, TrainedModel, TrainedNet
from gnnmax.task.arrays import as_array, as_floats
from gnnmax.task.map_model import Structure
from gnnmax.task.maps import Maps, refuse_infinite

__all__ = ["TrainedMapModel", "check_maps_to_score", "load_map_model", "map_evidence", "place_scores", "sliding_model"]

ENTRIES = 2**19
"""Entries of maps that are scored together: their features fill some hundred megabytes."""

Scores = npt.NDArray[np.float32]


def map_evidence(module: nn.Module, values: Tensor) -> Tensor:
    """Return the evidence of maps, shape ``(M, n, m)``, in evaluation mode, without gradients, some maps at a time.

    Example:
        >>> from gnnmax.models.maps.registry import build_map_model
        >>> map_evidence(build_map_model("map-cnn"), torch.rand(3, 6, 6)).shape
        torch.Size([3, 6, 6])
    """
    return scored(module, (values,), max(1, ENTRIES // (values.shape[1] * values.shape[2])))


def check_maps_to_score(maps: Maps, *, needs_nodes: bool, name: str) -> None:
    """Refuse maps that a net cannot score.

    Raises:
        InputError: no maps, infinite values, or two sets of nodes where the net reads the weights among one set.
    """
    if not isinstance(maps, Maps):
        raise InputError(f"{name} scores Maps, not {type(maps).__name__}: make them with Maps.from_values")
    if not len(maps):
        raise InputError("there are no maps to score: give at least one")
    refuse_infinite(maps)
    if needs_nodes and maps.structure == "bipartite":
        raise InputError(
            f"{name} reads the weights among nodes, and bipartite maps have none among rows: use a net on images"
        )


def place_scores(evidence: npt.NDArray[np.float32], maps: Maps, *, name: str) -> Scores:
    """Return the evidence where a place can be called, minus infinity elsewhere.

    A map whose places all have one value says nothing of where a peak is: their evidence is 0, whatever a net makes of
    borders and of rounding.

    Args:
        evidence: Of a net, shape ``(M, n, m)``.
        maps: The maps.
        name: How to name the net in an error.

    Returns:
        Shape ``(M, n, m)``; minus infinity outside a map, where an entry is not observed, and on the diagonal of
        symmetric maps, whose scores are symmetric.

    Raises:
        InputError: the evidence of an observed entry is NaN.
    """
    nowhere = np.isnan(maps.values)
    if maps.structure == "symmetric":
        nowhere = nowhere | np.eye(maps.n, dtype=np.bool_)
        evidence = (evidence + evidence.swapaxes(1, 2)) / np.float32(2)
    if (broken := np.isnan(evidence) & ~nowhere).any():
        raise InputError(
            f"the net {name} returns NaN for {int(broken.sum()):,} observed entries: values are NaN where nothing is "
            "observed and outside a map; replace them, as gnnmax.models.maps.encoding.standardise_maps does"
        )
    highest = np.where(nowhere, -np.inf, maps.values).max(axis=(1, 2), keepdims=True)
    constant = highest == np.where(nowhere, np.inf, maps.values).min(axis=(1, 2), keepdims=True)
    evidence = np.where(constant, np.float32(0), evidence)
    return np.where(nowhere, np.float32(-np.inf), evidence).astype(np.float32, copy=False)


@dataclass(frozen=True, repr=False)
class TrainedMapModel(TrainedNet):
    """A trained net on maps: a scorer of every place.

    Attributes:
        module, card, device, architecture: As of :class:`gnnmax.models.trained.TrainedNet`.
    """

    @property
    def encoding(self) -> str:
        """How the net encodes the values of a map first: "standard", so their scale does not matter; "" if unknown."""
        return "" if self.card.is_own else "standard"

    @property
    def reach(self) -> int | None:
        """Rows and columns on each side of an entry on which its evidence depends, but for the scale; None: all."""
        reach = getattr(self.module, "reach", None)
        return None if reach is None else int(reach)

    @property
    def needs_nodes(self) -> bool:
        """Whether rows and columns must be the same nodes."""
        return bool(getattr(self.architecture.entry, "needs_nodes", False))

    def score(self, maps: Maps) -> Scores:
        """Return the evidence of a peak at every place; the higher, the more likely.

        Args:
            maps: Maps of any sides; NaN is not observed.

        Returns:
            Shape ``(M, n, m)``, float32; minus infinity outside a map, where an entry is not observed, and on the
            diagonal of symmetric maps, whose scores are symmetric.

        Raises:
            InputError: no maps, infinite values, or bipartite maps where the net reads weights among nodes; or a net of
                your own that fails, or returns NaN for an observed entry.

        Example:
            >>> import tempfile
            >>> from gnnmax.models.maps.registry import build_map_model
            >>> maps = Maps.from_values(np.random.default_rng(0).normal(size=(2, 6, 6)), structure="directed")
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     _ = save_model(folder, build_map_model("map-cnn"), name="map-cnn", k=None)
            ...     load_map_model(folder, device="cpu").score(maps).shape
            (2, 6, 6)
        """
        check_maps_to_score(maps, needs_nodes=self.needs_nodes, name=self.name)
        evidence = map_evidence(self.module, torch.tensor(maps.values, device=self.device))
        return place_scores(evidence.cpu().numpy(), maps, name=self.name)

    __call__ = score

    def score_matrix(self, matrix: npt.ArrayLike, *, structure: Structure) -> Scores:
        """Return the evidence of a peak at every place of one matrix, of numbers of any size.

        Args:
            matrix: Real numbers, shape ``(n, m)``; NaN is not observed. Where float32 does not hold the differences of
                the entries, the matrix is read on a scale of its own.
            structure: ``symmetric``, ``directed`` or ``bipartite``, see :data:`gnnmax.task.map_model.Structure`.

        Returns:
            Shape ``(n, m)``, as :meth:`score`.

        Raises:
            InputError: no matrix, or one that does not fit the structure; else as :meth:`score`.
        """
        values = as_array(matrix, "the matrix")
        if values.ndim == 2 and values.dtype.kind in "fiub":
            values = in_single_precision(as_floats(values))
        scores: Scores = self.score(Maps.from_values(values, structure=structure))[0]
        return scores

    def save(self, folder: str | Path) -> ModelCard:
        """Write weights and card into a folder, which :func:`load_map_model` reads.

        Raises:
            InputError: the folder holds a model already.
        """
        card = self.card
        return save_model(
            folder,
            self.module,
            name=card.name,
            k=None,
            architecture=self.architecture,
            seed=card.seed,
            recipe=card.recipe,
            recipe_digest=card.recipe_digest,
            validation_loss=card.validation_loss,
        )


def load_map_model(
    path: str | Path, device: str = "auto", *, net: Any = None, allow_changed: bool = False
) -> TrainedMapModel:
    """Load a trained net on maps from its folder; among seeds, the one with the lowest validation loss.

    All content is checked before use: sizes, digest, names, shapes and types; nothing is unpickled.

    Args:
        path: A folder that :meth:`TrainedMapModel.save` or a run wrote, or one of seeds.
        device: ``auto``, ``cpu`` or ``cuda``.
        net: The code of a net of your own, as for :func:`gnnmax.load_model`.
        allow_changed: As for :func:`gnnmax.load_model`.

    Raises:
        InputError: the folder or a file is missing, unreadable, too large, damaged or inconsistent; or the net reads
            windows; or a net of your own whose code is not given, or was changed.

    Example:
        >>> load_map_model("gnn")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: model gnn: gnn reads windows, not maps: load it with load_model, or slide it over ...
    """
    found = load_net(path, device, net=net, allow_changed=allow_changed)
    if not found.card.on_maps:
        raise InputError(
            f"model {path}: {found.card.name} reads windows, not maps: load it with load_model, or slide it over maps "
            "with sliding_model"
        )
    return TrainedMapModel.of(found)


def sliding_model(model: TrainedModel, k: int | None = None) -> TrainedMapModel:
    """Return a trained net on windows as a net on maps: it scores the window around every entry.

    Args:
        model: A trained net of the registry, such as :func:`gnnmax.load_model` returns.
        k: Side of the windows; None takes the side it was trained on.

    Raises:
        InputError: a net of your own, an even or small side, or a side that the net does not accept.

    Example:
        >>> from gnnmax.models.model_folders import load_model
        >>> net = sliding_model(load_model("cnn-natural", device="cpu"))
        >>> maps = Maps.from_values(np.random.default_rng(0).normal(size=(12, 12)), structure="directed")
        >>> net.name, net.score(maps).shape
        ('sliding-cnn', (1, 12, 12))
    """
    side = model.k if k is None else k
    if model.card.is_own:
        raise InputError(f"{model.name} is a net of your own: nets of the registry alone slide over maps")
    if side != model.k and not model.card.any_k:
        raise InputError(f"{model.name} was trained on windows of side {model.k}, and accepts no side {side}")
    reference = sliding_name(model.card.reference)
    architecture = architecture_of(reference, {"k": side, "net": model.architecture.plain}, maps=True)
    module = architecture.build(None)
    module.net.load_state_dict(model.module.state_dict())  # type: ignore[union-attr]  # the net that slides
    name = sliding_name(model.name)
    card = structs.replace(model.card, name=name, model=reference, config=architecture.plain, k=None, any_k=True)
    return TrainedMapModel(module.to(model.device).eval(), card, model.device, architecture)
