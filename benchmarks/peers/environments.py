"""An environment of its own for each peer, made on first use: old packages ask for old versions of others."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CACHE", "MissingPeerError", "Packages", "environment"]

CACHE = Path(__file__).parents[2] / ".peers"
"""Where the environments lie, one folder each; git ignores it."""

PATIENCE = 1_800.0
"""Seconds for the installation of one peer."""


class MissingPeerError(Exception):
    """A peer cannot be installed; the message is the reason."""


@dataclass(frozen=True)
class Packages:
    """What an environment holds.

    Attributes:
        requirements: Packages that pip installs with what they need.
        alone: Packages that pip installs without what they need.
        placeholders: Modules that a package imports and does not use here: empty ones take their place.
    """

    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()


def environment(name: str, packages: Packages, *, cache: Path = CACHE) -> Path:
    """Return the folder of the programs of a peer's environment, which is made with pip if it is not there.

    Args:
        name: Name of the peer.
        packages: What is installed; another list is another environment.
        cache: The folder of all environments.

    Raises:
        MissingPeerError: pip does not find or cannot build a package.
    """
    digest = hashlib.sha256(repr(packages).encode()).hexdigest()[:8]
    folder = cache / f"{name}-{digest}"
    programs, done, failed = folder / "bin", folder / "installed.txt", folder / "failed.txt"
    if failed.exists():
        raise MissingPeerError(f"{failed.read_text(encoding='utf-8')} (to try again, delete {folder})")
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)  # a rest of an installation that was interrupted
        cache.mkdir(parents=True, exist_ok=True)
        print(f"installing {', '.join((*packages.alone, *packages.requirements))}", file=sys.stderr, flush=True)
        try:
            done.write_text(_installed(folder, programs / "python", packages), encoding="utf-8")
        except MissingPeerError as error:
            folder.mkdir(exist_ok=True)
            failed.write_text(str(error), encoding="utf-8")
            raise
    return programs


def _installed(folder: Path, python: Path, packages: Packages) -> str:
    """Make an environment; return the list of what it holds."""
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(python), "-m", "pip"]
    _run([*pip, "install", "--quiet", *packages.requirements])
    if packages.alone:
        _run([*pip, "install", "--quiet", "--no-deps", *packages.alone])
    for module in packages.placeholders:
        place = _run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
        Path(place.strip(), f"{module}.py").touch()
    return _run([*pip, "freeze"])


def _run(command: list[str]) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise MissingPeerError(f"its installation takes more than {PATIENCE:.0f} s") from None
    if ended.returncode:
        errors = [line for line in ended.stderr.splitlines() if "error" in line.lower()] or ended.stderr.splitlines()
        raise MissingPeerError((errors or ["pip fails"])[-1].strip()[:200])
    return ended.stdout
