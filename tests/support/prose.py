"""The prose of the repository: docstrings, messages, templates and pages, and idioms that it must not use."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

IDIOMS = (
    "anew",
    "alike",
    "whoever",
    "of no account",
    "held against",
    "so many",
    "of which",
    "told",
    "tells apart",
    "stands there",
    "goes on",
)


@dataclass(frozen=True)
class Text:
    """A piece of prose and where it begins."""

    path: str
    line: int
    text: str

    @property
    def folder(self) -> str:
        """The folder of the package, ``docs``, or the file."""
        return "/".join(self.path.split("/")[: 2 if self.path.startswith("gnnmax/") else 1])


def strings_of(path: str, source: str) -> Iterator[Text]:
    """Yield the docstrings and string literals of a module; comments and names are not read."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Text(path, node.lineno, node.value)


def written(pattern: str) -> list[Path]:
    """Return the files below ``docs`` that people wrote: not those that the build of the site makes."""
    files = (ROOT / "docs").rglob(pattern)
    return [file for file in files if "generated" not in file.relative_to(ROOT).parts]


def prose() -> Iterator[Text]:
    """Yield what a reader sees: strings of the package, templates of the report, README, CONTRIBUTING and docs."""
    for file in sorted([*(ROOT / "gnnmax").rglob("*.py"), *written("*.py")]):
        yield from strings_of(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *written("*.md")]
    for file in sorted([*pages, *(ROOT / "gnnmax" / "report" / "templates").iterdir()]):
        yield Text(file.relative_to(ROOT).as_posix(), 1, file.read_text(encoding="utf-8"))


def occurrences(text: Text, idiom: str) -> list[str]:
    """List where an idiom occurs in a text, also across the end of a line, as ``file:line: idiom``."""
    pattern = r"\b" + r"\s+".join(map(re.escape, idiom.split())) + r"\b"
    found = re.finditer(pattern, text.text, flags=re.IGNORECASE)
    return [f"{text.path}:{text.line + text.text[: match.start()].count(chr(10))}: {idiom}" for match in found]
