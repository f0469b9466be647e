"""A leaderboard that is a file: scores on one split, with the digests of the data, from which every figure follows."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from gnnmax.auditing.findings import Symmetry
from gnnmax.data.dataset import DataSet
from gnnmax.errors import InputError, unknown_name
from gnnmax.evaluation.difference import Comparison
from gnnmax.evaluation.evaluator import compare_scores
from gnnmax.evaluation.metrics import METRICS
from gnnmax.evaluation.verdict import Verdict
from gnnmax.io.atomic import write_file
from gnnmax.io.reading import FileKind
from gnnmax.task.scorers import checked_scores
from gnnmax.task.windows import Windows

__all__ = ["Board", "Entry", "Standing", "check_board", "new_board", "read_board", "with_entries", "write_board"]

BOARD_FILE = FileKind("the leaderboard", 2**28, "take it from its source again, or start a new one")
FIGURES = tuple(name for name, metric in METRICS.items() if metric.headline and not metric.localises)
TOLERANCE = 1e-9
"""By how much a figure may differ between two machines."""

NAME = r"^[^\x00-\x1f\x7f\ud800-\udfff]*\Z"
LONGEST_NAME = 200

Line = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, pattern=NAME)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One scorer of a board.

    Attributes:
        name: Its name.
        scores: One for each window of the split, in order.
        sha256: Digest of the scores, as float64 in little-endian order.
        figures: Metrics of the scores: checked, and never shown without.
        audit: Its behaviour under each transformation, where the scorer itself was there; empty for scores alone.
    """

    name: Line
    scores: list[float]
    sha256: Digest
    figures: dict[str, float | None]
    audit: dict[Line, Symmetry] = {}


class Board(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A leaderboard of one split of one data set.

    Attributes:
        format: Version of this layout.
        made: The words that mark a file of this program.
        data: Name of the recipe.
        digest: Digest of the recipe.
        split: Name of the split.
        windows: Number of its windows.
        windows_sha256: Digest of all arrays of the split.
        threshold: "Centred" iff the score is strictly above it.
        entries: In the order in which they came.
    """

    format: Literal[1] = 1
    made: Literal["made by gnnmax"] = "made by gnnmax"
    data: Line
    digest: Digest
    split: Line
    windows: Annotated[int, Meta(ge=1, le=2**40)]
    windows_sha256: Digest
    threshold: float
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Standing:
    """A board whose figures were computed again from the scores.

    Attributes:
        board: The board.
        comparison: Verdicts and differences of all entries; None of an empty board.
        groups: Names, best first: a group holds the best entry left and all that do not differ from it.
        ceiling: Accuracy of the best possible scorer, where it is known.
    """

    board: Board
    comparison: Comparison | None
    groups: tuple[tuple[str, ...], ...]
    ceiling: float | None

    def verdict(self, name: str) -> Verdict:
        """Return the verdict of an entry."""
        assert self.comparison is not None
        return self.comparison.verdicts[name]

    def audit_of(self, name: str) -> str:
        """Return the audit of an entry in words: for each verdict, the transformations that have it."""
        audit = next(entry for entry in self.board.entries if entry.name == name).audit
        found = {verdict: [each for each, one in audit.items() if one == verdict] for verdict in get_args(Symmetry)}
        parts = [f"{verdict}: {', '.join(names).replace('_', ' ')}" for verdict, names in found.items() if names]
        return "; ".join(parts) or "scores alone"

    def is_above_ceiling(self, name: str) -> bool:
        """Return whether the whole interval of an entry lies above the best possible accuracy: a leak."""
        low = self.verdict(name).intervals["accuracy"][0]
        return self.ceiling is not None and low is not None and low > self.ceiling


def new_board(data: DataSet, split: str = "test", *, threshold: float = 0.0) -> Board:
    """Start a board of a split.

    Raises:
        InputError: no such split, or a threshold that is no number.

    Example:
        >>> from gnnmax.data.generation import build
        >>> new_board(build("tiny")).windows
        16
    """
    if not math.isfinite(threshold):
        raise InputError(f"the threshold must be a number, not {threshold}")
    windows = _split(data, split)
    return Board(
        data=data.recipe.name,
        digest=data.recipe.digest,
        split=split,
        windows=len(windows),
        windows_sha256=_windows_digest(windows),
        threshold=float(threshold),
    )


def with_entries(
    board: Board,
    data: DataSet,
    scores: Mapping[str, npt.ArrayLike],
    *,
    audits: Mapping[str, Mapping[str, Symmetry]] | None = None,
) -> Board:
    """Add scorers to a board; an entry of the same name is replaced.

    Args:
        board: The board, of the same data.
        data: The data set.
        scores: One score for each window, by name.
        audits: The verdict of an audit for each transformation, by name, of those that were audited.

    Raises:
        InputError: the data are not those of the board; scores of another length, or not finite; a name that is empty,
            longer than 200 characters, or holds a control character.

    Example:
        >>> from gnnmax.data.generation import build
        >>> data = build("tiny")
        >>> board = with_entries(new_board(data), data, {"half": np.full(16, 0.5)})
        >>> board.entries[0].figures["accuracy"]
        0.5
    """
    windows = _same_data(board, data)
    for name in scores:
        if not re.fullmatch(NAME, name) or not 0 < len(name) <= LONGEST_NAME:
            raise InputError(f"{name[:40]!r} is no name of an entry: give 1 to {LONGEST_NAME} characters on one line")
    arrays = {
        name: np.asarray(checked_scores(given, windows, len(windows), f"the scores of {name}"), np.float64)
        for name, given in scores.items()
    }
    verdicts = compare_scores(arrays, windows, threshold=board.threshold).verdicts if arrays else {}
    added = tuple(
        Entry(
            name=name,
            scores=array.tolist(),
            sha256=_scores_digest(array),
            figures=_figures(verdicts[name]),
            audit=dict((audits or {}).get(name, {})),
        )
        for name, array in arrays.items()
    )
    kept = tuple(entry for entry in board.entries if entry.name not in arrays)
    return msgspec.convert(msgspec.to_builtins(msgspec.structs.replace(board, entries=kept + added)), Board)


def check_board(board: Board, data: DataSet) -> Standing:
    """Compute every figure of a board again from its scores, and rank the entries.

    The name of the data set is taken from the data, since no digest covers it.

    Raises:
        InputError: the data are not those of the board; a name is there twice; scores were altered; or a figure does
            not follow from its scores.

    Example:
        >>> from gnnmax.data.generation import build
        >>> from gnnmax.task.rules import RULES
        >>> data = build("tiny")
        >>> scores = {name: RULES[name](data.test) for name in ("argmax", "centre_value")}
        >>> check_board(with_entries(new_board(data), data, scores), data).groups
        (('argmax', 'centre_value'),)
    """
    windows = _same_data(board, data)
    board = msgspec.structs.replace(board, data=data.recipe.name)
    arrays: dict[str, npt.NDArray[np.float64]] = {}
    for entry in board.entries:
        array = np.array(entry.scores, np.float64)
        if entry.name in arrays:
            raise InputError(f"the leaderboard has two entries {entry.name!r}: {BOARD_FILE.remedy}")
        if len(array) != board.windows or _scores_digest(array) != entry.sha256:
            raise InputError(f"the scores of {entry.name!r} do not have their digest: altered; {BOARD_FILE.remedy}")
        arrays[entry.name] = array
    if not arrays:
        return Standing(board, None, (), data.ceiling)
    comparison = compare_scores(arrays, windows, threshold=board.threshold)
    for entry in board.entries:
        _check_figures(entry, _figures(comparison.verdicts[entry.name]))
    return Standing(board, comparison, _groups(comparison), data.ceiling)


def read_board(path: Path) -> Board:
    """Read a board; its figures are not checked.

    Raises:
        InputError: no such file, or it is damaged.
    """
    return BOARD_FILE.decode(BOARD_FILE.read(path), Board, path)


def write_board(board: Board, path: Path) -> None:
    """Write a board, atomically."""
    write_file(path, msgspec.json.format(msgspec.json.encode(board), indent=1))


def _split(data: DataSet, split: str) -> Windows:
    if split not in data.splits:
        raise unknown_name("split", split, data.splits)
    return data.splits[split]


def _same_data(board: Board, data: DataSet) -> Windows:
    """Return the split of a board, after a check of its digests."""
    if data.recipe.digest != board.digest:
        raise InputError(
            f"the leaderboard is of {board.data} with digest {board.digest[:12]}, not of {data.recipe.name} with "
            f"{data.recipe.digest[:12]}: name its data set"
        )
    windows = _split(data, board.split)
    if len(windows) != board.windows or _windows_digest(windows) != board.windows_sha256:
        raise InputError(
            f"the windows of {board.split} are not those of the leaderboard: generate the data set with the versions "
            f"that made it, or {BOARD_FILE.remedy}"
        )
    return windows


def _windows_digest(windows: Windows) -> str:
    found = hashlib.sha256()
    for name, array in windows.arrays().items():
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _scores_digest(scores: npt.NDArray[np.float64]) -> str:
    return hashlib.sha256(scores.astype("<f8").tobytes()).hexdigest()


def _figures(verdict: Verdict) -> dict[str, float | None]:
    return {name: None if (value := verdict.value(name)) is None else float(value) for name in FIGURES}


def _check_figures(entry: Entry, found: Mapping[str, float | None]) -> None:
    if entry.figures.keys() != found.keys():
        raise InputError(f"the figures of {entry.name!r} are not {', '.join(found)}: {BOARD_FILE.remedy}")
    for name, value in found.items():
        stated = entry.figures[name]
        same = stated == value if None in (stated, value) else abs(stated - value) <= TOLERANCE  # type: ignore[operator]
        if not same:
            raise InputError(
                f"the {name} of {entry.name!r} is stated as {stated}, and its scores give {value}: altered; "
                f"{BOARD_FILE.remedy}"
            )


def _groups(comparison: Comparison) -> tuple[tuple[str, ...], ...]:
    """Group the entries: the best one left, and all that do not differ significantly from it."""
    left = sorted(comparison.verdicts, key=lambda name: -comparison.verdicts[name].metrics["accuracy"])  # type: ignore[operator]
    groups: list[tuple[str, ...]] = []
    while left:
        best = left[0]
        near = [name for name in left if name == best or not comparison.between(best, name).is_significant]
        groups.append(tuple(near))
        left = [name for name in left if name not in near]
    return tuple(groups)
