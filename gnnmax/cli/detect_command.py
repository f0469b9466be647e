"""The command detect: a matrix in, its maxima out, by the exact rule and by trained nets beside it."""

from __future__ import annotations

import json
import resource
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tyro

from gnnmax.cli.arguments import Flag, words_of
from gnnmax.cli.printing import print_json
from gnnmax.detection.output import (
    Rows,
    parquet_library,
    rows_of,
    with_scores,
    write_arrays,
    write_table,
    write_windows,
)
from gnnmax.detection.positions import read_positions, rows_at
from gnnmax.errors import InputError
from gnnmax.io.atomic import write_file

if TYPE_CHECKING:
    from gnnmax.detection.matrix import Source
    from gnnmax.detection.maxima import Maxima
    from gnnmax.models.trained import TrainedModel

__all__ = ["Detect", "print_maxima"]

CARD = ".card.json"
"""How the run card beside a table ends."""


@dataclass(frozen=True)
class Detect:
    """Find the maxima of a matrix: by the exact rule, and what trained nets say of the same windows."""

    matrix: tyro.conf.Positional[Path]
    """A file: .npy, .npz, .mtx, .csv (lines u,v,weight), .graphml, .cool or FILE.mcool::GROUP."""
    out: Path | None = None
    """Write all maxima into a .csv, .json or .parquet file, and a run card beside it."""
    mode: Literal["ordered", "graph"] = "ordered"
    """ordered: the order of rows and columns means something. graph: it does not."""
    k: int = 9
    """Side of the windows, odd."""
    k_columns: int | None = None
    """Columns of the windows, where they are not square."""
    ties: Literal["strict", "all", "first", "plateau"] = "strict"
    """Which of several equal largest entries count."""
    border: str = "shrink"
    """Missing entries of a window: shrink allows any number, drop none, a number so many."""
    absent: Literal["zero", "missing"] = "zero"
    """What an entry is that a sparse matrix does not store."""
    diagonal: bool = True
    """Whether entries (i, i) take part."""
    threshold: float | None = None
    """Only values strictly above it."""
    separation: int = 1
    """Least distance of two maxima."""
    both: Flag = False
    """Give (i, j) and (j, i) of a symmetric matrix."""
    directed: Flag = False
    """Entry (i, j) is the edge from i to j alone."""
    balanced: Flag = False
    """Balance the counts of a contact map."""
    models: str = "cnn,gnn"
    """Nets that score the windows: shipped ones by name, your own by folder, separated by commas; none for none."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes a GPU where there is one."""
    steps: str = "none"
    """What values go through before they are compared, in this order, separated by commas: rank, distance, degree."""
    decoys: Literal["none", "shuffle", "distance"] = "none"
    """Give q-values, by matrices whose entries were shuffled: all, or those as far from the diagonal."""
    draws: int = 10
    """Decoys drawn."""
    fdr: float | None = None
    """Drop maxima whose q-value is above it."""
    seed: int = 0
    """Of the decoys."""
    positions: Path | None = None
    """Tell of these places instead, lines i,j: every one in its order, with a reason where there is nothing to tell."""
    windows: Path | None = None
    """Write the windows of the maxima into a .npz file."""
    everywhere: Path | None = None
    """Score the window around every entry too, into a .npz file, and tell how much of that the rule finds."""
    page: Path | None = None
    """Write an HTML page with a picture of the matrix, its maxima marked."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Find, score, print, write."""
        from gnnmax.detection.matrix_files import read_matrix
        from gnnmax.detection.search import searched

        started = time.perf_counter()
        self._check()
        matrix = read_matrix(self.matrix, directed=self.directed, balanced=self.balanced)
        steps = [] if self.steps == "none" else words_of(self.steps)
        source = searched(matrix, steps, self.mode, self.absent, None, self.diagonal)
        maxima, chance, decoys = self._found(source)
        if self.positions is None:
            rows = [{**row, **more} for row, more in zip(rows_of(maxima), chance or [{}] * len(maxima), strict=True)]
        else:
            rows = rows_at(source, read_positions(self.positions, maxima.names), maxima)
        models = self._models()
        rows = self._scored(source, rows, models)
        card = self._card(source, maxima, rows, decoys)
        card["models"] = {name: model.card.weights_sha256 for name, model in models.items()}
        card["everywhere"] = self._everywhere(source, models)
        card["seconds"] = round(time.perf_counter() - started, 3)
        card["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if self.out is not None:
            write_table(self.out, rows)
            write_file(self.out.with_suffix(CARD), json.dumps(card, indent=1) + "\n")
        if self.page is not None:
            from gnnmax.report.matrix_page import write_matrix

            write_matrix(source, rows, card, self.page)
        if self.json:
            print_json({"card": card, "maxima": rows})
        else:
            print_maxima(rows, card, self.out)
        return 0

    def _found(self, source: Source) -> tuple[Maxima, Rows, dict[str, Any] | None]:
        """Find the maxima; with decoys, what is told of each besides, and what the card tells of them."""
        from gnnmax.detection.permutation_null import discoveries_among
        from gnnmax.detection.search import maxima_of

        k = self.k if self.k_columns is None else (self.k, self.k_columns)
        border: Any = self.border if self.border in ("shrink", "drop") else int(self.border)
        directed = True if self.directed else None
        if self.decoys == "none":
            both = self.both or self.positions is not None
            options = (self.ties, border, self.threshold, self.separation, both, directed)
            return maxima_of(source, k, self.mode, *options), [], None
        rng = np.random.default_rng(self.seed)
        search = (self.mode, self.ties, border, self.threshold, self.separation, directed)
        found = discoveries_among(source, k, self.decoys, rng, self.draws, *search)
        kept = found.q <= (1.0 if self.fdr is None else self.fdr)
        decoys = {
            "kind": self.decoys,
            "draws": self.draws,
            "seed": self.seed,
            "fdr": self.fdr,
            "found": len(kept),
            "dropped": int((~kept).sum()),
        }
        chance = [
            {"support": support, "q": q}
            for support, q in zip(found.support[kept].tolist(), found.q[kept].tolist(), strict=True)
        ]
        return found.maxima[kept], chance, decoys

    def _check(self) -> None:
        if self.decoys == "none" and self.fdr is not None:
            raise InputError("--fdr needs decoys: say --decoys shuffle, or --decoys distance where values fall off")
        if self.fdr is not None and not 0 < self.fdr <= 1:
            raise InputError(f"--fdr takes a rate above 0 and up to 1, not {self.fdr:g}")
        if self.seed < 0:
            raise InputError(f"--seed takes a whole number from 0 on, not {self.seed}")
        for word, given in (("--both", self.both), ("--positions", self.positions)):
            if self.decoys != "none" and given:
                raise InputError(f"decoys are for the maxima found, each pair once: leave out {word}")
        if self.border not in ("shrink", "drop") and not self.border.isdecimal():
            raise InputError(f"--border takes shrink, drop or a number, not {self.border!r}")
        card = None if self.out is None else self.out.with_suffix(CARD)
        taken = {path.resolve() for path in (self.matrix, self.positions) if path is not None}
        for path, known in (
            (self.out, (".csv", ".json", ".parquet")),
            (card, (".json",)),
            (self.windows, (".npz",)),
            (self.everywhere, (".npz",)),
            (self.page, (".html",)),
        ):
            if path is not None and path.resolve() in taken:
                raise InputError(f"{path} is read already, or written by another option: choose another file")
            taken |= set() if path is None else {path.resolve()}
            if path is not None and path.suffix not in known:
                raise InputError(f"{path} must end in {' or '.join(known)}: that says how it is written")
            if path is not None and not path.parent.is_dir():
                raise InputError(f"the folder {path.parent} does not exist: make it first, or choose another file")
        if self.out is not None and self.out.suffix == ".parquet":
            parquet_library()
        if self.everywhere is not None and (self.mode == "graph" or self.models == "none"):
            raise InputError("--everywhere is for nets on an ordered matrix: leave out --mode graph or --models none")

    def _models(self) -> dict[str, TrainedModel]:
        """Load the nets that are asked."""
        names = [] if self.models == "none" else words_of(self.models)
        if (names or self.windows is not None) and self.k_columns not in (None, self.k):
            raise InputError("nets take square windows: say --models none, or leave out --k-columns")
        if not names:
            return {}
        from gnnmax.models.trained import load_model

        return {name: load_model(name, device=self.device) for name in names}

    def _everywhere(self, source: Source, models: dict[str, TrainedModel]) -> dict[str, dict[str, Any]] | None:
        """Let the nets score every entry, write the scores, and tell what a screen by the rule would have kept."""
        if self.everywhere is None:
            return None
        from gnnmax.detection.dense_scoring import scores_of, screened

        scores = {name: scores_of(model, source, self.k) for name, model in models.items()}
        write_arrays(self.everywhere, scores)
        found = {name: screened(values, source, self.k) for name, values in scores.items()}
        return {name: {**one._asdict(), "recall": one.recall} for name, one in found.items()}

    def _scored(self, source: Source, rows: Rows, models: dict[str, TrainedModel]) -> Rows:
        """Add, where nets are asked, the rule's and their answers on the same windows."""
        if not models and self.windows is None:
            return rows
        from gnnmax.detection.dense_scoring import score_windows

        windows, reason = self._windows(source, rows)
        if self.windows is not None:
            write_windows(self.windows, rows, windows)
        scores = {name: score_windows(model, windows) for name, model in models.items()}
        return with_scores(rows, windows, scores, reason)

    def _windows(self, source: Source, rows: Rows) -> tuple[Any, str]:
        """Cut the windows of some places, NaN where there is none; and say why there are none at all."""
        from gnnmax.detection.dense_scoring import neighbour_windows, windows_at

        cut = [index for index, row in enumerate(rows) if not row.get("reason")]
        places = np.array([(rows[index]["i"], rows[index]["j"]) for index in cut], dtype=np.intp).reshape(-1, 2)
        windows, reason = np.full((len(rows), self.k, self.k), np.nan), ""
        if self.mode == "ordered":
            windows[cut] = windows_at(source, places[:, 0], places[:, 1], self.k)
        elif cut:
            try:
                windows[cut] = np.concatenate(list(neighbour_windows(source, places[:, 0], places[:, 1], self.k)))
            except InputError as error:
                reason = str(error)
        return windows, reason

    def _card(
        self,
        source: Source,
        maxima: Maxima,
        rows: Rows,
        decoys: dict[str, Any] | None,
    ) -> dict[str, Any]:
        from gnnmax.data.store import versions

        return {
            "command": f"gnnmax {shlex.join(sys.argv[1:])}",
            "matrix": str(self.matrix),
            "positions": None if self.positions is None else str(self.positions),
            "mode": self.mode,
            "k": None if maxima.k is None else list(maxima.k),
            "ties": self.ties,
            "border": self.border,
            "absent": self.absent,
            "diagonal": self.diagonal,
            "balanced": self.balanced,
            "threshold": self.threshold,
            "separation": self.separation,
            "steps": [step.name for step in source.steps],
            "lost": {f"{step.name}: {step.reason}": step.lost for step in source.steps if step.lost},
            "decoys": decoys,
            "maxima": len(maxima),
            "without_score": dict(Counter(row["reason"] for row in rows if row.get("reason"))),
            "versions": versions(),
        }


SHOWN = 20
"""Maxima printed; the file holds all."""


def print_maxima(rows: Rows, card: dict[str, Any], out: Path | None) -> None:
    """Print a table of the first maxima, or why there is none, and what else the run card tells."""
    from rich.console import Console
    from rich.table import Table

    how = f"mode {card['mode']}" + ("" if card["k"] is None else f", {card['k'][0]} x {card['k'][1]}")
    what = f"{card['maxima']:,} maxima" if card["positions"] is None else f"{len(rows):,} positions"
    title = f"{card['matrix']}: {what}, {how}, ties {card['ties']}, border {card['border']}"
    if card["steps"]:
        title += f", steps {','.join(card['steps'])}"
    if not rows:
        sys.stdout.write(f"{title}\nno maximum found: {_why_none(card)}\n{_told(card)}")
        return
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "reason" else "right")
    for row in rows[:SHOWN]:
        table.add_row(*map(_shown, row.values()))
    if len(rows) > SHOWN:
        table.caption = f"the first {SHOWN} of {len(rows):,}" + ("" if out else "; --out FILE writes all")
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    sys.stdout.write(_told(card))
    if out is not None:
        sys.stdout.write(f"{out}\n")


def _why_none(card: dict[str, Any]) -> str:
    if card["decoys"] is not None and card["decoys"]["dropped"]:
        return f"none has a q-value up to {card['decoys']['fdr']:g}"
    if card["threshold"] is not None:
        return f"no entry that is the largest of its window is above {card['threshold']:g}"
    if card["border"] != "shrink":
        return f"every largest entry has more entries missing around it than --border {card['border']} allows"
    return "no entry is above all others of its window; --ties all counts equal ones too"


def _told(card: dict[str, Any]) -> str:
    """Say what steps lost, what decoys dropped and what nets said of every entry, a line each."""
    lines = [f"{lost:,} entries without a score: {why}\n" for why, lost in card["lost"].items()]
    decoys = card["decoys"]
    if decoys is not None and decoys["fdr"] is not None:
        lines.append(
            f"{decoys['dropped']:,} of {decoys['found']:,} maxima dropped: q above {decoys['fdr']:g} "
            f"(decoys {decoys['kind']}, {decoys['draws']} draws, seed {decoys['seed']})\n"
        )
    for name, told in (card["everywhere"] or {}).items():
        recall = "" if told["recall"] is None else f", recall of a screen by the rule {told['recall']:.4f}"
        lines.append(
            f"{name}: {told['called']:,} of {told['windows']:,} whole windows called centred, "
            f"{told['kept']:,} of them strict maxima{recall}\n"
        )
    return "".join(lines)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
