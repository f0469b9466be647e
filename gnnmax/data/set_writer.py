"""Writing of a data set, shard by shard, with a record of the stored files, from which the same call continues."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gnnmax.data.manifest import FORMAT, MANIFEST, Natural, Shard, manifest_of, read_manifest, shard_name, versions
from gnnmax.data.recipe import GENERATION
from gnnmax.data.shards import read_shard, write_shard
from gnnmax.data.stored_kinds import Described
from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file
from gnnmax.io.atomic_folders import UNFINISHED
from gnnmax.io.reading import FileKind
from gnnmax.task.maps import Maps
from gnnmax.task.windows import Windows

__all__ = ["PartsOf", "SetWriter"]

PartsOf = Callable[[str, int], Iterator[Windows | Maps]]
"""Takes the name of a split and a number of parts, and yields its windows or maps in parts, without the first ones."""

RECORD_FILE = FileKind("the record", 64_000_000, "start again")

BEGUN_SECONDS = 10.0
"""Least number of seconds between two files of a shard that is not full."""

BEGUN_SHARE = 20
"""Least time between two such files, in multiples of the time that one takes."""

ALL_PARTS = 2**48


class _Stored(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a split, and how far the split was drawn when it was written.

    Attributes:
        split: Name of the split.
        windows: Number of windows or maps.
        bytes: Size of the file.
        sha256: Its digest.
        parts: Number of parts of the split that were drawn.
        rest: Number of windows or maps of the last of these that the next shard holds.
        is_whole: Whether it is a shard; otherwise it holds the beginning of the next one.
    """

    split: str
    windows: Annotated[int, Meta(ge=1, le=2**48)]
    bytes: Natural
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    parts: Natural
    rest: Natural
    is_whole: bool

    def shard(self, number: int) -> Shard:
        """Return the file as the shard of some number."""
        name = shard_name(self.split, number) if self.is_whole else f".begun-{self.parts}.safetensors"
        return Shard(name, self.windows, self.bytes, self.sha256)


class _Record(Struct, frozen=True, forbid_unknown_fields=True):
    """The files of an unfinished data set, the call that wrote them, and the digest of both."""

    digest: str
    call: dict[str, Any]
    stored: list[_Stored]

    @classmethod
    def of(cls, call: dict[str, Any], stored: list[_Stored]) -> _Record:
        return cls(hashlib.sha256(msgspec.json.encode([call, stored])).hexdigest(), call, stored)


class SetWriter:
    """Writes the splits of a recipe into a scratch folder; a stopped writer of the same call is continued.

    Args:
        recipe: The recipe, or the description of imported windows.
        shard_bytes: Size of a shard.
        resumable: Whether the recipe alone determines the parts, so that stored ones can be left out.
    """

    def __init__(self, recipe: Described, *, shard_bytes: int, resumable: bool) -> None:
        self._recipe, self._shard_bytes, self._resumable = recipe, shard_bytes, resumable
        self._call = {
            "format": FORMAT,
            "generation": GENERATION,
            "digest": recipe.digest,
            "shard_bytes": shard_bytes,
            **versions(),
        }
        self._stored: list[_Stored] = []
        self._next = 0.0

    def continues(self, folder: Path) -> bool:
        """Return whether a scratch folder holds files that this call can go on from."""
        return self._resumable and bool(self._recorded(folder))

    def write(self, folder: Path, parts_of: PartsOf) -> None:
        """Write all shards that are missing in a scratch folder, then the manifest, and remove everything else."""
        self._stored = self._found(folder) if self._resumable else []
        self._next = time.monotonic() + BEGUN_SECONDS
        for split in self._recipe.splits:
            self._write_split(folder, split, parts_of)
        shards = {split: self._shards_of(split) for split in self._recipe.splits}
        write_file(folder / MANIFEST, manifest_of(self._recipe, shards))
        kept = {MANIFEST, UNFINISHED, *(shard.file for each in shards.values() for shard in each)}
        for entry in folder.iterdir():
            if entry.name not in kept:
                entry.unlink()

    def _shards_of(self, split: str) -> list[Shard]:
        whole = (stored for stored in self._stored if stored.split == split and stored.is_whole)
        return [stored.shard(number) for number, stored in enumerate(whole)]

    def _write_split(self, folder: Path, split: str, parts_of: PartsOf) -> None:
        """Join parts until a shard is full; the rest starts the next shard."""
        drawn, waiting, parts = self._begun(folder, split, parts_of)
        waiting = self._cut(folder, split, waiting, parts=drawn)
        for part in parts:
            drawn += 1
            waiting = self._cut(folder, split, [*waiting, part], parts=drawn)
            if waiting and self._resumable and time.monotonic() >= self._next:
                self._add(folder, split, _joined(waiting), parts=drawn, is_whole=False)
        if waiting:
            self._add(folder, split, _joined(waiting), parts=drawn)

    def _cut(self, folder: Path, split: str, waiting: list[Any], *, parts: int) -> list[Any]:
        """Write the full shards of what waits, and return the rest."""
        if not waiting:
            return []
        room = max(self._shard_bytes // sum(array[:1].nbytes for array in waiting[0].arrays().values()), 1)
        while (count := sum(map(len, waiting))) >= room:
            joined = _joined(waiting)
            self._add(folder, split, joined[:room], parts=parts, rest=count - room)
            waiting = [joined[room:]] if count > room else []
        return waiting

    def _begun(self, folder: Path, split: str, parts_of: PartsOf) -> tuple[int, list[Any], Iterator[Any]]:
        """Return how many parts of a split were drawn, what of them waits for a shard, and the parts that follow."""
        own = [stored for stored in self._stored if stored.split == split]
        if not own:
            return 0, [], parts_of(split, 0)
        last = own[-1]
        if not last.is_whole:
            shard = last.shard(len(own) - 1)
            waiting = [read_shard(folder / shard.file, shard, self._recipe.of(split))]
            return last.parts, waiting, parts_of(split, last.parts)
        if not last.rest:
            return last.parts, [], parts_of(split, last.parts)
        parts = parts_of(split, last.parts - 1)
        cut = next(parts)
        return last.parts, [cut[len(cut) - last.rest :]], parts

    def _add(self, folder: Path, split: str, content: Any, *, parts: int, rest: int = 0, is_whole: bool = True) -> None:
        """Write a file and, if the call can be continued, record it; remove the beginning that it contains."""
        started = time.monotonic()
        begun = [stored for stored in self._stored if not stored.is_whole]
        stored = _Stored(split, len(content), 0, "", parts, rest, is_whole)
        name = stored.shard(len(self._shards_of(split))).file
        shard = write_shard(folder / name, content)
        stored = msgspec.structs.replace(stored, bytes=shard.bytes, sha256=shard.sha256)
        self._stored = [each for each in self._stored if each.is_whole] + [stored]
        if self._resumable:
            write_file(folder / UNFINISHED, msgspec.json.encode(_Record.of(self._call, self._stored)))
        for old in begun:
            (folder / old.shard(0).file).unlink(missing_ok=True)
        self._next = time.monotonic() + max(BEGUN_SECONDS, BEGUN_SHARE * (time.monotonic() - started))

    def _found(self, folder: Path) -> list[_Stored]:
        """Return the files of a scratch folder that this call wrote, up to the first that is missing or damaged."""
        recorded = self._recorded(folder)
        found = list(self._intact(folder, recorded))
        if len(found) < len(recorded) and recorded[0].parts == ALL_PARTS:
            return []
        return found

    def _recorded(self, folder: Path) -> list[_Stored]:
        """Return the files that a scratch folder should hold; none if another call wrote it."""
        try:
            if not (folder / UNFINISHED).is_file():
                return self._of_manifest(folder)
            record = RECORD_FILE.read_json(folder / UNFINISHED, _Record)
        except InputError:
            return []
        return record.stored if record == _Record.of(self._call, record.stored) else []

    def _of_manifest(self, folder: Path) -> list[_Stored]:
        """Return the files of a data set that is whole, but did not get its name."""
        manifest, recipe = read_manifest(folder)
        if recipe.digest != self._recipe.digest or manifest.versions != versions():
            return []
        return [
            _Stored(split, shard.windows, shard.bytes, shard.sha256, ALL_PARTS, 0, True)
            for split, shards in manifest.splits.items()
            for shard in shards
        ]

    def _intact(self, folder: Path, stored: Sequence[_Stored]) -> Iterator[_Stored]:
        """Yield files until one is missing or damaged."""
        for split, each in itertools.groupby(stored, lambda one: one.split):
            for number, one in enumerate(each):
                shard = one.shard(number)
                try:
                    read_shard(folder / shard.file, shard, self._recipe.of(split))
                except InputError:
                    return
                yield one


def _joined(parts: list[Any]) -> Any:
    return type(parts[0]).concatenate(parts)
