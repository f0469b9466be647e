"""gnnmax: is this window of a graph's adjacency matrix centred on its maximum?

Public names are loaded on first use: ``import gnnmax`` costs nothing, and evaluating scores never loads torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gnnmax.errors import missing_package, suggestion
from gnnmax.task.public import provide

if TYPE_CHECKING:  # for type checkers and editors; tests hold it to the mapping below
    from gnnmax.auditing.battery import audit as audit
    from gnnmax.data.dataset import DataSet as DataSet
    from gnnmax.data.generation import build as build
    from gnnmax.data.importing import import_windows as import_windows
    from gnnmax.data.maps.cutting import cut_windows as cut_windows
    from gnnmax.data.recipe import Recipe as Recipe
    from gnnmax.data.recipe_files import load_recipe as load_recipe
    from gnnmax.data.saving import save_dataset as save_dataset
    from gnnmax.data.store import open_dataset as open_dataset
    from gnnmax.detection.dense_scoring import score_everywhere as score_everywhere
    from gnnmax.detection.matrix_differences import find_differences as find_differences
    from gnnmax.detection.order_information import order_test as order_test
    from gnnmax.detection.search import find_maxima as find_maxima
    from gnnmax.errors import InputError as InputError
    from gnnmax.evaluation.evaluator import compare_scores as compare_scores
    from gnnmax.evaluation.evaluator import evaluate as evaluate
    from gnnmax.evaluation.peaks.peak_evaluator import evaluate_peaks as evaluate_peaks
    from gnnmax.evaluation.streaming import Evaluator as Evaluator
    from gnnmax.experiments.classifier import WindowClassifier as WindowClassifier
    from gnnmax.experiments.comparison import compare as compare
    from gnnmax.experiments.single_training import train as train
    from gnnmax.experiments.sweeps.driver import run_sweep as run_sweep
    from gnnmax.experiments.sweeps.table import read_sweep as read_sweep
    from gnnmax.interop.pyg import to_data as to_data
    from gnnmax.interop.torch_dataset import StreamDataset as StreamDataset
    from gnnmax.interop.torch_dataset import WindowDataset as WindowDataset
    from gnnmax.models.model_folders import load_model as load_model
    from gnnmax.models.registry import MODELS as MODELS
    from gnnmax.task.label import is_centred as is_centred
    from gnnmax.task.maps import Maps as Maps
    from gnnmax.task.plotting import plot as plot
    from gnnmax.task.rules import RULES as RULES
    from gnnmax.task.scorers import on_values as on_values
    from gnnmax.task.windows import Windows as Windows

_MODULES = {
    "DataSet": "data.dataset",
    "Evaluator": "evaluation.streaming",
    "InputError": "errors",
    "MODELS": "models.registry",
    "RULES": "task.rules",
    "Maps": "task.maps",
    "Recipe": "data.recipe",
    "StreamDataset": "interop.torch_dataset",
    "WindowClassifier": "experiments.classifier",
    "WindowDataset": "interop.torch_dataset",
    "Windows": "task.windows",
    "audit": "auditing.battery",
    "build": "data.generation",
    "compare": "experiments.comparison",
    "compare_scores": "evaluation.evaluator",
    "cut_windows": "data.maps.cutting",
    "evaluate": "evaluation.evaluator",
    "evaluate_peaks": "evaluation.peaks.peak_evaluator",
    "find_differences": "detection.matrix_differences",
    "find_maxima": "detection.search",
    "import_windows": "data.importing",
    "is_centred": "task.label",
    "load_model": "models.model_folders",
    "load_recipe": "data.recipe_files",
    "on_values": "task.scorers",
    "open_dataset": "data.store",
    "order_test": "detection.order_information",
    "plot": "task.plotting",
    "read_sweep": "experiments.sweeps.table",
    "run_sweep": "experiments.sweeps.driver",
    "save_dataset": "data.saving",
    "score_everywhere": "detection.dense_scoring",
    "to_data": "interop.pyg",
    "train": "experiments.single_training",
}
"""Where each public name is defined."""

_ELSEWHERE = {
    "Dataset": "DataSet",
    "load_dataset": "build(name) or open_dataset(folder)",
    "load_from_disk": "open_dataset(folder)",
}
"""What other libraries call a public name, and that name."""

__all__ = sorted(_MODULES)  # noqa: PLE0605  # one mapping, not two lists


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # costs a tenth of a second: only on demand

        return version("gnnmax")
    if name not in _MODULES:
        hint = "" if name.startswith("_") else suggestion(name, __all__, elsewhere=_ELSEWHERE)
        raise AttributeError(f"module 'gnnmax' has no attribute {name!r}{hint}")
    try:
        module = import_module(f"gnnmax.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if (missing := missing_package(error)) is None:
            raise
        raise ImportError(f"gnnmax.{name}: {missing}", name=error.name) from None
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])


provide(__getattr__)
