"""Trained models: nets with the cards that say where they come from."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from msgspec import Meta, Struct
from torch import nn

from gnnmax.errors import InputError
from gnnmax.models.architecture import LONGEST, Architecture
from gnnmax.models.images.dense_tower import DenseTower, has_dense_form
from gnnmax.models.inference import resolve_device, scored
from gnnmax.models.model_views import ModelViews, OriginViews
from gnnmax.models.references import is_reference
from gnnmax.models.seeding import LARGEST_SEED
from gnnmax.models.tensors import check_finite, inputs_of
from gnnmax.task.windows import Windows, windows_hint

__all__ = ["ModelCard", "TrainedModel", "TrainedNet"]

DenseScorer = Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]
"""Maps values ``(n, m)`` to the scores of all their windows."""

Line = Annotated[str, Meta(max_length=LONGEST)]


class ModelCard(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of ``model.json``.

    Attributes:
        format: Version of this layout.
        name: Its name in the run that trained it; without ``model`` a key of the registry.
        model: Which net it is: a key of the registry, or the reference of an own net; empty for that of its name.
        source_sha256: Digest of the file that defines an own net; empty if there is none.
        config: The model's config, as plain values.
        k: Side of the windows it was trained on; None of a net on maps.
        any_k: Whether it accepts windows of any odd side, or maps of any sides.
        weights_sha256: Digest of the weights file, in hexadecimal.
        versions: Versions of the libraries that trained it.
        seed: Seed of the initial weights.
        recipe: Name of the recipe it was trained on; empty if unknown.
        recipe_digest: Digest of that recipe; empty if unknown.
        validation_loss: Log loss on the validation split, in nats per window or map; None if unknown.
    """

    format: Literal[1] = 1
    name: Line
    model: Line = ""
    source_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    config: dict[str, Any]
    k: Annotated[int, Meta(ge=3, le=255)] | None
    any_k: bool
    weights_sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    versions: dict[Line, Line]
    seed: Annotated[int, Meta(ge=0, le=LARGEST_SEED)]
    recipe: Line = ""
    recipe_digest: Line = ""
    validation_loss: Annotated[float, Meta(ge=0)] | None = None

    @property
    def reference(self) -> str:
        """A key of the registry, or the reference of an own net."""
        return self.model or self.name

    @property
    def is_own(self) -> bool:
        """Whether the code of its net is the caller's."""
        return is_reference(self.reference)

    @property
    def on_maps(self) -> bool:
        """Whether its net reads maps, not windows."""
        return self.k is None


@dataclass(frozen=True, repr=False)
class TrainedNet(OriginViews):
    """A net as read from a folder: what trained nets on windows and on maps have in common.

    Attributes:
        module: The net, in evaluation mode, on ``device``.
        card: Its name, config and origin.
        device: The device it runs on.
        architecture: Its net before the training.
    """

    module: nn.Module
    card: ModelCard
    device: torch.device
    architecture: Architecture

    @classmethod
    def of(cls, net: TrainedNet) -> Self:
        """Return a loaded net as a scorer of this kind."""
        return cls(net.module, net.card, net.device, net.architecture)

    @property
    def name(self) -> str:
        """The model's name in its run."""
        return self.card.name

    @property
    def config(self) -> Any:
        """The model's config."""
        return self.architecture.config

    def to(self, device: str | torch.device) -> Self:
        """Return the net on another device; this one stays where it is.

        Raises:
            InputError: another name than ``auto``, ``cpu`` or ``cuda``, or a device that is not there.
        """
        where = resolve_device(str(device))
        if where == self.device:
            return self
        return replace(self, module=copy.deepcopy(self.module).to(where), device=where)


@dataclass(frozen=True, repr=False)
class TrainedModel(TrainedNet, ModelViews):
    """A trained net on windows: a scorer.

    Attributes:
        module, card, device, architecture: As of :class:`TrainedNet`.
    """

    @property
    def k(self) -> int:
        """Side of the windows that it was trained on."""
        assert self.card.k is not None  # checked when it was loaded
        return self.card.k

    @property
    def encoding(self) -> str:
        """How the net encodes the values of a window first, see :mod:`gnnmax.models.encoding`; "" if it is unknown."""
        return "" if self.card.is_own else getattr(self.config, "encoding", "")

    @property
    def takes_missing(self) -> bool:
        """Whether values may be NaN: a missing entry ranks below all others, so only nets that read ranks take it."""
        return self.encoding == "rank"

    @property
    def needs_contexts(self) -> bool:
        """Whether it refuses windows without contexts."""
        return bool(getattr(self.architecture.entry, "needs_contexts", False))

    def score(self, w: Windows) -> npt.NDArray[np.float32]:
        """Return the logits of windows, higher where it is more likely that they are centred; the decision is > 0.

        Args:
            w: Windows, finite unless :attr:`takes_missing`; of side :attr:`k` unless the model accepts any.

        Returns:
            Shape ``(N,)``, float32.

        Raises:
            InputError: no windows, values that are NaN or infinite, or a side that the model does not accept.
        """
        if not isinstance(w, Windows):
            raise InputError(f"a model scores Windows, not {type(w).__name__}: {windows_hint(w)}")
        if w.k != self.k and not self.card.any_k:
            raise InputError(f"{self.name} was trained on windows of side {self.k}, accepts no other, and got {w.k}")
        check_finite(w, "windows to score", missing=self.takes_missing)
        scores: npt.NDArray[np.float32] = scored(self.module, inputs_of(w, slice(None), self.device)).cpu().numpy()
        return scores

    __call__ = score

    def dense(self, k: int) -> DenseScorer | None:
        """Return a scorer of all windows of a matrix in one pass; None if the net has no cheaper dense form.

        Args:
            k: Side of the windows.

        Returns:
            A function from values ``(n, m)`` to the scores of the ``(n - k + 1, m - k + 1)`` windows in them, NaN where
            a window is not fully measured. The scores equal those of :meth:`score`, window by window.
        """
        if not has_dense_form(self.module) or (k != self.k and not self.card.any_k):
            return None
        tower = DenseTower(self.module, k)
        if not tower.is_cheaper:
            return None

        def scores_of(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
            with np.errstate(over="ignore", under="ignore"):
                rounded = values.astype(np.float32)
            measured = np.isfinite(rounded)
            filled = torch.from_numpy(np.where(measured, rounded, np.float32(0))).to(self.device)
            found: npt.NDArray[np.float32] = tower(filled).cpu().numpy()
            if measured.all():
                return found
            whole = np.lib.stride_tricks.sliding_window_view(measured, (k, k)).all(axis=(2, 3))
            return np.where(whole, found, np.float32(np.nan))

        return scores_of
