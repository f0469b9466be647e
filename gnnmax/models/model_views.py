"""Views of a trained model: decisions, probabilities, and a table of its origin."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit
from torch import nn

from gnnmax.task.tabulation import Shown, TableText, number_text
from gnnmax.task.windows import Windows

__all__ = ["ModelViews", "OriginViews"]


class OriginViews(Shown):
    """Base of trained nets: what they are shown as."""

    module: nn.Module
    card: Any
    device: torch.device

    def __repr__(self) -> str:
        card, trained_on = self.card, f" on {self.card.recipe}" if self.card.recipe else ""
        size = "any map" if card.k is None else f"side {card.k}"
        return f"<{type(self).__name__} {card.name}: {size}, trained{trained_on}, seed {card.seed}, on {self.device}>"

    def tables(self) -> list[TableText]:
        """Return a table of the model's origin."""
        parameters = sum(parameter.numel() for parameter in self.module.parameters())
        config = ", ".join(f"{name} = {value}" for name, value in self.card.config.items())
        loss = number_text(self.card.validation_loss)
        rows = [
            ["model", self.card.name],
            ["config", config],
            ["parameters", f"{parameters:,}"],
            ["side", _side_text(self.card)],
            ["recipe", f"{self.card.recipe} {self.card.recipe_digest[:12]}".strip()],
            ["seed", str(self.card.seed)],
            ["validation loss", loss],
            ["device", str(self.device)],
        ]
        return [TableText(self.card.name, ["field", "value"], [row for row in rows if row[1]])]


class ModelViews(OriginViews):
    """Base of :class:`gnnmax.models.trained.TrainedModel`: its views; the fields are those of trained models."""

    def score(self, w: Windows) -> npt.NDArray[np.float32]:
        """Return the logits of windows, shape ``(N,)``."""
        raise NotImplementedError

    def predict(self, w: Windows) -> npt.NDArray[np.bool_]:
        """Return whether each window is called centred: whether its score is above 0, shape ``(N,)``.

        Raises:
            InputError: as :meth:`score`.

        Example:
            >>> from gnnmax.models.model_folders import load_model
            >>> w = Windows.from_values(np.arange(81.0).reshape(1, 9, 9))
            >>> load_model("gnn", device="cpu").predict(w)
            array([False])
        """
        return self.score(w) > 0

    def predict_proba(self, w: Windows) -> npt.NDArray[np.float64]:
        """Return the probabilities "not centred" and "centred" of each window, shape ``(N, 2)``, as scikit-learn does.

        They are the logistic function of the scores; how well they are calibrated, ``evaluate(..., scale="logits")``
        measures.

        Raises:
            InputError: as :meth:`score`.
        """
        centred = expit(self.score(w).astype(np.float64))
        return np.stack([1 - centred, centred], axis=1)


def _side_text(card: Any) -> str:
    if card.k is None:
        return "maps of any sides"
    return f"{card.k}{', accepts any odd side' if card.any_k else ''}"
