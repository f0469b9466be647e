"""Ownership: which folders and files the package wrote, and may therefore replace."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from gnnmax.errors import InputError
from gnnmax.io.paths import entry_at
from gnnmax.io.reading import NotRegularError, open_regular, read_ends

__all__ = [
    "CARD_FOLDER",
    "DATA_SET",
    "MADE_BY",
    "METADATA",
    "MODEL",
    "PROGRAM",
    "RUN",
    "SWEEP",
    "Output",
    "OwnedFolder",
    "check_outputs",
    "folder_around",
    "is_ours",
]

PROGRAM = "gnnmax"
"""The name of the program, which every mark contains."""

OURS = msgspec.Raw(msgspec.json.encode(PROGRAM))

MADE_BY = f"made by {PROGRAM}"
"""The words in a comment or in the metadata of every output: a file that only mentions the program lacks them."""

LARGEST_MARK = 16_000_000
SNIFFED = 65_536
"""Number of bytes at either end of a file that are searched for :data:`MADE_BY`."""


@dataclass(frozen=True)
class OwnedFolder:
    """A kind of folder that the package writes.

    A folder is ours if the *content* of its mark says so and all its entries are ours; names alone prove nothing.

    Attributes:
        title: Its name in an error.
        mark: Name of the JSON file that records the program that made the folder.
        entries: Patterns of all files that it may hold, as POSIX paths relative to the folder.
        fields: Fields of a mark of gnnmax 0.1, whose marks did not name the program.

    Example:
        >>> RUN.mark, RUN.title
        ('config.json', 'run')
    """

    title: str
    mark: str
    entries: tuple[str, ...]
    fields: frozenset[str]

    def marked(self, folder: Path) -> bool:
        """Return whether a folder holds a mark that the package wrote."""
        content = read_mark(folder / self.mark)
        return content is not None and (content.get("program") == OURS or self.fields <= content.keys())

    def foreign(self, folder: Path) -> str:
        """Return the reason why a folder is not ours, as part of an error message; empty if it is ours.

        Links and special files are foreign, because the package writes none; an empty folder is ours. Every entry is
        checked once.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as name:
            ...     _ = Path(name, "config.json").write_text('{"architectures": ["BertModel"]}')
            ...     RUN.foreign(Path(name))
            'its config.json was not written by gnnmax'
        """
        if not os.path.lexists(folder / self.mark):
            return f"it has no {self.mark}"
        if not self.marked(folder):
            return f"its {self.mark} was not written by {PROGRAM}"
        entry = self.foreign_entry(folder)
        return f"it also holds {entry}" if entry else ""

    def foreign_entry(self, folder: Path) -> str:
        """Return an entry of a folder that this kind does not hold, relative to it; empty if there is none."""
        for base, folders, files in os.walk(folder):
            folders.sort()
            here = Path(base).relative_to(folder)
            for name in sorted(files) + [each for each in folders if Path(base, each).is_symlink()]:
                path = (here / name).as_posix()
                regular = stat.S_ISREG(Path(base, name).lstat().st_mode)
                if not regular or not _matches(path, self.entries):
                    return path
        return ""


def _matches(path: str, patterns: Sequence[str]) -> bool:
    """Return whether a relative path matches a pattern part by part: a star matches within one folder."""
    parts = path.split("/")
    split = [pattern.split("/") for pattern in patterns]
    return any(len(own) == len(parts) and all(map(fnmatchcase, parts, own)) for own in split)


PARTIAL = ".*.partial"
"""Pattern of the temporary file that a killed write leaves behind."""

METADATA = "croissant.json"
"""The Croissant metadata of a data set, which lie beside the files that they describe."""

DATA_SET = OwnedFolder(
    "data set",
    "manifest.json",
    ("manifest.json", "*-[0-9][0-9][0-9][0-9][0-9].safetensors", METADATA, PARTIAL),
    frozenset({"format", "recipe", "digest", "versions", "splits"}),
)

RUN = OwnedFolder(
    "run",
    "config.json",
    (
        *("config.json", "environment.json", "results.json", "log.txt", "report.html", "heat-maps.svg", PARTIAL),
        *("metrics/seed-*.jsonl", "checkpoints/seed-*", "tensorboard/events.out.tfevents.*", f"*/{PARTIAL}"),
        *("*/seed-*/model.json", "*/seed-*/weights.safetensors", "*/seed-*/diverged.json"),
        *("*/seed-*/calls-*.csv", "truth-*.csv"),
    ),
    frozenset({"command", "recipe", "digest", "data", "models", "training", "seeds"}),
)

MODEL = OwnedFolder(
    "model",
    "model.json",
    ("model.json", "weights.safetensors", "README.md", PARTIAL),
    frozenset({"format", "name", "config", "k", "weights_sha256"}),
)

CARD_FOLDER = OwnedFolder(
    "card",
    "gnnmax.json",
    (
        *("gnnmax.json", "README.md", METADATA, "data/*-of-*.parquet", PARTIAL, f"data/{PARTIAL}"),
        *("*/README.md", "*/model.json", "*/weights.safetensors", f"*/{PARTIAL}"),
    ),
    frozenset({"program", "source", "digest"}),
)
"""A data set, or the models of a run, in the form of Hugging Face."""

SWEEP = OwnedFolder(
    "sweep",
    "sweep.json",
    ("sweep.json", "times.jsonl", "units/*.json", "pending/*.json", "sweep.html", f"*/{PARTIAL}", PARTIAL),
    frozenset({"program", "format", "plan"}),
)

FOLDERS = (DATA_SET, RUN, MODEL, SWEEP, CARD_FOLDER)


def read_mark(file: Path) -> dict[str, msgspec.Raw] | None:
    """Read the fields of a JSON object from a regular file; None if there is none. Other failures are errors."""
    try:
        with open_regular(file, follow=False) as content:
            mark = content.read(LARGEST_MARK + 1)
        return msgspec.json.decode(mark, type=dict[str, msgspec.Raw]) if len(mark) <= LARGEST_MARK else None
    except (FileNotFoundError, NotADirectoryError, NotRegularError, msgspec.DecodeError, ValueError, RecursionError):
        return None


def is_ours(file: Path) -> bool:
    """Return whether a file contains :data:`MADE_BY` near its beginning or its end.

    Example:
        >>> is_ours(Path("nowhere.html"))
        False
    """
    if not file.is_file():
        return False
    return any(MADE_BY.encode() in end for end in read_ends(file, SNIFFED))


@dataclass(frozen=True)
class Output:
    """An output file of a call.

    Attributes:
        option: The option that gives it, for errors.
        path: Its path; None if the option was not given.
        endings: Accepted suffixes, which select the format.
        recognise: Returns whether an existing file was written by this option before.
    """

    option: str
    path: Path | None
    endings: tuple[str, ...]
    recognise: Callable[[Path], bool] = is_ours


def check_outputs(outputs: Sequence[Output], *, inputs: Sequence[Path] = (), force: bool = False) -> None:
    """Refuse outputs that would overwrite something else, before any work is done.

    An output must not be an input of the same call, another output, or part of a run, a data set or a model. A file
    that another program wrote is replaced only with ``force``.

    Args:
        outputs: The outputs of the call.
        inputs: Files and folders that the call reads.
        force: Whether to replace files of other programs.

    Raises:
        InputError: an output is refused; the message gives the output and the reason.

    Example:
        >>> check_outputs([Output("--out", Path("table.txt"), (".csv", ".json"))])
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: --out table.txt must end in .csv or .json: the ending selects the format
    """
    taken = {os.path.realpath(path): "an input of this call" for path in inputs}
    for output in outputs:
        path, where = output.path, f"{output.option} {output.path}"
        if path is None:
            continue
        if path.suffix not in output.endings:
            raise InputError(f"{where} must end in {' or '.join(output.endings)}: the ending selects the format")
        if not path.parent.is_dir():
            raise InputError(f"{where}: the folder {path.parent} does not exist: make it first, or choose another file")
        if entry_at(path) not in ("nothing", "file"):
            raise InputError(f"{where} is not a regular file: choose another name")
        if os.path.realpath(path) in taken:
            raise InputError(f"{where} is {taken[os.path.realpath(path)]}: choose another file")
        owner = _owner(Path(os.path.realpath(path)))
        if owner:
            raise InputError(f"{where} belongs to {owner}: choose another file")
        if path.is_file() and not force and path.stat().st_size and not output.recognise(path):
            raise InputError(f"{where} exists and {PROGRAM} did not write it: choose another file, or pass --force")
        taken[os.path.realpath(path)] = f"written by {output.option} too"


PAGES = ("report.html", "heat-maps.svg", "sweep.html", METADATA)
"""Entries of a folder that are derived from the others and may be replaced."""


def _owner(path: Path) -> str:
    """Return the run, data set or model that a file is part of, for an error message; empty if there is none."""
    for folder in path.parents:
        inside = path.relative_to(folder).as_posix()
        if inside.count("/") > 2:
            break
        for kind in FOLDERS:
            if _matches(inside, kind.entries) and inside not in PAGES and kind.marked(folder):
                return f"the {kind.title} in {folder}"
    return ""


def folder_around(path: Path) -> str:
    """Return the run, data set, model, sweep or card that a new folder would lie in; empty if there is none.

    Such a folder is no longer ours once it holds something else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     _ = Path(name, "manifest.json").write_text('{"program": "gnnmax"}')
        ...     folder_around(Path(name, "figures", "new")) == f"the data set in {os.path.realpath(name)}"
        True
    """
    for folder in Path(os.path.realpath(path)).parents:
        for kind in FOLDERS:
            if kind.marked(folder):
                return f"the {kind.title} in {folder}"
    return ""
