"""The description of imported windows: it takes the place of a recipe, and says where the windows come from."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from gnnmax.errors import InputError, unknown_name
from gnnmax.task.noise import SPIKE, NoiseModel
from gnnmax.task.tabulation import Shown, TableText
from gnnmax.task.windows import FIELDS, Field, LabelRule

__all__ = ["Imported", "Source", "parse_import"]

SplitName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """A file that windows were imported from.

    Attributes:
        role: The content: ``values``, ``labels``, ``graph``, ``row_context`` or ``column_context``.
        file: Name of the file, without its folder.
        sha256: Digest of the whole file, in hexadecimal.
    """

    role: Annotated[str, Meta(max_length=40)]
    file: Annotated[str, Meta(max_length=1000)]
    sha256: Digest


class Imported(Shown, Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The description of imported windows, in the place of a recipe.

    It has the fields of a recipe that describe stored windows, under the same names, so that a data set of imported
    windows is read, checked and evaluated like any other.

    Attributes:
        name: Lower-case letters, digits and hyphens.
        summary: One line that describes it; not part of the digest.
        k: Side of the windows, odd.
        label: ``observed`` or ``planted``: which of the two labels is *the* label.
        contexts: Whether windows carry ``A[R, R]`` and ``A[C, C]``.
        amplitude: Whether windows carry the amplitude of a peak planted in noise.
        noise: The law of that noise.
        splits: Number of graphs of each split. No graph is in two splits.
        content: SHA-256 of all arrays of all splits, in hexadecimal.
        sources: The files that the windows come from; none if they come from arrays in memory.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,59}\Z")]
    summary: Annotated[str, Meta(max_length=200)] = ""
    k: Annotated[int, Meta(ge=3, le=255)]
    label: LabelRule
    contexts: bool = False
    amplitude: bool = False
    noise: NoiseModel = SPIKE
    splits: Annotated[dict[SplitName, Annotated[int, Meta(ge=1)]], Meta(min_length=1, max_length=20)]
    content: Digest
    sources: tuple[Source, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines the windows, in hexadecimal; names of files are left out."""
        plain = {key: value for key, value in self.to_dict().items() if key not in ("name", "summary", "sources")}
        return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()

    @property
    def fields(self) -> list[Field]:
        """The arrays that the windows have."""
        present = {"always": True, "contexts": self.contexts, "amplitude": self.amplitude}
        return [field for field in FIELDS.values() if present[field.present]]

    @property
    def shifts(self) -> dict[str, Any]:
        """No split is known to be of another distribution."""
        return {}

    def __hash__(self) -> int:
        return hash(self.digest)

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain dicts, lists, strings and numbers."""
        plain = msgspec.to_builtins(self)
        assert isinstance(plain, dict)
        return plain

    def of(self, split: str) -> Imported:
        """Return the description of one split alone.

        Raises:
            InputError: no such split.
        """
        if split not in self.splits:
            raise unknown_name(f"split of {self.name}", split, self.splits)
        return structs.replace(self, splits={split: self.splits[split]})

    def __str__(self) -> str:
        return f"imported windows {self.name}: side {self.k}, label {self.label}, splits {', '.join(self.splits)}"

    def tables(self) -> list[TableText]:
        """Return a table of the sources."""
        rows = [[source.role, source.file, source.sha256[:12]] for source in self.sources]
        return [TableText(str(self), ["content", "file", "sha256"], rows, [self.summary] if self.summary else [])]


def parse_import(plain: Any, source: str) -> Imported:
    """Check plain dicts and lists as the description of an import.

    Args:
        plain: The description as read from JSON.
        source: Its name in an error.

    Raises:
        InputError: a field does not fit; the message gives the field and the reason.

    Example:
        >>> parse_import({"name": "x", "k": "nine"}, "x")
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: import x: Expected `int`, got `str` - at `$.k`
    """
    try:
        return msgspec.convert(plain, Imported, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"import {source}: {error}") from None
