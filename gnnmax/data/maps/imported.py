"""The description of maps of your own: it takes the place of a recipe."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from gnnmax.errors import InputError, unknown_name
from gnnmax.task.map_model import Structure

__all__ = ["ImportedMaps", "MapFacts", "check_storable", "parse_imported_maps"]

Range = tuple[Annotated[int, Meta(ge=0, le=2**31)], Annotated[int, Meta(ge=0, le=2**31)]]


@dataclass(frozen=True)
class MapFacts:
    """What is known of maps without a recipe, under the names that the table of a recipe has.

    Attributes:
        structure: Of the maps.
        rows: Least and greatest number of rows.
        peak_range: Least and greatest number of peaks of a map.
        separation: Least distance between two peaks: none is known.
        order: ``given``.
    """

    structure: Structure
    rows: tuple[int, int]
    peak_range: tuple[int, int]
    separation: int = 0
    order: str = "given"


class ImportedMaps(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The description of maps of your own, in the place of a recipe.

    Attributes:
        name: Lower-case letters, digits and hyphens.
        summary: One line that describes them; not part of the digest.
        structure: Of the maps.
        rows: Least and greatest number of rows.
        peaks: Least and greatest number of peaks of a map.
        splits: Number of maps of each split.
        content: SHA-256 of all arrays of all splits, in hexadecimal.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,59}\Z")]
    summary: Annotated[str, Meta(max_length=200)] = ""
    structure: Structure
    rows: Range
    peaks: Range
    splits: Annotated[
        dict[Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")], Annotated[int, Meta(ge=1)]],
        Meta(min_length=1, max_length=20),
    ]
    content: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines the maps, in hexadecimal."""
        plain = {key: value for key, value in self.to_dict().items() if key not in ("name", "summary")}
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()

    @property
    def map(self) -> MapFacts:
        """What is known of the maps."""
        return MapFacts(self.structure, self.rows, self.peaks)

    @property
    def shifts(self) -> dict[str, Any]:
        """No split is known to be of another distribution."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain dicts, lists, strings and numbers."""
        plain = msgspec.to_builtins(self)
        assert isinstance(plain, dict)
        return plain

    def of(self, split: str) -> ImportedMaps:
        """Return the description of one split alone.

        Raises:
            InputError: no such split.
        """
        if split not in self.splits:
            raise unknown_name(f"split of {self.name}", split, self.splits)
        return structs.replace(self, splits={split: self.splits[split]})


def check_storable(recipe: object) -> None:
    """Refuse maps of your own where a recipe is stored beside the data.

    Raises:
        InputError: the description of maps of your own.
    """
    if isinstance(recipe, ImportedMaps):
        raise InputError(
            "maps of your own have no recipe to store: keep the matrices and the places of their peaks in files of "
            "yours, and make the maps again with Maps.from_values"
        )


def parse_imported_maps(plain: Any, source: str) -> ImportedMaps:
    """Check plain dicts and lists as the description of maps of your own.

    Raises:
        InputError: a field does not fit; the message gives the field and the reason.
    """
    try:
        return msgspec.convert(plain, ImportedMaps, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"maps {source}: {error}") from None
