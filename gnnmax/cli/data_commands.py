"""The commands of data: generate, verify, info."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gnnmax.cli.arguments import Changes, Flag, open_any_data, open_recipe
from gnnmax.cli.printing import print_checks, print_json, print_tables, print_text
from gnnmax.io.ownership import Output, check_outputs
from gnnmax.io.paths import as_path
from gnnmax.report.progress import drawing_progress

__all__ = ["Generate", "Info", "Verify"]


@dataclass(frozen=True)
class Generate:
    """Generate the data set of a recipe in a folder, which appears only when it is complete."""

    recipe: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RECIPE")]]
    """Name of a shipped recipe, or path of a .toml file."""
    out: Path | None = None
    """The folder to write; datasets/NAME if not given."""
    workers: int = 1
    """Number of worker processes; the bytes do not depend on it."""
    set: Changes = ()
    """Change a field of the recipe, as in --set seed=3 or --set plant.margin=[0.1,1.0]; may be repeated."""
    force: Flag = False
    """Replace an existing data set."""

    def run(self) -> int:
        """Generate the data set and print its path."""
        from gnnmax.data.store import write_dataset

        recipe = open_recipe(self.recipe, self.set)
        with drawing_progress("drawing hosts") as on_progress:
            folder = write_dataset(
                recipe,
                self.out or Path("datasets") / recipe.name,
                workers=self.workers,
                force=self.force,
                on_progress=on_progress,
            )
        print_text(folder)
        return 0


@dataclass(frozen=True)
class Verify:
    """Verify a stored data set: check digests and schema, and recompute every label, offset, margin, peak and order."""

    data: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FOLDER")]]
    """Folder of the data set."""
    all: Flag = False
    """Regenerate every host, not only a few per split."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print every check; return status 1 if one fails."""
        from gnnmax.data.verification import verify

        checks = verify(self.data, every_host=self.all)
        if self.json:
            print_json([{"claim": c.claim, "holds": c.holds, "found": c.found} for c in checks])
        else:
            print_checks(checks)
        return 0 if all(check.holds for check in checks) else 1


@dataclass(frozen=True)
class Info:
    """Print the data card of a recipe or a stored data set: counts, explicit rules, shortcut probes."""

    data: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RECIPE|FOLDER")]]
    """Name of a recipe, path of a .toml file, or folder of a data set."""
    page: Path | None = None
    """Also write the card as an HTML page, with windows of every kind, or with maps of every split."""
    force: Flag = False
    """Replace an output file that gnnmax did not write."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Print the card."""
        from gnnmax.data.card import describe
        from gnnmax.data.maps.card import describe_maps
        from gnnmax.data.maps.dataset import MapSet
        from gnnmax.report.tables import card_tables

        check_outputs([Output("--page", self.page, (".html",))], inputs=[as_path(self.data)], force=self.force)

        data = open_any_data(self.data)
        if isinstance(data, MapSet):
            found = describe_maps(data)
            if self.page is not None:
                from gnnmax.report.map_card_page import write_map_card

                write_map_card(data, found, self.page)
            if self.json:
                print_json(found.to_dict())
            else:
                print_tables(found)
            return 0
        card = describe(data)
        if self.page is not None:
            from gnnmax.report.card_page import write_card

            write_card(data, card, self.page)
        if self.json:
            print_json(card.to_dict())
        else:
            print_tables(*card_tables(card))
        return 0
