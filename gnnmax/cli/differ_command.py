"""The command differ: gained and lost maxima between two matrices of the same nodes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from gnnmax.cli.arguments import Flag
from gnnmax.cli.detect_needs import check_order_needs
from gnnmax.cli.printing import print_json, print_tables, print_text
from gnnmax.cli.search_flags import SearchFlags
from gnnmax.detection.output import is_table, json_lines, parquet_library, write_table
from gnnmax.io.ownership import Output, check_outputs
from gnnmax.report.figures import FIGURES, write_figure

if TYPE_CHECKING:
    from gnnmax.detection.difference_table import Differences

__all__ = ["Differ"]


@dataclass(frozen=True)
class Differ(SearchFlags):
    """Find the maxima that a second matrix of the same nodes has gained, lost or kept, with a false-discovery rate."""

    a: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="A")]]
    """The first matrix or graph, in any format that detect reads."""
    b: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="B")]]
    """The second one; nodes that have names are matched by these."""
    out: Path | None = None
    """Write all maxima of the sum to this .csv, .json or .parquet file."""
    rate: float = 0.05
    """The false-discovery rate of the maxima that are called gained or lost."""
    law: Literal["auto", "counts", "values"] = "auto"
    """How entries scatter: as counts, or as real numbers; auto takes whole numbers of at least 0 for counts."""
    around: int | None = None
    """Side of the window that is compared, odd. Default: 3; 1 in mode graph."""
    mode: Literal["ordered", "graph"] = "ordered"
    """ordered: the order of rows and columns has a meaning. graph: it has none."""
    picture: Path | None = None
    """Draw the changes into this .svg or .png file."""
    force: Flag = False
    """Replace output files that gnnmax did not write."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Compare the matrices, and print, write and draw the result."""
        self.check_contacts()
        check_order_needs(self)
        self._check_files()
        found = self._found()
        if self.out is not None:
            write_table(self.out, found.table())
        if self.picture is not None:
            write_figure(found.plot()[0], self.picture)
        if self.json:
            print_json({"a": str(self.a), "b": str(self.b), **found.to_dict()}, rows=json_lines(found.table()))
            return 0
        print_tables(found)
        for path in (self.out, self.picture):
            if path is not None:
                print_text(path)
        return 0

    def _check_files(self) -> None:
        """Refuse an output that cannot be written or would overwrite something else."""
        outputs = [
            Output("--out", self.out, (".csv", ".json", ".parquet"), is_table),
            Output("--picture", self.picture, FIGURES),
        ]
        check_outputs(outputs, inputs=[self.a, self.b, *self.files], force=self.force)
        if self.out is not None and self.out.suffix == ".parquet":
            parquet_library()

    def _found(self) -> Differences:
        from gnnmax.detection.matrix_differences import find_differences

        a, b = (self.read(file) for file in (self.a, self.b))
        compared: dict[str, Any] = {name: getattr(self, name) for name in ("rate", "law", "around")}
        return find_differences(a, b, **self.search_fields(a), **compared)
