"""The command croissant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gnnmax.cli.arguments import Flag
from gnnmax.cli.printing import print_json
from gnnmax.io.atomic import write_file
from gnnmax.io.json_text import json_text
from gnnmax.io.ownership import Output, check_outputs
from gnnmax.io.paths import as_path

__all__ = ["Croissant"]


@dataclass(frozen=True)
class Croissant:
    """Describe a data set in Croissant, the metadata of MLCommons: its files, and the fields of their records."""

    data: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RECIPE|FOLDER")]]
    """Name of a recipe, path of a .toml file, or folder of a data set."""
    out: Path | None = None
    """Write the JSON-LD into this file, such as croissant.json. Default: print it."""
    force: Flag = False
    """Replace an output file that gnnmax did not write."""

    def run(self) -> int:
        """Print or write the metadata."""
        from gnnmax.interop.croissant import croissant

        check_outputs([Output("--out", self.out, (".json",))], inputs=[as_path(self.data)], force=self.force)
        found = croissant(self.data)
        if self.out is None:
            print_json(found)
        else:
            write_file(self.out, json_text(found))
        return 0
