"""Merge the ledgers of shards into one sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gnnmax.errors import InputError
from gnnmax.experiments.sweeps.ledger import Ledger
from gnnmax.experiments.sweeps.table import SweepTable
from gnnmax.experiments.sweeps.units import UnitResult
from gnnmax.io.atomic_folders import atomic_folder
from gnnmax.io.ownership import SWEEP
from gnnmax.io.paths import as_path

__all__ = ["merge_sweeps"]


def merge_sweeps(folders: Sequence[str | Path], out: str | Path, *, force: bool = False) -> SweepTable:
    """Merge sweeps of one plan into a new folder; a unit may be in several of them, with the same result.

    A unit that failed in one of them and not in another is taken from the other.

    Args:
        folders: Folders of sweeps.
        out: The folder to write.
        force: Whether to replace a sweep in ``out``.

    Returns:
        The table.

    Raises:
        InputError: no sweep, other plans, a damaged unit, or two results of one unit that differ.
    """
    if not folders:
        raise InputError("there is nothing to merge: give at least one folder of a sweep")
    ledgers = [Ledger.load(folder) for folder in folders]
    planned = ledgers[0].planned()
    for ledger in ledgers[1:]:
        if ledger.identity() != (planned.plan.digest, planned.record):
            raise InputError(
                f"the sweeps in {ledgers[0].folder} and {ledger.folder} have other plans: merge shards of one plan"
            )
    found: dict[str, tuple[UnitResult, Path]] = {}
    for ledger in ledgers:
        for digest in sorted(ledger.digests()):
            result = ledger.read(digest)
            if result is not None:
                found[digest] = _one_of(found.get(digest), (result, ledger.path(digest)))
    target = as_path(out, "the folder of the sweep")
    with atomic_folder(target, owner=SWEEP, force=force) as scratch:
        merged = Ledger.new(scratch, planned)
        for result, _ in found.values():
            merged.write(result)
        for ledger in ledgers:
            merged.add_times(ledger.times())
        merged.tidy()
    return SweepTable.read(Ledger.load(target), planned, strict=True)


def _one_of(old: tuple[UnitResult, Path] | None, new: tuple[UnitResult, Path]) -> tuple[UnitResult, Path]:
    """Return the result of a unit that counts, with its file; two that differ are refused."""
    if old is None or old[0].state == "failed":
        return new
    if new[0].state != "failed" and new[0] != old[0]:
        raise InputError(
            f"two results of one unit differ, {old[1]} and {new[1]}: they come from other machines or versions; delete "
            "the one that you do not trust"
        )
    return old
