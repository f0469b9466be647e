"""Ownership: which folders and files the package wrote, and may therefore replace."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from gnnmax.errors import InputError

__all__ = ["DATA_SET", "MODEL", "PROGRAM", "RUN", "Output", "OwnedFolder", "check_outputs", "is_ours"]

PROGRAM = "gnnmax"
"""What every mark and every output says of its maker."""

LARGEST_MARK = 64_000_000
SNIFFED = 65_536
"""Bytes at either end of a file in which an output names its maker."""


@dataclass(frozen=True)
class OwnedFolder:
    """A sort of folder that the package writes.

    A folder is ours by what is *in* its mark, and by every entry being one that we write; a file's name proves nothing.

    Attributes:
        title: What to call it in an error.
        mark: Name of the JSON file that says who made the folder.
        entries: Patterns of all files that it may hold, as POSIX paths relative to the folder.
        fields: Fields of a mark that gnnmax 0.1 wrote, before marks named the program.

    Example:
        >>> RUN.mark, RUN.title
        ('config.json', 'run')
    """

    title: str
    mark: str
    entries: tuple[str, ...]
    fields: frozenset[str]

    def marked(self, folder: Path) -> bool:
        """Tell whether a folder holds a mark that the package wrote."""
        content = read_mark(folder / self.mark)
        return content is not None and (content.get("program") == PROGRAM or self.fields <= content.keys())

    def foreign(self, folder: Path) -> str:
        """Return what shows that a folder is not ours, as words for an error; empty where it is.

        Links and special files are foreign, for the package writes none; an empty folder holds nothing to lose. It
        looks at every entry once.

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
        for base, folders, files in os.walk(folder):
            folders.sort()
            here = Path(base).relative_to(folder)
            for name in sorted(files) + [each for each in folders if Path(base, each).is_symlink()]:
                path = (here / name).as_posix()
                regular = stat.S_ISREG(Path(base, name).lstat().st_mode)
                if not regular or not _matches(path, self.entries):
                    return f"it also holds {path}"
        return ""


def _matches(path: str, patterns: Sequence[str]) -> bool:
    """Tell whether a relative path matches a pattern part by part: a star stays within one folder."""
    parts = path.split("/")
    split = [pattern.split("/") for pattern in patterns]
    return any(len(own) == len(parts) and all(map(fnmatchcase, parts, own)) for own in split)


PARTIAL = ".*.partial"
"""What a killed run leaves of a file that it was writing."""

DATA_SET = OwnedFolder(
    "data set",
    "manifest.json",
    ("manifest.json", "*-[0-9][0-9][0-9][0-9][0-9].safetensors", PARTIAL),
    frozenset({"format", "recipe", "digest", "versions", "splits"}),
)

RUN = OwnedFolder(
    "run",
    "config.json",
    (
        *("config.json", "environment.json", "results.json", "log.txt", "report.html", "heat-maps.svg", PARTIAL),
        *("metrics/seed-*.jsonl", "checkpoints/seed-*", "tensorboard/events.out.tfevents.*", f"*/{PARTIAL}"),
        *("*/seed-*/model.json", "*/seed-*/weights.safetensors"),
    ),
    frozenset({"command", "recipe", "digest", "data", "models", "training", "seeds"}),
)

MODEL = OwnedFolder(
    "model",
    "model.json",
    ("model.json", "weights.safetensors", "README.md", PARTIAL),
    frozenset({"format", "name", "config", "k", "weights_sha256"}),
)

FOLDERS = (DATA_SET, RUN, MODEL)


def read_mark(file: Path) -> dict[str, Any] | None:
    """Read a JSON object from a regular file; None where there is none. Any other failure to read is an error."""
    try:
        found = file.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_MARK:
            return None
        content = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def is_ours(file: Path) -> bool:
    """Tell whether a file names the package as its maker, near its beginning or its end.

    Example:
        >>> is_ours(Path("nowhere.html"))
        False
    """
    if not file.is_file():
        return False
    with file.open("rb") as content:
        head = content.read(SNIFFED)
        content.seek(max(0, file.stat().st_size - SNIFFED))
        return PROGRAM.encode() in head or PROGRAM.encode() in content.read(SNIFFED)


@dataclass(frozen=True)
class Output:
    """A file that a call is to write.

    Attributes:
        option: The option that names it, for errors.
        path: Where; None where the option was not given.
        endings: Suffixes that say how it is written.
        recognise: Whether a file that stands there is one that this option wrote before.
    """

    option: str
    path: Path | None
    endings: tuple[str, ...]
    recognise: Callable[[Path], bool] = is_ours


def check_outputs(outputs: Sequence[Output], *, inputs: Sequence[Path] = (), force: bool = False) -> None:
    """Refuse outputs that would destroy something, before any work is done.

    An output is never an input of the same call, never another output, and never a file that a run, a data set or a
    model consists of. A file that something else wrote is replaced only with ``force``.

    Args:
        outputs: What is to be written.
        inputs: Files and folders that the call reads.
        force: Whether files of another origin may be replaced.

    Raises:
        InputError: naming the output and what stands in its place.

    Example:
        >>> check_outputs([Output("--out", Path("table.txt"), (".csv", ".json"))])
        Traceback (most recent call last):
        ...
        gnnmax.errors.InputError: --out table.txt must end in .csv or .json: the ending says how it is written
    """
    taken: dict[Path, str] = {path.resolve(): "an input of this call" for path in inputs}
    for output in outputs:
        path, where = output.path, f"{output.option} {output.path}"
        if path is None:
            continue
        if path.suffix not in output.endings:
            raise InputError(f"{where} must end in {' or '.join(output.endings)}: the ending says how it is written")
        if not path.parent.is_dir():
            raise InputError(f"{where}: the folder {path.parent} does not exist: make it first, or choose another file")
        if path.exists() and not path.is_file():
            raise InputError(f"{where} is not a regular file: choose another name")
        if path.resolve() in taken:
            raise InputError(f"{where} is {taken[path.resolve()]}: choose another file")
        owner = _owner(path.resolve())
        if owner:
            raise InputError(f"{where} belongs to {owner}: choose another file")
        if path.is_file() and not force and path.stat().st_size and not output.recognise(path):
            raise InputError(f"{where} exists and {PROGRAM} did not write it: choose another file, or pass --force")
        taken[path.resolve()] = f"written by {output.option} too"


PAGES = ("report.html", "heat-maps.svg")
"""Entries of a run that are made from the others and may be written again."""


def _owner(path: Path) -> str:
    """Return the run, data set or model that a file is a part of, as words for an error; empty if of none."""
    for folder in path.parents:
        inside = path.relative_to(folder).as_posix()
        if inside.count("/") > 2:
            break
        for kind in FOLDERS:
            if _matches(inside, kind.entries) and inside not in PAGES and kind.marked(folder):
                return f"the {kind.title} in {folder}"
    return ""
