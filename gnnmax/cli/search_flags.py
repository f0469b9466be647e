"""The flags that say how a command searches a matrix, and which maxima it keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from gnnmax.cli.arguments import Flag, words_of
from gnnmax.cli.matrix_flags import MatrixFlags
from gnnmax.errors import InputError

__all__ = ["SearchFlags"]


@dataclass(frozen=True, kw_only=True)
class SearchFlags(MatrixFlags):
    """Base of the commands that search matrices: flags with the names of the search options.

    Example:
        >>> SearchFlags(k="5,9").sides, SearchFlags(k="9").sides
        ([5, 9], 9)
    """

    k: Annotated[str, tyro.conf.arg(metavar="SIDE[,SIDE...]")] = "9"
    """Side of the windows, odd; several, such as 5,9,15, search at these scales."""
    footprint: Annotated[str, tyro.conf.arg(metavar="{square,disk,cross,donut:INNER}")] = "square"
    """Which entries of a window are rivals of its centre: all, those of a disk or of a cross, or those outside its
    inner entries."""
    steps: str = "none"
    """Normalisation before the search, in this order, separated by commas: rank, distance, degree, smooth or
    blob, both with :SCALE; or by the surroundings: donut, vertical, horizontal, lower-left, each with :PEAK."""
    threshold: Annotated[float | str | None, tyro.conf.arg(metavar="NUMBER|PERCENT%|pPERCENTILE|FILE")] = None
    """Report only values strictly above this number, share of the largest value (20%), percentile (p99), or entry of a
    matrix in a file."""
    diagonal: bool = True
    """Whether the diagonal entries (i, i) take part."""
    mask: Path | None = None
    """A .npy, .npz or .mtx file of the shape of the matrix: 1 where nothing was measured, 0 elsewhere."""
    labels: Path | None = None
    """Maxima compete only within their label: a file with a whole number for each entry, 0 for none, or one label a
    node on each line."""
    min_distance: int = 1
    """Least distance between two maxima, in rows or in columns."""
    distance: Annotated[str | None, tyro.conf.arg(metavar="LEAST:LARGEST")] = None
    """Report only maxima at these distances from the diagonal, in places (8:50, 8:) or in base pairs (20kb:2mb)."""
    region: str | None = None
    """Report only maxima with row and column in a chromosome, or in a part of one (chr1:1mb-5mb), of a contact map."""
    cis: Flag = False
    """Report only maxima within a chromosome, or another part between breaks."""
    trans: Flag = False
    """Report only maxima between two chromosomes."""
    prominence: float | None = None
    """Report only maxima from which one must go down at least this far to reach a higher entry."""
    top: int | None = None
    """Report the largest maxima only, this many; those equal to the last one too."""
    top_per: Literal["matrix", "row", "column", "node", "label"] = "matrix"
    """Count --top in the whole matrix, or in each row, column, node or label."""

    @property
    def sides(self) -> int | list[int]:
        """The side of the windows, or several.

        Raises:
            InputError: another text.
        """
        words = words_of(self.k)
        if not words or not all(re.fullmatch(r"-?[0-9]{1,9}", word, re.ASCII) for word in words):
            raise InputError(
                f"--k takes an odd number of at least 3, or several, such as 5,9,15, not {self.k!r}: otherwise windows "
                "have no centre"
            )
        sides = [int(word) for word in words]
        return sides[0] if len(sides) == 1 and "," not in self.k else sides

    @property
    def files(self) -> list[Path]:
        """The files besides the matrix that the flags name."""
        named = [self.mask, self.labels]
        if isinstance(self.threshold, str) and not _is_relative(self.threshold):
            named.append(Path(self.threshold.partition("::")[0]))
        return [path for path in named if path is not None]

    def check_contacts(self) -> None:
        """Refuse flags that contradict each other.

        Raises:
            InputError: --cis and --trans.
        """
        if self.cis and self.trans:
            raise InputError("--cis contradicts --trans: give one of the two, or neither")

    def search_fields(self, matrix: Any) -> dict[str, Any]:
        """Return the fields of :class:`gnnmax.detection.SearchOptions` that the flags say, files read.

        Args:
            matrix: The matrix that is searched.
        """
        from gnnmax.detection.label_files import read_labels
        from gnnmax.detection.mask_files import read_entries, read_mask
        from gnnmax.detection.matrix_input import shape_of
        from gnnmax.detection.search_options import SearchOptions

        fields = {name: getattr(self, name) for name in SearchOptions.__struct_fields__ if hasattr(self, name)}
        fields["k"] = self.sides
        fields["steps"] = [] if self.steps == "none" else words_of(self.steps)
        fields["directed"] = self.direction
        fields["contacts"] = "cis" if self.cis else "trans" if self.trans else "all"
        fields["missing"] = None if self.mask is None else read_mask(self.mask, shape_of(matrix))
        fields["labels"] = None if self.labels is None else read_labels(self.labels)
        if isinstance(self.threshold, str) and not _is_relative(self.threshold):
            fields["threshold"] = read_entries(
                self.threshold, "thresholds of single entries are an array, such as a .npy, .npz or .mtx file"
            )
        return fields


def _is_relative(threshold: str) -> bool:
    """Return whether a text may be a threshold by itself: it names no file.

    Example:
        >>> _is_relative("20%"), _is_relative("p99"), _is_relative("background.npy")
        (True, True, False)
    """
    return not re.search(r"\.[A-Za-z]|[/\\]", threshold)
