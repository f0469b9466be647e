"""The command order: does the order of the rows and columns of a matrix carry information?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gnnmax.cli.arguments import Flag
from gnnmax.cli.matrix_flags import MatrixFlags
from gnnmax.cli.printing import print_json, print_tables, print_text
from gnnmax.errors import InputError
from gnnmax.io.ownership import Output, check_outputs
from gnnmax.report.figures import FIGURES, write_figure

__all__ = ["Order"]


@dataclass(frozen=True)
class Order(MatrixFlags):
    """Test whether the order of rows and columns carries information, and say which mode and which net to use."""

    file: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="FILE")]]
    """A matrix or a graph, in any format that detect reads."""
    draws: int = 999
    """Number of random orders; the least p-value is 1 / (1 + draws)."""
    seed: int = 0
    """Seed of the random orders."""
    two_sets: Flag = False
    """Rows and columns are different things although there are equally many: test their orders one by one."""
    out: Path | None = None
    """Draw the likeness by distance into this .svg or .png file."""
    force: Flag = False
    """Replace output files that gnnmax did not write."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Test the order, and print and draw the result."""
        import numpy as np

        from gnnmax.detection.matrix_input import shape_of
        from gnnmax.detection.order_information import order_test

        if self.seed < 0:
            raise InputError(f"--seed takes a whole number of at least 0, not {self.seed}")
        outputs = [Output("--out", self.out, FIGURES)]
        check_outputs(outputs, inputs=[self.file], force=self.force)
        matrix = self.read(self.file)
        n, m = shape_of(matrix)
        if self.two_sets and n != m:
            raise InputError(f"--two-sets has no effect on a matrix of {n} x {m}, which has two sets: leave it out")
        found = order_test(
            matrix,
            draws=self.draws,
            rng=np.random.default_rng(self.seed),
            two_sets=self.two_sets,
            unstored=self.unstored,
            directed=self.direction,
        )
        if self.out is not None:
            write_figure(found.plot()[0], self.out)
        if self.json:
            print_json({"matrix": str(self.file), "seed": self.seed, **found.to_dict()})
            return 0
        print_tables(found)
        if self.out is not None:
            print_text(self.out)
        return 0
