"""The command that imports your own windows."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gnnmax.cli.arguments import Flag, words_of
from gnnmax.cli.printing import print_json, print_tables, print_text
from gnnmax.errors import InputError
from gnnmax.io.plain_numbers import plain_float

__all__ = ["Import"]


@dataclass(frozen=True)
class Import:
    """Make a data set of your own labelled windows, split by graph: every other command then takes the folder."""

    values: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE")]]
    """Windows: .npy, .npz, .csv or .parquet, shape (N, k, k), or k * k numbers a line."""
    out: Path
    """The folder to write."""
    labels: Path | None = None
    """Labels, one a window: true or 1 where it is centred. Default: an array of that name in FILE, else computed."""
    graph: Path | None = None
    """Graph of each window, a number or a name: no graph is in two splits. Default: each window is a graph."""
    contexts: str = ""
    """Files of the contexts, ROWS,COLUMNS: A[R, R] and A[C, C] of each window, shape (N, k, k)."""
    split: str = "0.8,0.1,0.1"
    """Shares of train, val and test; of test alone, 1; or by name, as in train=0.9,test=0.1."""
    seed: int = 0
    """Seed of the choice of graphs for each split."""
    name: str = ""
    """Name of the data set: lower-case letters, digits and hyphens. Default: that of FILE."""
    summary: str = ""
    """One line that describes the windows."""
    force: Flag = False
    """Replace an existing data set."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Import the windows, and print the splits and the folder."""
        from gnnmax.data.importing import import_files
        from gnnmax.data.saving import save_dataset
        from gnnmax.io.atomic_folders import check_output_folder
        from gnnmax.io.ownership import DATA_SET

        check_output_folder(self.out, owner=DATA_SET, force=self.force)
        data = import_files(
            self.values,
            self.labels,
            graph=self.graph,
            contexts=self._contexts(),
            shares=_shares(self.split),
            seed=self.seed,
            name=self.name,
            summary=self.summary,
        )
        save_dataset(data, self.out, force=self.force)
        if all(len(set(data[split].graph.tolist())) == len(data[split]) for split in data):
            sys.stderr.write("gnnmax: each window is a graph of its own: give --graph if windows share a graph\n")
        if self.json:
            print_json({"folder": str(self.out), "digest": data.recipe.digest, "import": data.recipe.to_dict()})
            return 0
        print_tables(data)
        print_text(self.out)
        return 0

    def _contexts(self) -> tuple[Path, Path] | None:
        files = words_of(self.contexts)
        if len(files) not in (0, 2):
            raise InputError(f"--contexts takes two files, ROWS,COLUMNS, not {len(files)}")
        return (Path(files[0]), Path(files[1])) if files else None


def _shares(text: str) -> list[float] | dict[str, float]:
    """Read ``0.8,0.1,0.1`` or ``train=0.8,test=0.2``."""
    pairs = [word.rpartition("=") for word in words_of(text)]
    try:
        shares = {name.strip() or str(place): plain_float(share) for place, (name, _, share) in enumerate(pairs)}
    except ValueError:
        raise InputError(f"--split takes shares, as in 0.8,0.1,0.1 or train=0.9,test=0.1, not {text!r}") from None
    named = all(equals for _, equals, _ in pairs)
    if len(shares) < len(pairs) or (not named and any(equals for _, equals, _ in pairs)):
        raise InputError(f"--split takes shares, all with different names or all without, not {text!r}")
    return shares if named else list(shares.values())
