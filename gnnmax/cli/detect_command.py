"""The command detect: find the maxima of a matrix by the exact rule or by a net, and score them with trained nets."""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import tyro
from msgspec import structs

from gnnmax.cli.arguments import Flag, words_of
from gnnmax.cli.detect_needs import NAMED, ORDERED, check_needs, needs_order
from gnnmax.cli.detect_nets import models_of, scored, windows_of, write_score_maps
from gnnmax.cli.detect_printing import print_maxima, why_dropped
from gnnmax.cli.no_maximum import why_none
from gnnmax.cli.optional_outputs import Outputs
from gnnmax.cli.printing import print_json
from gnnmax.cli.search_by_net import mapper_of, with_rule
from gnnmax.cli.search_flags import SearchFlags
from gnnmax.detection.bedpe import check_bins
from gnnmax.detection.output import (
    BEDPE_FILE,
    is_table,
    json_lines,
    parquet_library,
    write_table,
    write_windows,
)
from gnnmax.detection.positions import detections_at, read_positions
from gnnmax.detection.table import Detections, detections_of, with_reason
from gnnmax.errors import InputError, failure_of
from gnnmax.io.atomic import write_file
from gnnmax.io.json_text import json_text
from gnnmax.io.ownership import MADE_BY, Output, check_outputs
from gnnmax.io.process_memory import peak_memory

if TYPE_CHECKING:
    from gnnmax.detection.matrix import MatrixSource
    from gnnmax.detection.maxima import Maxima
    from gnnmax.detection.score_maps import ScoreMapper
    from gnnmax.detection.search_options import SearchOptions
    from gnnmax.models.trained import TrainedModel

__all__ = ["Detect"]

CARD = ".card.json"
"""The ending of the run card beside a table."""

POSITIONS_HELP = (
    "Report on the positions in this file instead, in the given order; a position without a result carries a reason. "
    "Lines i,j, a table of this command, BEDPE, or a list of chromosight or cooltools."
)


@dataclass(frozen=True)
class Detect(SearchFlags):
    """Find the maxima of a matrix by the exact rule, or by a net, and score their windows with trained nets."""

    matrix: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="MATRIX")]]
    """A file: .npy, .npz, .mtx, .graphml, .cool or FILE.mcool::GROUP, FILE.h5::PATH, .zarr; text (.csv, .tsv, .txt,
    .edgelist) with edges u,v,weight or a dense matrix; - is standard input."""
    out: Path | None = None
    """Write all maxima to this .csv, .json, .parquet or, for contact maps, .bedpe file, and a run card beside it."""
    mode: Literal["auto", "ordered", "graph"] = "auto"
    """ordered: the order of rows and columns has a meaning. graph: it has none. auto: graph if the file lists edges
    between named nodes and no option asks for windows, else ordered."""
    seriate: Flag = False
    """The order of the nodes is lost: search along the order that their weights tell, and report the places of the
    file."""
    k_columns: int | None = None
    """Columns of the windows, if they are not square."""
    ties: Literal["strict", "all", "first", "plateau"] = "strict"
    """Which of several equal largest entries count."""
    border: Annotated[str, tyro.conf.arg(metavar="{shrink,drop}")] = "shrink"
    """How many entries of a window may be missing: any (shrink) or none (drop); --max-missing N: at most N."""
    max_missing: int | None = None
    """The largest number of entries of a window that may be missing."""
    triangle: Literal["upper", "both"] = "upper"
    """Half of a symmetric matrix to report: upper gives (i, j), both gives (j, i) too."""
    merge: int | None = None
    """Merge maxima at most this far apart, or joined by such maxima between them, into the largest of them."""
    centroid: Flag = False
    """Add the centroid of each window: the mean place of its entries, weighted by their excess over its median."""
    node_attributes: str = ""
    """Attributes of the nodes of a .graphml file, separated by commas: columns for the row and for the column."""
    by: Annotated[str | None, tyro.conf.arg(metavar="NET")] = None
    """Search the scores of this net in place of the values: the net scores every window, or in mode graph every edge;
    threshold, margin and minimum distance then refer to scores. A shipped model, a folder, or FOLDER=FILE.py:CLASS."""
    models: str | None = None
    """Nets that score the windows, separated by commas: shipped models by name, trained ones by folder, those of your
    own code as FOLDER=FILE.py:CLASS; or none. By default cnn,gnn, and none with --by."""
    allow_changed: Flag = False
    """Run nets of your own although their file was changed since the training."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto uses a GPU if there is one."""
    workers: int = 1
    """Number of worker processes in which a net scores every entry, strip by strip; the scores do not depend on it."""
    decoys: Literal["none", "shuffle", "distance"] = "none"
    """Compute q-values from matrices without maxima: shuffle exchanges all entries; distance, for contact maps, keeps
    the background of distance, rows, columns and surroundings."""
    draws: int = 10
    """Number of decoys: matrices without maxima."""
    fdr: float | None = None
    """Drop maxima with a q-value above this false-discovery rate."""
    seed: int = 0
    """Seed of the decoys."""
    positions: Annotated[Path | None, tyro.conf.arg(help=POSITIONS_HELP)] = None
    windows: Path | None = None
    """Write the windows of the maxima to this .npz file."""
    everywhere: Path | None = None
    """Write the scores of the windows around every entry to this .npz file, and compare them with the exact rule."""
    page: Path | None = None
    """Write an HTML page with a picture of the matrix and its maxima."""
    force: Flag = False
    """Replace output files that gnnmax did not write."""
    json: Flag = False
    """Print JSON."""

    old_flags: ClassVar[dict[str, str]] = {
        "--absent": "--unstored",
        "--separation": "--min-distance",
        "--both": "--triangle both",
    }

    def run(self) -> int:
        """Find the maxima, score their windows, and print and write the results."""
        from gnnmax.detection.matrix_files import has_order

        started = time.perf_counter()
        call = self if self.mode != "auto" else replace(self, mode="ordered")
        call._check()
        matrix = self.read(self.matrix, node_attributes=words_of(self.node_attributes))
        if self.mode != "auto" or has_order(matrix):
            return call._run(matrix, started, note="")
        if windowed := needs_order(replace(self, mode="graph")):
            return call._run(matrix, started, note=ORDERED.format(windowed))
        call = replace(self, mode="graph")
        call._check()
        return call._run(matrix, started, note=NAMED)

    def _run(self, matrix: Any, started: float, *, note: str) -> int:
        """Search a matrix that was read, see :meth:`run`; the note explains a mode that was not given."""
        from gnnmax.detection.matrix_files import form_of
        from gnnmax.detection.relative_threshold import with_threshold
        from gnnmax.detection.search import prepare_matrix

        options, outputs = self._options(matrix), Outputs()
        by, models = mapper_of(self), models_of(self)  # a wrong name is refused before the search
        source = prepare_matrix(matrix, options)
        if self.out is not None and self.out.suffix == BEDPE_FILE:
            check_bins((source.given_order or source).bins)
        if by is None:
            options = with_threshold(source, options)
        found, card = self._found(source, options, by)
        table = scored(self, source, found, models=models)
        if card["decoys"] is not None and card["decoys"]["failed"]:
            table = with_reason(table, f"no q-value: {card['decoys']['failed']}")
        card |= self._card(source, options, table) | {"mode_note": note}
        card |= {"format": form_of(self.matrix, matrix), "format_note": getattr(matrix, "note", "")}
        card["models"] = {name: model.card.weights_sha256 for name, model in models.items()}
        card["everywhere"] = None
        listed = table.in_given_order(source)
        self._write(source, listed, card, found=found, models=models, outputs=outputs)
        if len(table):
            card["no_maximum"] = ""
        elif self.positions is not None:
            card["no_maximum"] = f"{self.positions} lists no position"
        else:
            card["no_maximum"] = why_dropped(card) or why_none(source, options, by)
        card["seconds"] = round(time.perf_counter() - started, 3)
        card["peak_memory_bytes"] = peak_memory()
        if self.out is not None:
            with outputs.writing("the run card", path := self.out.with_suffix(CARD)):
                write_file(path, json_text(card) + "\n")
        if self.page is not None:
            from gnnmax.report.matrix_page import write_matrix

            with outputs.writing("--page", self.page):
                write_matrix(source, table, card, self.page, why_none=card["no_maximum"])
        if self.json:
            print_json({"card": card}, maxima=json_lines(listed))
        else:
            print_maxima(listed, card, self.out if outputs.wrote("--out") else None)
        outputs.refuse_losses()
        return 0

    def _write(
        self,
        source: MatrixSource,
        table: Detections,
        card: dict[str, Any],
        *,
        found: Detections,
        models: dict[str, TrainedModel],
        outputs: Outputs,
    ) -> None:
        """Write the table first, then the outputs beside it; one that fails keeps no other back."""
        card["table_sha256"] = None
        if self.out is not None:
            with outputs.writing("--out", self.out):
                card["table_sha256"] = write_table(self.out, table)
        if self.windows is not None:
            with outputs.writing("--windows", self.windows):
                write_windows(self.windows, table, windows_of(self, source, found)[1])
        if self.everywhere is not None:
            with outputs.writing("--everywhere", self.everywhere):
                card["everywhere"] = write_score_maps(self, source, models)

    def _options(self, matrix: Any) -> SearchOptions:
        """Make the options of the search in a matrix from the flags of the same names, and from the files they name."""
        from gnnmax.detection.search_options import SearchOptions

        fields = self.search_fields(matrix) | {"weight": None, "node_attributes": ()}  # they were read from the file
        if self.k_columns is not None:
            if isinstance(self.sides, list):
                raise InputError("--k-columns needs one --k, not several: leave it out, or give one side")
            fields["k"] = self.sides, self.k_columns
        return SearchOptions(**fields)

    def _found(
        self, source: MatrixSource, options: SearchOptions, by: ScoreMapper | None
    ) -> tuple[Detections, dict[str, Any]]:
        """Search, and make the table and the entries of the card that count the maxima."""
        from gnnmax.detection.search import search_matrix

        if self.positions is not None:
            maxima = search_matrix(source, structs.replace(options, triangle="both"))
            positions = read_positions(self.positions, maxima.names, source.bins)
            return detections_at(source, positions, maxima), {"maxima": len(maxima), "decoys": None, "by": None}
        table, decoys = self._listed(source, options, by)
        card: dict[str, Any] = {"maxima": len(table), "decoys": decoys, "by": None}
        if by is not None and table.maxima is not None:
            table, card["by"] = with_rule(source, options, table, by)
        return table, card

    def _listed(
        self, source: MatrixSource, options: SearchOptions, by: ScoreMapper | None
    ) -> tuple[Detections, dict[str, Any] | None]:
        """Search a matrix, or its score map; with decoys also return the entries of the card that count these."""
        from gnnmax.detection.false_discovery_rate import StatisticError, discoveries_in, selected, undefined
        from gnnmax.detection.score_maps import search_by
        from gnnmax.detection.search import search_matrix

        def search(options: SearchOptions) -> Maxima:
            return search_matrix(source, options) if by is None else search_by(by, source, options)

        if self.decoys == "none":
            return detections_of(search(options)), None
        rng = np.random.default_rng(self.seed)
        failed = ""
        try:
            found = discoveries_in(source, options, decoys=self.decoys, rng=rng, draws=self.draws, by=by)
        except (StatisticError, MemoryError) as error:
            failed = failure_of(error)
            found = undefined(search(structs.replace(options, triangle="upper", top=None)))
        rate = None if failed else self.fdr
        kept = selected(source, found, options, rate)
        decoys = {
            "kind": self.decoys,
            "draws": self.draws,
            "seed": self.seed,
            "fdr": self.fdr,
            "found": len(found.q),
            "dropped": 0 if rate is None else int((found.q > rate).sum()),
            "failed": failed,
        }
        return detections_of(kept.maxima, kept), decoys

    def _check(self) -> None:
        if self.border.isdecimal():
            raise InputError(f"--border {self.border} is called --max-missing {self.border} now")
        self.check_contacts()
        if self.decoys == "none" and self.fdr is not None:
            raise InputError("--fdr needs decoys: pass --decoys shuffle, or --decoys distance where values fall off")
        if self.fdr is not None and not 0 < self.fdr <= 1:
            raise InputError(f"--fdr takes a rate above 0 and up to 1, not {self.fdr:g}")
        if self.seed < 0:
            raise InputError(f"--seed takes a whole number of at least 0, not {self.seed}")
        for flag, given in (("--triangle both", self.triangle == "both"), ("--positions", self.positions is not None)):
            if self.decoys != "none" and given:
                raise InputError(f"decoys apply to maxima, each pair once: leave out {flag}")
        if self.everywhere is not None and (self.mode == "graph" or self.scorers == "none"):
            raise InputError("--everywhere needs nets and an ordered matrix: leave out --mode graph or --models none")
        check_needs(self)
        self._check_files()

    def _check_files(self) -> None:
        """Refuse an output that cannot be written or would overwrite something else."""
        outputs = [
            Output("--windows", self.windows, (".npz",)),
            Output("--everywhere", self.everywhere, (".npz",)),
            Output("--page", self.page, (".html",)),
        ]
        if self.out is not None:
            outputs.append(Output("--out", self.out, (".csv", ".json", ".parquet", BEDPE_FILE), is_table))
            outputs.append(Output("the run card of --out", self.out.with_suffix(CARD), (".json",)))
        inputs = [self.matrix, *self.files] + ([self.positions] if self.positions else [])
        check_outputs(outputs, inputs=inputs, force=self.force)
        if self.out is not None and self.out.suffix == ".parquet":
            parquet_library()

    @property
    def scorers(self) -> str:
        """The nets that score the windows of the list, as --models names them."""
        return self.models if self.models is not None else "none" if self.by is not None else "cnn,gnn"

    @property
    def side(self) -> int:
        """The side of the windows that nets score: that of the smallest ones."""
        return min(self.sides) if isinstance(self.sides, list) else self.sides

    def _card(self, source: MatrixSource, options: SearchOptions, table: Detections) -> dict[str, Any]:
        from gnnmax.data.store import versions
        from gnnmax.detection.balancing import Balancing

        balancing = Balancing.of(balanced=self.balanced_by, divisive=self.divided)
        return {
            "command": f"gnnmax {shlex.join(sys.argv[1:])}",
            "matrix": str(self.matrix),
            "mask": None if self.mask is None else str(self.mask),
            "labels": None if self.labels is None else str(self.labels),
            "positions": None if self.positions is None else str(self.positions),
            **options.to_dict(),
            "threshold_given": self.threshold,
            "symmetry": source.symmetry.to_dict() | {"note": source.symmetry.note},
            "balanced": bool(self.balanced_by),
            "balancing": None if balancing is None else balancing._asdict(),
            "order": None if (given := source.given_order) is None else given.order.tolist(),
            "order_explains": None if given is None else given.explained,
            "filters": [] if table.maxima is None else [one._asdict() for one in table.maxima.dropped],
            "weight": self.weight,
            "node_attributes": words_of(self.node_attributes),
            "lost": {f"{step.name}: {step.reason}": step.lost for step in source.steps if step.lost},
            "columns": {name: filled.column.holds for name, filled in table[:0].filled().items()},
            "types": {name: str(filled.type) for name, filled in table[:0].filled().items()},
            "without_score": dict(
                Counter(() if table.reasons is None else table.reasons[table.reasons != ""].tolist())
            ),
            "versions": versions(),
            "generator": MADE_BY,
        }
