"""The command that makes a recipe of your own graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gnnmax.cli.arguments import Flag, words_of
from gnnmax.cli.printing import print_json, print_text
from gnnmax.errors import InputError

__all__ = ["Host"]


@dataclass(frozen=True)
class Host:
    """Print a recipe for the graph in a file: write it to a .toml file, and generate or compare with that."""

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE")]]
    """A graph: .npz, .npy, .mtx, .graphml, or text (.csv, .tsv, .txt, .edgelist) with edges or a dense matrix."""
    k: int | None = None
    """Side of the windows, odd. Default: the largest of 9, 7, 5 and 3 that the graph has windows of."""
    parts: int | None = None
    """Parts without common nodes, which make train, val and test: 10, 5 or 3. Default: as many as have windows."""
    directed: Flag = False
    """The entry (u, v) is the edge from u to v alone."""
    weight: str | None = None
    """Edge attribute, or column of a list of edges, that holds the weights. Default: weight, or the only one."""
    columns: str = ""
    """Columns of a .csv file with a header: both ends of an edge and its weight, as in source,target,score."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print the recipe."""
        from gnnmax.data.hosts.own_files import File
        from gnnmax.data.own_graph import describe_host, recipe_of_graph

        recipe = recipe_of_graph(
            self.file,
            k=self.k,
            parts=self.parts,
            directed=self.directed,
            weight=self.weight,
            columns=self._columns(),
        )
        if self.json:
            print_json(recipe.to_dict())
            return 0
        file = recipe.hosts[0]
        assert isinstance(file, File)
        print_text("\n".join(f"# {line}" for line in describe_host(file)) + "\n" + recipe.to_toml().rstrip())
        return 0

    def _columns(self) -> tuple[str, str, str] | None:
        names = words_of(self.columns)
        if len(names) not in (0, 3):
            raise InputError(f"--columns takes three names, as in source,target,weight, not {len(names)}")
        return (names[0], names[1], names[2]) if names else None
