"""The part that recipes of windows and recipes of maps have in common: splits, digest and changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Any, Self, TypeVar

import msgspec
from msgspec import Meta, Struct

from gnnmax.data.recipe_views import RecipeViews
from gnnmax.errors import InputError, suggestion, unknown_name

__all__ = ["GENERATION", "Count", "RecipeFace", "RecipeName", "Seed", "SplitName", "parsed_as"]

Parsed = TypeVar("Parsed")

GENERATION = 3
"""Version of the generator: increased when bytes or digests change; part of every recipe's digest."""

SplitName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
RecipeName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,59}\Z")]
Seed = Annotated[int, Meta(ge=0, le=2**62)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]


class RecipeFace(RecipeViews):
    """Base of recipes: a name, a seed, and a number of host graphs for each split."""

    __slots__ = ()

    seed: int

    @classmethod
    def parse(cls, plain: Any, source: str) -> Self:
        """Check plain dicts and lists as a recipe; ``source`` is its name in an error."""
        raise NotImplementedError

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines the bytes, in hexadecimal."""
        content = {key: value for key, value in self.to_dict().items() if key not in ("name", "summary")}
        canonical = msgspec.json.encode({"generation": GENERATION, **content}, order="sorted")
        return hashlib.sha256(canonical).hexdigest()

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def graphs(self) -> int:
        """Number of host graphs of all splits together."""
        return sum(self.splits.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain dicts, lists, strings and numbers."""
        plain = msgspec.to_builtins(self)
        assert isinstance(plain, dict)
        return plain

    def replace(self, **changes: Any) -> Self:
        """Return a recipe with some fields changed, and check it again.

        Keys may be dotted paths into nested fields, and lists take an index: ``{"plant.margin": [0.1, 1.0]}``. The
        summary may repeat what a field says: unless a new one is given, it states the changes instead, except for that
        of the seed.

        Raises:
            InputError: an unknown field, or a value outside the field's bounds.

        Example:
            >>> from gnnmax.data.recipe_files import load_recipe
            >>> load_recipe("noise-9-mu3").replace(**{"plant.amplitude": 2.0}).summary
            'noise-9-mu3 with plant.amplitude = 2.0'
        """
        plain = msgspec.json.decode(msgspec.json.encode(self))  # lists in place of the struct's tuples
        for path, value in changes.items():
            _assign(plain, path.split("."), value, path)
        if "summary" not in changes:
            plain["summary"] = self.changed_summary(self.parse(plain, self.name), changes)
        return self.parse(plain, self.name)

    def span(self, split: str) -> range:
        """Return the indices of the host graphs of a split."""
        if split not in self.splits:
            raise unknown_name("split", split, self.splits)
        first = 0
        for name, count in self.splits.items():
            if name == split:
                break
            first += count
        return range(first, first + self.splits[split])

    def split_of(self, graph: int) -> str:
        """Return the split that a host graph belongs to."""
        return next(split for split in self.splits if graph in self.span(split))


def _assign(plain: Any, path: list[str], value: Any, whole: str) -> None:
    for depth, key in enumerate(path):
        last = depth == len(path) - 1
        where: Any = key
        if isinstance(plain, list):
            if not key.isdecimal() or int(key) >= len(plain):
                raise InputError(f"the recipe has no field {whole!r}: {key!r} is no index below {len(plain)}")
            where = int(key)
        elif not isinstance(plain, dict) or (not last and key not in plain):
            near = suggestion(key, plain if isinstance(plain, dict) else ())
            raise InputError(f"the recipe has no field {whole!r}{near or f': {key!r} leads nowhere'}")
        if last:
            plain[where] = value
        else:
            plain = plain[where]


def parsed_as(kind: type[Parsed], plain: Any, source: str, *, known: Sequence[type[Struct]]) -> Parsed:
    """Check plain dicts and lists as a recipe of some kind.

    Args:
        kind: The struct to make.
        plain: The recipe as read from TOML or JSON.
        source: Its name in an error.
        known: Structs whose fields and types the recipe can name: an error suggests the nearest.

    Raises:
        InputError: a field does not fit; the message gives the field and the reason.
    """
    try:
        return msgspec.convert(plain, kind, strict=True)
    except (msgspec.ValidationError, RecursionError) as error:
        unknown = re.search(r"(unknown field|Invalid value) [`'](\w{1,40})[`']", str(error))
        fields = {name for struct in known for name in struct.__struct_fields__}
        tags = {str(struct.__struct_config__.tag) for struct in known if struct.__struct_config__.tag}
        nearest = suggestion(unknown[2], sorted(fields if unknown[1] == "unknown field" else tags)) if unknown else ""
        raise InputError(f"recipe {source}: {error}{nearest}") from None
