"""Training checkpoints: everything needed to resume a killed run bit for bit."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as tensor_bytes
from torch import Tensor

from gnnmax.io.atomic import write_file
from gnnmax.io.reading import FileKind
from gnnmax.io.tensor_files import read_header
from gnnmax.models.tensors import separate

__all__ = ["Checkpoint", "Snapshot"]

FORMAT = 1

STATE_FILE = FileKind("the checkpoint", 64_000_000, "start again with --force", memory=1_000_000_000)
TENSOR_FILE = FileKind("the checkpoint", 2**36, "start again with --force")
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the JSON file: the state as it is written, its digest, and that of the tensors."""

    format: Literal[1]
    tensors: Digest
    digest: Digest
    state: msgspec.Raw


class _Step(Struct, frozen=True, forbid_unknown_fields=True):
    step: Annotated[int, Meta(ge=1, le=2**53)]


class _Position(Struct, frozen=True):
    step: _Step


@dataclass(frozen=True)
class Snapshot:
    """A training state: plain values that JSON stores exactly, and tensors by name.

    Example:
        >>> import torch
        >>> whole = Snapshot.joined({"a": Snapshot({"step": 3}, {}), "b": Snapshot({}, {"w": torch.zeros(2)})})
        >>> whole.plain, list(whole.tensors), list(whole.part("b").tensors)
        ({'a': {'step': 3}, 'b': {}}, ['b/w'], ['w'])
    """

    plain: dict[str, Any]
    tensors: dict[str, Tensor]

    @classmethod
    def joined(cls, parts: Mapping[str, Snapshot]) -> Snapshot:
        """Join several snapshots, each under its name."""
        plain = {name: part.plain for name, part in parts.items()}
        tensors = {f"{name}/{key}": t for name, part in parts.items() for key, t in part.tensors.items()}
        return cls(plain, tensors)

    @property
    def step(self) -> int:
        """The step of the training, of a state that has a part ``step``.

        Raises:
            ValidationError: of msgspec, if there is none.
        """
        return msgspec.convert(self.plain, _Position).step.step

    def part(self, name: str) -> Snapshot:
        """Return one of the joined snapshots."""
        prefix = f"{name}/"
        tensors = {key.removeprefix(prefix): t for key, t in self.tensors.items() if key.startswith(prefix)}
        return Snapshot(self.plain[name], tensors)


class Checkpoint:
    """The last state of one training: ``NAME.json`` and a file of tensors that it names by digest.

    The tensors are written first, under a new name; then one rename replaces the JSON file. A process killed at any
    instant leaves the last state or the new one, never a mixture.

    Args:
        path: Path of the JSON file; its folder is made when needed.

    Example:
        >>> import tempfile, torch
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     checkpoint = Checkpoint(Path(folder, "seed-0.json"))
        ...     checkpoint.write(Snapshot({"step": 3}, {"w": torch.ones(2)}))
        ...     read = checkpoint.read()
        >>> read.plain, read.tensors["w"]
        ({'step': 3}, tensor([1., 1.]))
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, snapshot: Snapshot) -> None:
        """Replace the state, whole or not at all, and remove the tensors of the previous one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = tensor_bytes({key: separate(t) for key, t in snapshot.tensors.items()})
        tensors = self._tensors(_digest(content))
        if not tensors.exists():
            write_file(tensors, content)
        entry = {"format": FORMAT, "tensors": _digest(content), "digest": _digest(_line(snapshot.plain))}
        write_file(self._path, _line({**entry, "state": snapshot.plain}) + b"\n")
        for old in self._path.parent.glob(self._tensors("*").name):
            if old != tensors:
                old.unlink(missing_ok=True)

    def read(self) -> Snapshot | None:
        """Return the last state, or None if there is none.

        Raises:
            InputError: a file is missing, damaged or of another version.
        """
        if not os.path.lexists(self._path):
            return None
        entry = STATE_FILE.read_json(self._path, _Entry)
        if entry.digest != _digest(bytes(entry.state)):
            raise STATE_FILE.damaged(self._path, "its state has another digest")
        tensors = self._tensors(entry.tensors)
        content = TENSOR_FILE.read(tensors)
        if entry.tensors != _digest(content):
            raise TENSOR_FILE.damaged(tensors, "its tensors have another digest")
        try:
            read_header(content, largest=16_000_000)
            plain = msgspec.json.decode(entry.state, type=dict[str, Any])
            return Snapshot(plain, parse_tensors(content))
        except (ValueError, KeyError, RecursionError, msgspec.MsgspecError, SafetensorError) as error:
            raise TENSOR_FILE.damaged(tensors, error) from None

    def _tensors(self, digest: str) -> Path:
        return self._path.with_name(f"{self._path.stem}.{digest}.safetensors")


def _line(plain: dict[str, Any]) -> bytes:
    """Encode plain values as JSON; decoding and encoding again gives the same bytes."""
    return json.dumps(plain, allow_nan=False).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
