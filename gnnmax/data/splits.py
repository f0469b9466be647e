"""Splits: the part that data sets of windows and data sets of maps have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from gnnmax.errors import InputError, suggestion, unknown_name
from gnnmax.task.public import public
from gnnmax.task.tabulation import Shown

__all__ = ["Parted", "Splits"]

T = TypeVar("T", bound=Sized)


ELSEWHERE = {"save_to_disk": "save", "get_idx_split": "train, val and test", "validation": "val", "valid": "val"}
"""What other libraries call an attribute of a data set, and its name here."""


@runtime_checkable
class Parted(Protocol):
    """Splits in a folder, which consist of several parts and know their sizes before they are read."""

    folder: Path

    def parts(self, split: str) -> Iterator[Any]:
        """Yield the parts of a split, in order."""

    def count(self, split: str) -> int:
        """Return the number of windows or maps of a split."""


class Splits(Shown, Mapping[str, T]):
    """Base of data sets: a mapping from the names of splits to windows or maps, which are attributes too."""

    recipe: Any
    splits: Mapping[str, T]

    def __getattr__(self, name: str) -> T:
        splits: Mapping[str, T] = vars(self).get("splits", {})
        if name.startswith("_") or name not in splits:
            near = suggestion(name, splits, elsewhere=ELSEWHERE) or ";"
            raise AttributeError(f"a data set has no attribute and no split {name!r}{near} splits: {', '.join(splits)}")
        return splits[name]

    def __getitem__(self, name: str) -> T:
        if not isinstance(name, str):
            raise InputError(
                f"a data set is indexed by the name of a split, not by {name!r:.40}: use data.test[0], or one of "
                f"{', '.join(self.splits)}"
            )
        return self.split(name)

    def __contains__(self, name: object) -> bool:
        return name in self.splits

    def get(self, name: str, default: Any = None) -> Any:
        """Return the content of a split, or a default where the data set has no such split."""
        return self.splits.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.splits)

    def __len__(self) -> int:
        return len(self.splits)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.splits})

    @property
    def folder(self) -> Path | None:
        """The folder that stores the data set; None if it is in memory."""
        return self.splits.folder if isinstance(self.splits, Parted) else None

    def count(self, name: str) -> int:
        """Return the number of windows or maps of a split, without reading it.

        Raises:
            InputError: the data set has no such split.
        """
        if name in self.splits and isinstance(self.splits, Parted):
            return self.splits.count(name)
        return len(self.split(name))

    def split(self, name: str) -> T:
        """Return the windows or maps of a split.

        Raises:
            InputError: the data set has no such split.
        """
        if name not in self.splits:
            raise unknown_name(f"split of {self.recipe.name}", name, self.splits)
        return self.splits[name]

    def parts(self, name: str) -> Iterator[T]:
        """Yield the windows or maps of a split part by part, in order, for splits that are larger than memory.

        The parts of a stored split are its shards, each mapped only when it is reached and not kept; a split in memory
        is one part.

        Raises:
            InputError: the data set has no such split, or a shard is damaged.

        Example:
            >>> from gnnmax import RULES
            >>> from gnnmax.data.store import load_data
            >>> from gnnmax.evaluation.streaming import Evaluator
            >>> evaluator = Evaluator()
            >>> for windows in load_data("real-karate").parts("test"):
            ...     evaluator.update(RULES["argmax"], windows)
            >>> evaluator.compute().accuracy
            1.0
        """
        if name not in self.splits:
            raise unknown_name(f"split of {self.recipe.name}", name, self.splits)
        return self.splits.parts(name) if isinstance(self.splits, Parted) else iter([self.split(name)])

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the data set into a folder that :func:`gnnmax.open_dataset` reads, atomically.

        Args:
            path: The folder to write, which must be absent or empty.
            force: Whether to replace an existing data set.

        Returns:
            The folder.

        Raises:
            InputError: the folder is in use.
        """
        folder: Path = public("save_dataset")(self, path, force=force)
        return folder
