"""The command differ: gained and lost maxima between two matrices of the same nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from gnnmax.cli.arguments import Flag
from gnnmax.cli.detect_needs import NAMED, ORDERED, check_order_needs, comparison_needs_order
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
    mode: Literal["auto", "ordered", "graph"] = "auto"
    """ordered: the order of rows and columns has a meaning. graph: it has none. auto: graph if the first file lists
    edges between named nodes and no option asks for windows, else ordered."""
    picture: Path | None = None
    """Draw the changes into this .svg or .png file."""
    force: Flag = False
    """Replace output files that gnnmax did not write."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Compare the matrices, and print, write and draw the result."""
        from gnnmax.detection.matrix_files import has_order

        self.check_contacts()
        call = self if self.mode != "auto" else replace(self, mode="ordered")
        check_order_needs(call)
        self._check_files()
        a, b = (self.read(file) for file in (self.a, self.b))
        note = ""
        if self.mode == "auto" and not has_order(a):
            graph = replace(self, mode="graph")
            windowed = comparison_needs_order(graph)
            call, note = (call, ORDERED.format(windowed)) if windowed else (graph, NAMED)
        call._show(call._found(a, b), note)
        return 0

    def _show(self, found: Differences, note: str) -> None:
        """Print, write and draw the result; the note explains a mode that was not given."""
        if self.out is not None:
            write_table(self.out, found.table())
        if self.picture is not None:
            write_figure(found.plot()[0], self.picture)
        if self.json:
            print_json({"a": str(self.a), "b": str(self.b), **found.to_dict()}, rows=json_lines(found.table()))
            return
        print_tables(found)
        for text in (note, self.out, self.picture):
            if text:
                print_text(text)

    def _check_files(self) -> None:
        """Refuse an output that cannot be written or would overwrite something else."""
        outputs = [
            Output("--out", self.out, (".csv", ".json", ".parquet"), is_table),
            Output("--picture", self.picture, FIGURES),
        ]
        check_outputs(outputs, inputs=[self.a, self.b, *self.files], force=self.force)
        if self.out is not None and self.out.suffix == ".parquet":
            parquet_library()

    def _found(self, a: Any, b: Any) -> Differences:
        from gnnmax.detection.matrix_differences import find_differences

        compared: dict[str, Any] = {name: getattr(self, name) for name in ("rate", "law", "around")}
        return find_differences(a, b, **self.search_fields(a), **compared)
