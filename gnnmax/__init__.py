"""gnnmax: is this window of a graph's adjacency matrix centred on its maximum?

Public names are loaded on first use: ``import gnnmax`` costs nothing, and evaluating scores never loads torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors; tests hold it to the mapping below
    from gnnmax.auditing.battery import audit as audit
    from gnnmax.data.generation import build as build
    from gnnmax.data.recipe import Recipe as Recipe
    from gnnmax.data.recipe_files import load_recipe as load_recipe
    from gnnmax.data.store import open_dataset as open_dataset
    from gnnmax.detection.dense_scoring import score_everywhere as score_everywhere
    from gnnmax.detection.search import find_maxima as find_maxima
    from gnnmax.errors import InputError as InputError
    from gnnmax.evaluation.evaluator import compare_scores as compare_scores
    from gnnmax.evaluation.evaluator import evaluate as evaluate
    from gnnmax.evaluation.streaming import Evaluator as Evaluator
    from gnnmax.models.registry import MODELS as MODELS
    from gnnmax.models.trained import load_model as load_model
    from gnnmax.task.label import is_centred as is_centred
    from gnnmax.task.rules import RULES as RULES
    from gnnmax.task.scorers import on_values as on_values
    from gnnmax.task.windows import Windows as Windows

_MODULES = {
    "Evaluator": "evaluation.streaming",
    "InputError": "errors",
    "MODELS": "models.registry",
    "RULES": "task.rules",
    "Recipe": "data.recipe",
    "Windows": "task.windows",
    "audit": "auditing.battery",
    "build": "data.generation",
    "compare_scores": "evaluation.evaluator",
    "evaluate": "evaluation.evaluator",
    "find_maxima": "detection.search",
    "is_centred": "task.label",
    "load_model": "models.trained",
    "load_recipe": "data.recipe_files",
    "on_values": "task.scorers",
    "open_dataset": "data.store",
    "score_everywhere": "detection.dense_scoring",
}
"""Where each public name is defined."""

__all__ = sorted(_MODULES)  # noqa: PLE0605  # one mapping, not two lists


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # costs a tenth of a second: only on demand

        return version("gnnmax")
    if name not in _MODULES:
        raise AttributeError(f"module 'gnnmax' has no attribute {name!r}")
    return getattr(import_module(f"gnnmax.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
