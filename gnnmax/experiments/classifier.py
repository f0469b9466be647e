"""A net as a scikit-learn classifier: it clones, stands in pipelines and cross-validates."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from gnnmax.errors import InputError
from gnnmax.models.inference import resolve_device, scored
from gnnmax.models.registry import build_model, parse_config
from gnnmax.models.tensors import check_finite, inputs_of
from gnnmax.task.windows import Windows
from gnnmax.training.config import parse_training
from gnnmax.training.loop import train_models
from gnnmax.training.threads import one_thread

__all__ = ["WindowClassifier"]

Mask = npt.NDArray[np.bool_]


class WindowClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A net of the registry as a scikit-learn classifier of windows.

    Windows are given as an array ``(n, k * k)``, each row by row, or ``(n, k, k)``; or as
    :class:`gnnmax.task.windows.Windows`, with contexts if the net reads them, and then their labels are ``y`` unless it
    is given. The second class, in sorted order, is the one with positive scores.

    A part of the windows is held out to choose the best weights: whole graphs of ``Windows``, single windows of an
    array. Equal ``random_state`` gives equal weights on one machine.

    Args:
        net: Name in :data:`gnnmax.models.registry.MODELS`.
        config: Config of the net, as a dict; None takes the defaults.
        steps: Updates.
        batch_size: Windows per update.
        learning_rate: Peak of the learning rate.
        validation_fraction: Share of the windows that choose the best weights.
        random_state: Seed or generator of scikit-learn: initial weights, order of the windows, held-out windows.
        device: ``auto``, ``cpu`` or ``cuda``.

    Attributes:
        classes_: The two classes, sorted, shape ``(2,)``.
        module_: The trained net, in evaluation mode.
        n_features_in_: Number of entries of a window.
        n_iter_: Updates made.
        validation_loss_: Log loss on the held-out windows, in nats per window.

    References:
        Buitinck et al., "API design for machine learning software: experiences from the scikit-learn project",
        ECML PKDD workshop 2013: the conventions.

    Example:
        >>> from gnnmax.testing import sample_windows
        >>> w = sample_windows(3, 60, rng=np.random.default_rng(0))
        >>> net = WindowClassifier("cnn", steps=5, random_state=0).fit(w.values.reshape(60, 9), w.label)
        >>> net.predict(w.values.reshape(60, 9)).shape, net.classes_
        ((60,), array([False,  True]))
    """

    def __init__(
        self,
        net: str = "gnn",
        *,
        config: dict[str, Any] | None = None,
        steps: int = 600,
        batch_size: int = 128,
        learning_rate: float = 4e-3,
        validation_fraction: float = 0.1,
        random_state: Any = None,
        device: str = "auto",
    ) -> None:
        self.net = net
        self.config = config
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any = None) -> WindowClassifier:  # noqa: N803  # scikit-learn's name
        """Train the net.

        Args:
            X: Windows, see the class.
            y: The class of each, shape ``(n,)``; two different ones.

        Returns:
            Itself.

        Raises:
            InputError: an unknown net, a parameter out of range, entries that are not finite, or no windows.
            ValueError: of scikit-learn, where ``X`` or ``y`` is no array of the right shape or has other than two
                classes.
        """
        random = check_random_state(self.random_state)
        parse_config(self.net, self.config)
        windows, y = self._read(X, y, fitting=True)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs two classes, not 1 class, {y[0]!r}: give windows of both")
        labelled = _labelled(windows, codes == 1)
        held, kept = self._held_out(labelled, random)
        seed = int(random.randint(2**31))
        module = build_model(self.net, labelled.k, self.config, seed=seed)
        fields = {name: getattr(self, name) for name in ("steps", "batch_size", "learning_rate", "device")}
        training = parse_training({**fields, "evaluate_every": max(1, self.steps // 6)}, "WindowClassifier")
        with one_thread():
            result = train_models(
                {self.net: module}, labelled[kept], labelled[held], training, np.random.default_rng(seed)
            )[self.net]
        self.module_, self.n_iter_, self.validation_loss_ = module, result.steps, result.loss
        return self

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Return the logit of the second class, shape ``(n,)``; a window has that class where it is above 0.

        Raises:
            InputError: entries that are not finite, or no windows.
            NotFittedError: of scikit-learn, before :meth:`fit`.
        """
        check_is_fitted(self)
        windows, _ = self._read(X, None, fitting=False)
        check_finite(windows, "windows to classify")
        inputs = inputs_of(windows, slice(None), resolve_device(self.device))
        return np.asarray(scored(self.module_, inputs).cpu().numpy(), dtype=np.float64)

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """Return the class of each window, shape ``(n,)``."""
        above = self.decision_function(X) > 0
        return np.asarray(self.classes_[above.astype(np.intp)])

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Return the probability of each class, shape ``(n, 2)``: the logistic function of the logits."""
        second = expit(self.decision_function(X))
        return np.stack([1 - second, second], axis=1)

    def _read(self, X: Any, y: Any, *, fitting: bool) -> tuple[Windows, Any]:  # noqa: N803
        """Return windows and classes, checked by scikit-learn's rules."""
        windows = _joined(X)
        if windows is not None:
            X, y = windows.values, windows.label if y is None and fitting else y
        if getattr(X, "ndim", 2) == 3:
            X = X.reshape(len(X), -1)
        if fitting:
            if y is None:
                raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
            found, y = validate_data(self, X, y, dtype=(np.float64, np.float32))
            check_classification_targets(y)
            y = column_or_1d(y)
            if (kind := type_of_target(y, input_name="y")) == "multiclass":
                raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        else:
            found = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return Windows.from_values(self._squares(found)) if windows is None else windows, y

    def _squares(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the entries of windows, ``(n, k * k)``, as windows ``(n, k, k)``."""
        k = round(rows.shape[1] ** 0.5)
        if k * k != rows.shape[1] or k % 2 == 0 or k < 3:
            raise InputError(
                f"a window has k * k entries, k odd and at least 3, such as 9, 25 or 81, not {rows.shape[1]}"
            )
        return rows.reshape(-1, k, k)

    def _held_out(self, windows: Windows, random: Any) -> tuple[Mask, Mask]:
        """Return the windows that choose the best weights, whole graphs of both classes, and those to train on.

        With too few windows both are all of them.
        """
        share = self.validation_fraction
        if not 0 < share < 1:
            raise InputError(f"validation_fraction must be between 0 and 1, not {share!r}: 0.1 is usual")
        graphs, which = np.unique(windows.graph, return_inverse=True)
        held = np.zeros(len(windows), dtype=np.bool_)
        if len(graphs) < len(windows):
            chosen = random.permutation(len(graphs))[: max(1, round(share * len(graphs)))]
            held = np.isin(which, chosen)
        else:
            for own in (np.flatnonzero(windows.label), np.flatnonzero(~windows.label)):
                held[random.permutation(own)[: max(1, round(share * len(own)))]] = True
        both = [part.any() and not part.all() for part in (windows.label[held], windows.label[~held])]
        every = np.ones(len(windows), dtype=np.bool_)
        return (held, ~held) if all(both) else (every, every)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.three_d_array = True
        return tags


def _labelled(windows: Windows, positive: Mask) -> Windows:
    """Return windows whose label is the class, whatever their own is."""
    return dataclasses.replace(windows, planted=positive, label_rule="planted")


def _joined(given: Any) -> Windows | None:
    """Return Windows, or a list of them as cross-validation makes it, as one; None for anything else."""
    if isinstance(given, Windows):
        return given
    if isinstance(given, list) and given and all(isinstance(each, Windows) for each in given):
        return Windows.concatenate(given)
    return None
