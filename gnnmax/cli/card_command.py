"""The command card."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gnnmax.cli.arguments import Flag, open_any_data
from gnnmax.cli.printing import print_text
from gnnmax.io.atomic_folders import check_output_folder
from gnnmax.io.ownership import CARD_FOLDER
from gnnmax.io.paths import as_path

__all__ = ["Card"]


@dataclass(frozen=True)
class Card:
    """Write a data set, or the models of a run, as folders in the form of Hugging Face, each with its card.

    Of a data set: Parquet files that datasets.load_dataset reads, README.md with the data card, and croissant.json. Of
    a run on windows or maps: a folder for each net of gnnmax, with its weights in the best seed and README.md with the
    model card and its figures.
    """

    source: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RECIPE|FOLDER")]]
    """Name of a recipe, path of a .toml file, folder of a data set, or a run folder."""
    out: Path
    """The folder to write."""
    probes: bool = True
    """Whether the data card holds the learned shortcuts, which takes some seconds."""
    force: Flag = False
    """Replace a folder that this command wrote."""

    def run(self) -> int:
        """Write the folder."""
        check_output_folder(self.out, owner=CARD_FOLDER, force=self.force)
        if (as_path(self.source) / "config.json").is_file():
            self._write_models(as_path(self.source))
            return 0
        from gnnmax.report.hugging_face import write_dataset_card

        data = open_any_data(self.source)
        print_text(str(write_dataset_card(data, self.out, probes=self.probes, force=self.force)))
        return 0

    def _write_models(self, run: Path) -> None:
        """Write the models of a run, and name those that are left out."""
        from gnnmax.report.shipping import own_nets, write_model_cards

        for folder in write_model_cards(run, self.out, force=self.force):
            print_text(str(folder))
        for name in own_nets(run):
            sys.stderr.write(f"gnnmax: {name} is left out: without its own code no folder loads it\n")
