"""How a matrix is searched: every option of a search, checked once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
import numpy as np
from msgspec import Meta, Struct, structs

from gnnmax.detection.footprints import footprint_of
from gnnmax.detection.ranges import distance_range, region_of
from gnnmax.detection.window_sides import scales_of
from gnnmax.errors import InputError

__all__ = [
    "Border",
    "Contacts",
    "Groups",
    "Mode",
    "SearchOptions",
    "Sides",
    "Ties",
    "Triangle",
    "Unstored",
    "has_shape",
    "refuse_old_names",
    "relative_threshold",
]

Mode = Literal["ordered", "graph"]
"""Whether the order of rows and columns means something, or is an accident."""

Ties = Literal["strict", "all", "first", "plateau"]
"""Which of several equal largest entries count."""

Border = Literal["shrink", "drop"]
"""Whether entries of a window may be missing."""

Unstored = Literal["zero", "missing"]
"""The value of an entry that a sparse matrix does not store."""

Triangle = Literal["upper", "both"]
"""The entries that report a pair of an undirected matrix: the one above the diagonal, or both."""

Contacts = Literal["all", "cis", "trans"]
"""The maxima that are kept: all, those within a part such as a chromosome, or those between two parts."""

Groups = Literal["matrix", "row", "column", "node", "label"]
"""The groups whose largest maxima are kept: one for the whole matrix, or one for each row, column, node or label."""

Sides = int | tuple[int, int] | Sequence[int | tuple[int, int]]
"""The side of square windows, or their rows and columns; or a list of these, which are scales."""

ORDERED_ONLY = (
    "border", "max_missing", "min_distance", "unstored", "contacts", "distance", "prominence", "footprint", "merge",
    "centroid", "seriate",
)  # fmt: skip
"""Options that have no effect in mode graph, which has no windows and no distances, and whose edges are stored."""

UNTYPED = ("k", "missing", "breaks", "distance", "threshold", "footprint", "labels")
"""Options of several types, which are checked where they are read."""

OF_THE_GIVEN_ORDER = ("breaks", "labels", "contacts", "region", "merge", "centroid")
"""Options that refer to places in the given order, which is not the one that is searched after seriation."""

OLD_NAMES = {"separation": "min_distance", "absent": "unstored", "both": "triangle"}
"""Old names of options, and their new names."""


class _WindowOptions(Struct, frozen=True, eq=False):
    """The one option that may be given by position."""

    k: Sides = 9


class SearchOptions(_WindowOptions, frozen=True, eq=False, kw_only=True):
    """The options of a search, see :func:`gnnmax.find_maxima`.

    Attributes:
        k: Side of the windows, odd and at least 3, or ``(rows, columns)``. A list ``[5, 9, 15]`` of these searches at
            several scales: an entry that is a maximum at any of them is one, ``Maxima.scale`` holds the largest side at
            which it is, and ``Maxima.scales`` all of them. Ignored in mode graph.
        mode: ``ordered`` or ``graph``.
        footprint: The entries of a window that are rivals of its centre: all others (``square``); those of a ``disk``
            or a ``cross`` in it; or those outside its inner entries (``donut:3``). Ties, margins and missing entries
            are those of the footprint. See :data:`gnnmax.detection.footprints.FOOTPRINTS`.
        labels: Whole numbers of the shape of the matrix, 0 for entries that are no maxima and no rivals, as in
            scikit-image; or one label for each node, a vector of whole numbers or text, or ``(rows, columns)``: the
            label of an entry is then the pair of those of its row and its column. Entries compete only within their
            label; to a window, those of other labels are missing, and in mode graph edges of other labels share no ends
            with it. ``Maxima.labels`` holds the label of each maximum.
        steps: Normalisation before the search: names of :data:`gnnmax.detection.NORMALISATIONS`, applied in this order.
            The search then compares scores: ``threshold`` and ``margin`` refer to scores, and the maxima are sorted by
            score.
        ties: ``strict``: no other entry is as large. ``all``: none is larger and one is smaller, so that a constant
            window has no maximum. ``first``: as ``all``, and equal entries come later, by row and then by column.
            ``plateau``: equal entries of one label that touch, at a corner too, count as one if none is beaten in its
            own window and one is above another entry; the first one represents them. Mode graph has no order: strict or
            all.
        border: ``shrink``: entries of a window may be missing, outside the matrix or not measured. ``drop``: none may.
            A missing entry beats nothing; it is never taken for 0.
        max_missing: With ``border = "shrink"``, the largest number of missing entries; None: any number.
        missing: True where nothing was measured, shape ``(n, m)``; or a tuple of two vectors, True for each row and for
            each column where nothing was, shapes ``(n,)`` and ``(m,)``; or None.
        breaks: Two lists, ``(rows, columns)``: the first row and the first column of each further part, such as a
            chromosome. Windows and distances end there: an entry across a break is missing. None: the breaks of the
            source, which contact maps have. Ignored in mode graph.
        unstored: The value of an entry that a sparse matrix does not store: ``zero``, as in scipy, or ``missing``. A
            stored zero is measured. Not in mode graph: an edge is a stored entry, or not 0 in a dense matrix.
        diagonal: Whether entries ``(i, i)`` take part; else they are missing.
        seriate: Whether the order of the nodes is lost. They are put in the order that their weights tell, see
            :func:`gnnmax.detection.seriation.seriate`, and searched as in mode ordered; the answer names the
            places of the input. At most 4,096 nodes.
        threshold: Only values strictly above it: a number; ``"20%"`` of the largest value; a percentile of the
            measured values, ``"p99"``; or a matrix of the same shape, dense or sparse, with a threshold for each entry,
            such as an expected background. Where that is NaN, there is no maximum. None takes all.
        min_distance: Least distance of two maxima. A maximum is dropped if a larger one that is kept is nearer in rows
            and in columns. Equal ones never drop each other. 1 drops none.
        triangle: The entries that report a pair of an undirected matrix: ``upper``, the one with ``i <= j``, or
            ``both``.
        directed: Whether ``(i, j)`` and ``(j, i)`` are two different edges. None: a networkx graph says so itself, and
            a matrix is undirected if it is symmetric, exactly or within rounding; its upper half is then read. False:
            they are one pair, also in a matrix with one empty half; refused if the matrix is neither.
        weight: The edge attribute of a networkx graph that holds the weights. None takes ``weight``, or 1 if no
            attribute holds numbers.
        node_attributes: Attributes of the nodes of a networkx graph that become columns of the answer, one for the
            row and one for the column of each maximum.
        contacts: Keep only maxima within a part between ``breaks``, such as a chromosome (``cis``), or only those
            between two parts (``trans``).
        region: Keep only maxima whose row and column lie in this region of a genome: ``chr1`` or ``chr1:1mb-5mb``, the
            bins that overlap it. Contact maps have chromosomes. None keeps all.
        distance: Keep only maxima at these distances from the diagonal, both ends included: ``(8, 50)`` or ``"8:50"``,
            ``(8, None)`` or ``"8:"`` in places, ``"20kb:2mb"`` in base pairs between the starts of two bins. Maxima
            across breaks have no distance. None keeps all.
        prominence: Keep only maxima of at least this prominence: how far one must go down from a maximum, over
            measured entries that touch, to reach a higher one; the highest one has its height above the lowest entry
            that can be reached. It is measured in the units of ``margin``, and ``Maxima.prominence`` holds it; 0 keeps
            all. None does not measure it.
        merge: Merge maxima that a chain of maxima joins, each at most this far from the next one in rows and in
            columns; the largest represents them, and ``Maxima.members`` and ``Maxima.extent`` describe them. Breaks
            are not crossed. None merges none.
        centroid: Whether to measure the centroid of each window, see
            :func:`gnnmax.detection.centroids.centroid_offsets`; ``Maxima.centroid`` holds it.
        top: Keep the largest maxima only, this many. Those that are equal to the last one are kept too, so that the
            answer does not depend on the order of the input. None keeps all.
        top_per: Whether ``top`` counts in the whole ``matrix``, or in each ``row``, ``column``, ``node`` or ``label``.
            A maximum between two nodes is kept if it is among the largest of one of them.

    Raises:
        InputError: an option has no such value, or two options contradict each other.

    Example:
        >>> SearchOptions(5, ties="all").sides
        (5, 5)
        >>> SearchOptions(ties="some")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: ties must be one of strict, all, first, plateau, not 'some'
    """

    mode: Annotated[Mode, Meta(description="one of ordered, graph")] = "ordered"
    steps: Annotated[Sequence[str], Meta(description="a sequence of names, such as ('rank',)")] = ()
    ties: Annotated[Ties, Meta(description="one of strict, all, first, plateau")] = "strict"
    border: Annotated[Border, Meta(description="shrink or drop")] = "shrink"
    max_missing: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="an integer of at least 0, or None")] = (
        None
    )
    missing: Any = None
    breaks: Any = None
    unstored: Annotated[Unstored, Meta(description="one of zero, missing")] = "zero"
    diagonal: Annotated[bool, Meta(description="True or False")] = True
    seriate: Annotated[bool, Meta(description="True or False")] = False
    footprint: str = "square"
    labels: Any = None
    threshold: Any = None
    min_distance: Annotated[int, Meta(ge=1, description="an integer of at least 1")] = 1
    triangle: Annotated[Triangle, Meta(description="one of upper, both")] = "upper"
    directed: Annotated[bool | None, Meta(description="True, False or None")] = None
    weight: Annotated[str | None, Meta(description="the name of an edge attribute, or None")] = None
    node_attributes: Annotated[Sequence[str], Meta(description="a sequence of names, such as ('team',)")] = ()
    contacts: Annotated[Contacts, Meta(description="one of all, cis, trans")] = "all"
    region: Annotated[str | None, Meta(description="text such as chr1:1mb-5mb, or None")] = None
    distance: Any = None
    prominence: Annotated[Annotated[float, Meta(ge=0)] | None, Meta(description="a number of at least 0, or None")] = (
        None
    )
    merge: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="an integer of at least 1, or None")] = None
    centroid: Annotated[bool, Meta(description="True or False")] = False
    top: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="an integer of at least 1, or None")] = None
    top_per: Annotated[Groups, Meta(description="one of matrix, row, column, node, label")] = "matrix"

    def __post_init__(self) -> None:
        if _is_number(self.border):
            raise InputError(f"border must be shrink or drop, not {self.border!r}: use max_missing={self.border}")
        for name, hint in _hints().items():
            value = getattr(self, name)
            try:
                msgspec.convert(value.item() if isinstance(value, np.generic) else value, hint, strict=True)
            except msgspec.ValidationError:
                raise InputError(f"{name} must be {_description(hint)}, not {value!r}") from None
        if self.prominence is not None and np.isnan(self.prominence):
            raise InputError("prominence must be a number, or None, not nan")
        if not has_shape(self.threshold):
            _check_threshold(self.threshold)
        if self.mode == "ordered":
            for sides in scales_of(self.k):
                footprint_of(self.footprint, sides)
        elif self.ties in ("first", "plateau"):
            raise InputError(f"ties = {self.ties!r} needs an order, which a graph does not have: use strict or all")
        if self.region is not None:
            region_of(self.region)
            if self.contacts == "trans":
                raise InputError(
                    "region contradicts contacts = 'trans': a region lies in one chromosome; leave one out"
                )
        if self.distance is not None:
            structs.force_setattr(self, "distance", str(distance_range(self.distance)))
        if self.top is None and self.top_per != "matrix":
            raise InputError(f"top_per = {self.top_per!r} has no effect without top: give top too, or leave it out")
        self._check_order()
        structs.force_setattr(self, "steps", tuple(self.steps))
        structs.force_setattr(self, "node_attributes", tuple(self.node_attributes))
        if self.border == "drop" and self.max_missing:
            raise InputError(f"border = 'drop' contradicts max_missing = {self.max_missing}: give one of the two")

    def _check_order(self) -> None:
        """Refuse options that have no effect in mode graph, and those that refer to an order that is lost."""
        for name, shown in self._changed(ORDERED_ONLY if self.mode == "graph" else ()):
            raise InputError(
                f"{name}{shown} has no effect in mode graph, which has no windows and no distances, and whose edges "
                "are stored: leave it out, or use mode ordered"
            )
        each = ("threshold",) if has_shape(self.threshold) else ()
        for name, shown in self._changed((*OF_THE_GIVEN_ORDER, *each) if self.seriate else ()):
            raise InputError(
                f"seriate contradicts {name}{shown}, which refers to the order that is lost: leave one of the two out"
            )

    def _changed(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield those of some options that differ from their defaults, and how to show their values."""
        defaults = dict(zip(reversed(self.__struct_fields__), reversed(self.__struct_defaults__), strict=False))
        for name in names:
            given = getattr(self, name)
            if has_shape(given) or given != defaults[name]:
                yield name, "" if has_shape(given) else f" = {given!r}"

    @property
    def sides(self) -> tuple[int, int]:
        """Rows and columns of the windows; of several scales, those of the smallest."""
        return self.scales[0]

    @property
    def scales(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of the windows of each scale, the smallest first."""
        return scales_of(self.k)

    @property
    def allowed_missing(self) -> int | None:
        """The largest number of missing entries of a window; None: any number."""
        return 0 if self.border == "drop" else self.max_missing

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain values, for JSON; without the mask."""
        left_out = ("missing", "breaks", "labels")
        plain = {name: getattr(self, name) for name in self.__struct_fields__ if name not in left_out}
        k = [list(sides) for sides in self.scales] if self.mode == "ordered" else [None]
        if has_shape(self.threshold):
            plain["threshold"] = "one for each entry"
        return {
            **plain,
            "k": k if len(k) > 1 else k[0],
            "steps": list(self.steps),
            "node_attributes": list(self.node_attributes),
        }


@cache
def _hints() -> dict[str, Any]:
    """Return the types of the options that have one type each."""
    hints = get_type_hints(SearchOptions, include_extras=True)
    return {name: hints[name] for name in SearchOptions.__struct_fields__ if name not in UNTYPED}


def _description(hint: Any) -> str:
    return next(str(meta.description) for meta in hint.__metadata__ if meta.description)


def relative_threshold(text: str) -> tuple[Literal["share", "percentile"], float]:
    """Read a threshold relative to the values: a share of the largest, in percent, or a percentile.

    Raises:
        InputError: another text, or a number above 100.

    Example:
        >>> relative_threshold("20%"), relative_threshold("p99.5")
        (('share', 20.0), ('percentile', 99.5))
    """
    found = re.fullmatch(r"(p?)([0-9]{1,3}(?:\.[0-9]{1,9})?)(%?)", text, re.ASCII)
    if found is None or bool(found[1]) == bool(found[3]) or float(found[2]) > 100:
        raise InputError(
            "threshold must be a number, or None, or text such as 20% (of the largest value) or p99 (a percentile), "
            f"not {text!r}"
        )
    return ("percentile" if found[1] else "share"), float(found[2])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def has_shape(value: Any) -> bool:
    """Return whether a value is an array of any kind: no number and no text.

    Example:
        >>> has_shape(np.ones(3)), has_shape(np.float64(3)), has_shape("20%")
        (True, False, False)
    """
    return bool(getattr(value, "shape", ()))


def _check_threshold(threshold: Any) -> None:
    if isinstance(threshold, str):
        relative_threshold(threshold)
    elif threshold is not None:
        number = not isinstance(threshold, (bool, np.bool_)) and isinstance(threshold, (int, float, np.number))
        if not number:
            raise InputError(
                "threshold must be a number, or None, or text such as 20% (of the largest value) or p99, or a matrix, "
                f"not {threshold!r}"
            )
        if np.isnan(threshold):
            raise InputError("threshold must be a number, or None, not nan")


def refuse_old_names(options: Mapping[str, Any]) -> None:
    """Refuse an option by its old name.

    Raises:
        InputError: an option has its old name; the message gives the new one.

    Example:
        >>> refuse_old_names({"separation": 3})
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: separation is called min_distance now: use min_distance=3
    """
    for old, new in OLD_NAMES.items():
        if old in options:
            value = ("both" if options[old] else "upper") if old == "both" else options[old]
            raise InputError(f"{old} is called {new} now: use {new}={value!r}")
