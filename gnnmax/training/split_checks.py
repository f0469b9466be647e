"""Checks of the splits of a training, before any step is made."""

from __future__ import annotations

from gnnmax.data.recipe import Recipe
from gnnmax.errors import InputError
from gnnmax.models.tensors import check_finite
from gnnmax.task.maps import Maps, refuse_infinite
from gnnmax.task.windows import Windows
from gnnmax.training.config import TrainingConfig
from gnnmax.training.objectives import Examples, Stream
from gnnmax.training.precision import check_precision

__all__ = ["check_splits", "limited"]


def limited(train: Examples, most: int | None) -> Examples:
    """Return the first ``most`` examples of a split; windows lie host by host.

    Raises:
        InputError: the split has fewer.
    """
    if most is not None and most > len(train):
        raise InputError(f"train_windows is {most} and the training split has {len(train)}: use fewer, or a stream")
    return train[:most]


def check_splits(train: Examples | Stream, val: Examples, config: TrainingConfig) -> None:
    """Refuse splits that nets cannot be trained on.

    Raises:
        InputError: windows of one class or maps without a peak, values that are not finite, splits that differ in kind,
            side, contexts or structure, or half precision where it makes ties.
    """
    given = train.recipe.of(train.split) if isinstance(train, Stream) else train
    windows = isinstance(given, Windows | Recipe)
    if windows != isinstance(val, Windows):
        raise InputError("one of the two splits holds windows and the other maps: give both of one kind")
    parts: dict[str, Examples] = {} if isinstance(train, Stream) else {"training": train}
    for what, examples in {**parts, "validation": val}.items():
        if isinstance(examples, Windows):
            _check_windows(examples, f"{what} windows", config)
        else:
            _check_maps(examples, f"{what} maps")
    if isinstance(val, Windows):
        assert isinstance(given, Windows | Recipe)
        _check_sides(given, val)
        return
    assert not isinstance(given, Windows | Recipe)
    structure = given.structure if isinstance(given, Maps) else given.map.structure
    if structure != val.structure:
        raise InputError(f"training maps are {structure} and validation maps {val.structure}: give equal ones")


def _check_windows(w: Windows, what: str, config: TrainingConfig) -> None:
    check_finite(w, what)
    if w.label.all() or not w.label.any():
        raise InputError(f"all {len(w)} {what} are of one class: give both centred ones and others")
    check_precision(w, config.precision, what)


def _check_maps(maps: Maps, what: str) -> None:
    if not len(maps):
        raise InputError(f"there are no {what}: give at least one")
    refuse_infinite(maps, what)
    if not len(maps.peaks):
        raise InputError(f"none of {len(maps)} {what} has a peak: nothing can be found")


def _check_sides(given: Windows | Recipe, val: Windows) -> None:
    contexts = given.row_context is not None if isinstance(given, Windows) else given.contexts
    if given.k != val.k:
        raise InputError(f"training windows have side {given.k} and validation windows {val.k}: give equal sides")
    if contexts != (val.row_context is not None):
        raise InputError("only one of the two splits carries contexts: give both or neither")
