"""gnnmax: is this window of a graph's adjacency matrix centred on its maximum?

Public names are loaded on first use, so ``import gnnmax`` costs nothing and judging scores never loads a net.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnnmax.auditing.battery import audit
    from gnnmax.checkpoint import load_model
    from gnnmax.detection.finding import find_maxima
    from gnnmax.errors import InputError
    from gnnmax.evaluation import compare_scores, evaluate
    from gnnmax.generate.drawing import build
    from gnnmax.generate.recipe import Recipe, load_recipe
    from gnnmax.label import is_centred
    from gnnmax.models.registry import MODELS
    from gnnmax.rules import RULES
    from gnnmax.scoring import on_values
    from gnnmax.screening import score_everywhere
    from gnnmax.store import open_dataset
    from gnnmax.window import Windows

__version__ = "0.1.0"

_HOME = {
    "InputError": "gnnmax.errors",
    "MODELS": "gnnmax.models.registry",
    "RULES": "gnnmax.rules",
    "Recipe": "gnnmax.generate.recipe",
    "Windows": "gnnmax.window",
    "audit": "gnnmax.auditing.battery",
    "build": "gnnmax.generate.drawing",
    "compare_scores": "gnnmax.evaluation",
    "evaluate": "gnnmax.evaluation",
    "find_maxima": "gnnmax.detection.finding",
    "is_centred": "gnnmax.label",
    "load_model": "gnnmax.checkpoint",
    "load_recipe": "gnnmax.generate.recipe",
    "on_values": "gnnmax.scoring",
    "open_dataset": "gnnmax.store",
    "score_everywhere": "gnnmax.screening",
}

__all__ = [
    "MODELS",
    "RULES",
    "InputError",
    "Recipe",
    "Windows",
    "audit",
    "build",
    "compare_scores",
    "evaluate",
    "find_maxima",
    "is_centred",
    "load_model",
    "load_recipe",
    "on_values",
    "open_dataset",
    "score_everywhere",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gnnmax' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
