"""The command leaderboard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gnnmax.cli.arguments import Flag, open_data, words_of
from gnnmax.cli.printing import print_json, print_tables
from gnnmax.cli.score_files import named_files
from gnnmax.errors import InputError, unknown_name
from gnnmax.io.ownership import Output, check_outputs
from gnnmax.io.paths import as_path

if TYPE_CHECKING:
    from gnnmax.auditing.findings import Symmetry
    from gnnmax.data.dataset import DataSet
    from gnnmax.experiments.leaderboard import Board

__all__ = ["Leaderboard"]


@dataclass(frozen=True)
class Leaderboard:
    """Keep a leaderboard in a file: compute every figure again from the scores, add entries, and write a page.

    Without --scores, --rules and --run the file is only checked: one whose figures do not follow from its scores, or of
    another data set, is refused. Entries that do not differ significantly stand in one group.
    """

    board: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="BOARD")]]
    """The file, .json; made if it is missing and there is something to add."""
    data: str
    """Folder of the data set, name of its recipe, or path of a .toml file."""
    split: str | None = None
    """Split of a new board, test by default; a board keeps its own."""
    threshold: float | None = None
    """Threshold of a new board, 0 by default: a window is called centred if its score is above it."""
    scores: tuple[str, ...] = ()
    """Files of scores to add, each FILE or NAME=FILE, one entry a window."""
    rules: str = ""
    """Names of rules to add, separated by commas; see gnnmax list rules."""
    run_folder: Annotated[Path | None, tyro.conf.arg(name="run")] = None
    """A run folder, or the folder of one model, whose models are added and audited."""
    page: Path | None = None
    """Also write the board as an HTML page."""
    force: Flag = False
    """Replace entries of the same names, and an output file that gnnmax did not write."""
    json: Flag = False
    """Print JSON."""

    def run(self) -> int:
        """Check, add, print."""
        from gnnmax.experiments.leaderboard import check_board, new_board, read_board, with_entries, write_board
        from gnnmax.report.leaderboard_page import board_table, write_board_page
        from gnnmax.task.tabulation import rich_table

        adds = bool(self.scores or self.rules or self.run_folder is not None)
        outputs = [Output("--page", self.page, (".html",))]
        if adds:
            outputs.insert(0, Output("the leaderboard", self.board, (".json",)))
        check_outputs(outputs, inputs=[as_path(self.data)], force=self.force)
        old = read_board(self.board) if self.board.exists() or not adds else None
        data = open_data(self.data)
        board = new_board(data, self.split or "test", threshold=self.threshold or 0.0) if old is None else old
        self._check_kept(board)
        standing = check_board(board, data)
        if adds:
            scores, audits = self._added(data, board.split)
            there = {entry.name for entry in board.entries} & scores.keys()
            if there and not self.force:
                raise InputError(f"the leaderboard has an entry {min(there)!r}: choose another name, or pass --force")
            board = with_entries(board, data, scores, audits=audits)
            standing = check_board(board, data)
            if (read_board(self.board) if self.board.exists() else None) != old:
                raise InputError(f"another call has changed {self.board} in the meantime: run this one again")
            write_board(board, self.board)
        if self.page is not None:
            write_board_page(standing, self.page)
        if self.json:
            print_json({"groups": standing.groups, "figures": {each.name: each.figures for each in board.entries}})
        else:
            print_tables(rich_table(*board_table(standing)))
        return 0

    def _check_kept(self, board: Board) -> None:
        """Refuse options of a new board that are not those of the board.

        Raises:
            InputError: the board has another split or another threshold.
        """
        for option, asked, kept in (
            ("--split", self.split, board.split),
            ("--threshold", self.threshold, board.threshold),
        ):
            if asked is not None and asked != kept:
                raise InputError(f"{option} is {asked}, and the board keeps {kept}: leave it out, or start a new board")

    def _added(self, data: DataSet, split: str) -> tuple[dict[str, Any], dict[str, dict[str, Symmetry]]]:
        """Return the scores of new entries, and the audits of those that are scorers."""
        import numpy as np

        from gnnmax.auditing.battery import audit
        from gnnmax.evaluation.column_files import read_column
        from gnnmax.task.rules import RULES

        windows = data.splits[split]
        scores: dict[str, Any] = {name: read_column(file, "score") for name, file in named_files(self.scores).items()}
        scorers: dict[str, Any] = {}
        for name in words_of(self.rules):
            if name not in RULES:
                raise unknown_name("rule", name, RULES)
            scorers[name] = RULES[name]
        if self.run_folder is not None:
            from gnnmax.experiments.run_folder import load_run

            for name, seeds in load_run(self.run_folder).items():
                scorers |= {f"{name} (seed {model.card.seed})": model for model in seeds}
        twice = scores.keys() & scorers.keys()
        if twice:
            raise InputError(f"two entries are called {min(twice)!r}: name the file, as in mine=scores.csv")
        audits: dict[str, dict[str, Symmetry]] = {}
        for name, scorer in scorers.items():
            scores[name] = np.asarray(scorer(windows))
            report = audit(scorer, windows[:500], rng=np.random.default_rng(0))
            audits[name] = {each: finding.verdict for each, finding in report.items()}
        return scores, audits
