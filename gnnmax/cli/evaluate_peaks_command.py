"""The command evaluate-peaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro

from gnnmax.cli.arguments import Flag, words_of
from gnnmax.cli.printing import print_json, print_tables
from gnnmax.cli.score_files import named_files
from gnnmax.errors import InputError, unknown_name

T = TypeVar("T")

__all__ = ["EvaluatePeaks"]


@dataclass(frozen=True)
class EvaluatePeaks:
    """Evaluate the places that detectors call against the peaks that are there, matched one to one.

    Calls and truth are tables: .csv, .tsv, .json or .parquet with columns i, j (or row, column), and where they have
    them map, score (or value) and, for the truth, amplitude; what gnnmax detect writes; BEDPE as .bedpe or .tsv, by
    chromosight, cooltools, Juicer or mustache, with --resolution; or .npy and .npz arrays. Several files are compared.
    """

    calls: tyro.conf.Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="CALLS...")]]
    """Files of calls, each FILE or NAME=FILE."""
    truth: Path
    """File of the peaks."""
    tolerance: float = 1.0
    """Largest distance of a call from its peak, in places or hops."""
    metric: Literal["chebyshev", "euclidean", "manhattan"] = "chebyshev"
    """How the distances in rows and in columns are combined: the larger, the root of squares, the sum."""
    distance: Path | None = None
    """Distances between nodes in hops, .npy (n, n) or (M, n, n), in place of rows and columns."""
    symmetric: Flag = False
    """Count (i, j) and (j, i) as one place."""
    maps: str = ""
    """Number of maps, or their names separated by commas. Default: the maps with a peak."""
    shape: str = ""
    """Side of the maps, or ROWS,COLUMNS: a place outside is refused."""
    threshold: float | None = None
    """Calls with a score above it count in precision, recall and F1. Default: all."""
    resolution: int | None = None
    """Base pairs of a bin, for places in base pairs."""
    columns: tuple[str, ...] = ()
    """Columns of the calls, as row=y column=x score=-FDR; a minus where the lowest score is best. For one of several
    files: NAME:score=-FDR. Roles: map, row, column, score."""
    truth_columns: tuple[str, ...] = ()
    """Columns of the truth, likewise; also amplitude."""
    duplicates: Literal["refuse", "best"] = "refuse"
    """Refuse a place that is called twice, or keep the best of each."""
    fdr: float = 0.1
    """Largest share of false calls of the recall at a false-discovery rate."""
    ceiling: tuple[str, ...] = ()
    """Best possible values, as found_within=0.87; the table shows the gap."""
    groups: str = ""
    """Columns of the truth to slice the recall by, separated by commas."""
    bins: tuple[str, ...] = ()
    """Bins of slices, as amplitude=1,2,4 (edges) or diagonal=4 (bins of equally many peaks)."""
    confidence: float = 0.95
    """Of the intervals."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Read the tables, evaluate, print."""
        from gnnmax.evaluation.peaks.peak_evaluator import evaluate_peaks

        files = named_files(self.calls)
        if not files:
            raise InputError("evaluate-peaks needs a file of calls: gnnmax evaluate-peaks CALLS.csv --truth TRUTH.csv")
        found = {name: _places(file) for name, file in files.items()}
        comparison = evaluate_peaks(
            found,
            _places(self.truth),
            self.tolerance,
            maps=int(self.maps) if self.maps.isdigit() else words_of(self.maps) or None,
            shape=_listed(self.shape, "--shape", int) if self.shape else None,
            threshold=self.threshold,
            metric=self.metric,
            distance=None if self.distance is None else _array(self.distance),
            symmetric=self.symmetric,
            columns=_columns_by_caller(self.columns, list(files)),
            truth_columns=_pairs(self.truth_columns, "--truth-columns"),
            resolution=self.resolution,
            duplicates=self.duplicates,
            fdr=self.fdr,
            ceiling=_ceilings(self.ceiling),
            groups=words_of(self.groups) or None,
            bins={name: _bins(words) for name, words in _pairs(self.bins, "--bins").items()},
            confidence=self.confidence,
        )
        result = comparison if len(files) > 1 else comparison.verdicts[next(iter(files))]
        if self.json:
            print_json(result.to_dict())
        else:
            print_tables(result)
        return 0


def _places(file: Path) -> Any:
    """Read a table of places: columns by name, or one array without a name."""
    from gnnmax.io.table_columns import read_table_columns
    from gnnmax.io.table_files import UNNAMED

    table = read_table_columns(file)
    return table.get(UNNAMED, table)


def _array(file: Path) -> Any:
    from gnnmax.io.table_files import UNNAMED, read_arrays

    arrays = read_arrays(file)
    if len(arrays) != 1:
        raise InputError(f"{file} holds {len(arrays)} arrays: expected one of distances between nodes, as .npy or .npz")
    return arrays.get(UNNAMED, next(iter(arrays.values())))


def _pairs(texts: Sequence[str], flag: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` words."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value or name in found:
            raise InputError(f"{flag} takes NAME=VALUE, each name once, not {text!r:.60}")
        found[name] = value
    return found


def _columns_by_caller(texts: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the columns of each caller: those for all, and its own under ``NAME:ROLE``."""
    given = _pairs(texts, "--columns")
    found = {name: {role: column for role, column in given.items() if ":" not in role} for name in names}
    for key, column in given.items():
        name, colon, role = key.rpartition(":")
        if colon and name not in found:
            raise unknown_name("caller in --columns", name, names)
        if colon:
            found[name][role] = column
    return found


def _ceilings(texts: Sequence[str]) -> dict[str, float]:
    return {name: _number(word, "--ceiling", float) for name, word in _pairs(texts, "--ceiling").items()}


def _number(word: str, flag: str, kind: Callable[[str], T]) -> T:
    try:
        return kind(word)
    except ValueError:
        raise InputError(f"{flag} takes numbers, not {word!r:.40}") from None


def _listed(text: str, flag: str, kind: Callable[[str], T]) -> T | list[T]:
    """Read one number, or several between commas."""
    found = [_number(word, flag, kind) for word in words_of(text)]
    return found[0] if len(found) == 1 and "," not in text else found


def _bins(text: str) -> int | list[float]:
    """Read a number of bins, or edges between commas."""
    return [_number(word, "--bins", float) for word in words_of(text)] if "," in text else _number(text, "--bins", int)
